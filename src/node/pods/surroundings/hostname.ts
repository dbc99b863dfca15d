// What a pod is called inside, and its /etc/hosts. Pure.
import type { Pod } from '../../../kube/objects/core.ts';

export interface PodNames {
  /** What `hostname` prints. */
  hostname: string;
  /** The short name, whatever setHostnameAsFQDN says. */
  short: string;
  /** Only with spec.subdomain. */
  fqdn?: string;
}

/** Linux's limit for the node name (utsname(2), without the final zero). */
const longestNodeName = 64;
const longestLabel = 63;

/** Throws Error with the words for the event when setHostnameAsFQDN asks for more than Linux can hold (HN-08). */
export function podNames(pod: Pod, clusterDomain: string, nodeName: string): PodNames {
  if (pod.spec.hostNetwork) return { hostname: nodeName, short: nodeName };
  const short = pod.spec.hostname ?? pod.metadata.name.slice(0, longestLabel).replace(/[-.]+$/, '');
  if (!pod.spec.subdomain) return { hostname: short, short };
  const fqdn = `${short}.${pod.spec.subdomain}.${pod.metadata.namespace ?? 'default'}.svc.${clusterDomain}`;
  if (!pod.spec.setHostnameAsFQDN) return { hostname: short, short, fqdn };
  if (fqdn.length > longestNodeName) {
    throw new Error(
      `failed to construct FQDN from pod hostname and cluster domain, FQDN ${fqdn} is too long ` +
        `(${longestNodeName} characters is the max, ${fqdn.length} characters requested)`,
    );
  }
  return { hostname: fqdn, short, fqdn };
}

const everyPod = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::0\tip6-localnet',
  'fe00::0\tip6-mcastprefix',
  'fe00::1\tip6-allnodes',
  'fe00::2\tip6-allrouters',
];

/** `nodeHosts` is the node's own file: the base for host-network pods. */
export function podHosts(pod: Pod, names: PodNames, addresses: readonly string[], nodeHosts = ''): string {
  const aliases = (pod.spec.hostAliases ?? []).map(({ ip, hostnames }) => [ip, ...(hostnames ?? [])].join('\t'));
  const own = addresses.map((address) => [address, ...(names.fqdn ? [names.fqdn] : []), names.short].join('\t'));
  const base = pod.spec.hostNetwork ? nodeHosts.trimEnd().split('\n') : [...everyPod, ...own];
  const added = aliases.length > 0 ? ['', '# From spec.hostAliases.', ...aliases] : [];
  return `${['# Written by Fairlead; changes are lost when the container restarts.', ...base, ...added].join('\n')}\n`;
}
