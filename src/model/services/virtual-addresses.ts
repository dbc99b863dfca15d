// Where a Service can be reached: the addresses of one of its ports in one family, and who may use them.
// Serves service-ports.ts. Pure readings of spec and status; what is unreadable becomes a Problem.
import { canonicalAddress, familyOf } from '../../base/net/address.ts';
import { parsePrefix } from '../../base/net/prefix.ts';
import { inRanges } from '../../base/net/prefix-list.ts';
import type { Service, ServicePortSpec } from '../../kube/objects/core.ts';
import type { Family } from '../../kube/objects/meta.ts';
import type { VirtualAddress } from '../network-model.ts';

export type Report = (reason: string, message: string) => void;

/** Addresses from outside, read once per Service. */
export interface FrontAddresses {
  readonly cluster: readonly string[];
  readonly loadBalancer: readonly string[];
  readonly external: readonly string[];
}

/** Headless and ExternalName Services have none at all (KPX-21, SVC-85, SVC-93). */
export function frontAddresses({ spec, status }: Service, serviceCIDRs: readonly string[], report: Report): FrontAddresses | undefined {
  if (spec.type === 'ExternalName') return undefined;
  const cluster = (spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP ?? '']).flatMap((ip) => canonicalAddress(ip) ?? []);
  if (cluster.length === 0) return undefined;
  const families = new Set(cluster.map(familyOf));
  const usable = (text: string): readonly string[] => {
    const address = canonicalAddress(text);
    const refusal = address === undefined ? 'is not an IP address' : whyNoFront(address, families, serviceCIDRs);
    if (refusal) report('AddressIgnored', `${text} ${refusal}`);
    return refusal === undefined && address !== undefined ? [address] : [];
  };
  const balanced = spec.type === 'LoadBalancer' ? (status?.loadBalancer?.ingress ?? []) : [];
  return {
    cluster,
    // A balancer of mode Proxy wants to see every packet itself (KPX-43).
    loadBalancer: balanced.flatMap(({ ip, ipMode }) => (ip && ipMode !== 'Proxy' ? usable(ip) : [])),
    external: (spec.externalIPs ?? []).flatMap(usable),
  };
}

/** An address inside the service range could only steal another Service's traffic. */
function whyNoFront(address: string, families: ReadonlySet<Family>, serviceCIDRs: readonly string[]): string | undefined {
  const family = familyOf(address);
  if (!families.has(family)) return `is IPv${family}, but the Service has no cluster IP of that family`;
  if (inRanges(address, serviceCIDRs)) return 'lies inside the service range';
  return undefined;
}

export function virtualAddresses({ spec }: Service, port: ServicePortSpec, fronts: FrontAddresses, family: Family): readonly VirtualAddress[] {
  const internalLocal = spec.internalTrafficPolicy === 'Local';
  const externalLocal = spec.externalTrafficPolicy === 'Local';
  const at = (type: VirtualAddress['type'], addresses: readonly string[], localOnly: boolean): VirtualAddress[] =>
    addresses.filter((address) => familyOf(address) === family).map((address) => ({ type, address, port: port.port, localOnly }));
  const hasNodePort = port.nodePort && (spec.type === 'NodePort' || spec.type === 'LoadBalancer');
  return [
    ...at('clusterIP', fronts.cluster, internalLocal),
    ...at('loadBalancer', fronts.loadBalancer, externalLocal),
    ...at('externalIP', fronts.external, externalLocal),
    ...(hasNodePort ? [{ type: 'nodePort' as const, port: port.nodePort ?? 0, localOnly: externalLocal }] : []),
  ];
}

const rangesAnnotation = 'service.beta.kubernetes.io/load-balancer-source-ranges';

/**
 * Source ranges of one family; undefined = everyone. Ranges of the other family only are no leave for this one:
 * a Service that names sources never becomes open, it becomes closed.
 */
export function allowedSources({ spec, metadata }: Service, family: Family, report: Report): readonly string[] | undefined {
  const listed = spec.loadBalancerSourceRanges?.length ? spec.loadBalancerSourceRanges : splitList(metadata.annotations?.[rangesAnnotation]);
  if (spec.type !== 'LoadBalancer' || listed.length === 0) return undefined;
  const allowed: string[] = [];
  for (const text of listed.map((range) => range.trim())) {
    const prefix = parsePrefix(text);
    if (!prefix) report('SourceRangeIgnored', `${text} is not an address range`);
    else if (prefix.family === family && prefix.length === 0) return undefined;
    else if (prefix.family === family) allowed.push(text);
  }
  return allowed;
}

const splitList = (text: string | undefined): string[] => (text ?? '').split(',').filter((part) => part.trim() !== '');
