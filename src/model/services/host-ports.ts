// Ports of this node that lead to one pod each: `containers[].ports[].hostPort`. Every entry is a ServicePort with a single
// endpoint, so that renderers, connection tracking and the tracer know already what to do with it. Serves compile.ts.
// A host port without hostIP is spelled out: one virtual address for each of the node's own. So it never answers on
// loopback, nor on an address that is announced for a Service, and `nodePortAddresses` does not concern it.
import { deepEqual, keepIdentity, memoByIdentity, memoLast, sameItems } from '../../base/data/memo.ts';
import { addressOf, familyOf, parseAddress, printAddress } from '../../base/net/address.ts';
import { podKind } from '../../kube/kinds/pod.ts';
import { serviceKind } from '../../kube/kinds/service.ts';
import { hostPortsOf } from '../../kube/meaning/host-ports.ts';
import type { Pod, Service } from '../../kube/objects/core.ts';
import type { Family, Ref } from '../../kube/objects/meta.ts';
import { keyOf, type Snapshot } from '../../kube/store/store.ts';
import { type Problem, printRef, type Scope, type ServicePort } from '../network-model.ts';

export interface CompiledHostPorts {
  /** Key `pod/namespace/name:port/protocol/family`, where a hostIP is named `…:address:port/…`. */
  readonly hostPorts: ReadonlyMap<string, ServicePort>;
  readonly problems: readonly Problem[];
}

const nothing: CompiledHostPorts = { hostPorts: new Map(), problems: [] };

/** Where another network plug-in gives pods their addresses, host ports are its business too (CNI-14). */
export function createHostPortCompiler({ node, keepsPodSources }: Scope): (seen: Snapshot, ips: readonly string[]) => CompiledHostPorts {
  const hosts = memoLast((pods: readonly Pod[]) => pods.filter((pod) => pod.spec.nodeName === node && isReachable(pod) && hostPortsOf(pod).length > 0).toSorted(byAge));
  let pods: readonly Pod[] = [];
  const takenBy = memoLast(readTaken);
  let last: CompiledHostPorts | undefined;
  const compile = memoLast((mine: readonly Pod[], services: readonly Service[], ips: readonly string[]): CompiledHostPorts => {
    const fresh = settle(mine, new Map(takenBy(services)), ips);
    return (last = {
      hostPorts: keepIdentity(last?.hostPorts, fresh.hostPorts),
      problems: deepEqual(last?.problems, fresh.problems) ? last!.problems : fresh.problems,
    });
  });
  return (seen, ips) => {
    if (node === undefined || keepsPodSources) return nothing;
    const mine = hosts(seen.list(podKind));
    if (!sameItems(pods, mine)) pods = mine;
    return pods.length === 0 ? nothing : compile(pods, seen.list(serviceKind), ips);
  };
}

/** A pod that is being ended keeps its ports until it is gone; readiness is no question here. */
const isReachable = ({ spec, status }: Pod): boolean =>
  !spec.hostNetwork && status?.phase !== 'Succeeded' && status?.phase !== 'Failed' && (status?.podIPs?.length ?? 0) > 0;

/** Who came first keeps a port that two want. The scheduler sees to it that this is rare; pods that name their node escape it. */
function byAge(a: Pod, b: Pod): number {
  const [since, other] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  if (since !== other) return since < other ? -1 : 1;
  return keyOf(a.metadata.name, a.metadata.namespace) < keyOf(b.metadata.name, b.metadata.namespace) ? -1 : 1;
}

/** Owners by `address protocol port`; with `*` as address, by the number alone. */
type Taken = Map<string, Ref>;

const claimKey = (address: string, protocol: string, port: number): string => `${address} ${protocol} ${port}`;

/** What Services promise on every node comes before what one pod wants of one node (node ports, health ports, external addresses). */
function readTaken(services: readonly Service[]): ReadonlyMap<string, Ref> {
  const taken: Taken = new Map();
  for (const { metadata, spec, status } of services) {
    const origin: Ref = { kind: 'Service', namespace: metadata.namespace, name: metadata.name };
    const external = [...(spec.externalIPs ?? []), ...(status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip ?? '')].filter((ip) => parseAddress(ip));
    if (spec.healthCheckNodePort) taken.set(claimKey('*', 'TCP', spec.healthCheckNodePort), origin);
    for (const { nodePort, port, protocol = 'TCP' } of spec.ports ?? []) {
      if (nodePort) taken.set(claimKey('*', protocol, nodePort), origin);
      for (const address of external) taken.set(claimKey(canonical(address), protocol, port), origin);
    }
  }
  return taken;
}

const canonical = (address: string): string => printAddress(addressOf(address));

function settle(pods: readonly Pod[], taken: Taken, ips: readonly string[]): CompiledHostPorts {
  const hostPorts = new Map<string, ServicePort>();
  const problems: Problem[] = [];
  for (const pod of pods) {
    for (const port of wishesOf(pod, ips)) {
      const granted = port.virtual.filter(({ address = '', port: number }) => {
        const owner = taken.get(claimKey('*', port.protocol, number)) ?? taken.get(claimKey(address, port.protocol, number));
        if (owner) problems.push({ about: port.origin, reason: 'HostPortConflict', message: `${address} port ${number}/${port.protocol} belongs to ${printRef(owner)}` });
        else taken.set(claimKey(address, port.protocol, number), port.origin);
        return owner === undefined;
      });
      if (granted.length > 0) hostPorts.set(port.key, granted.length === port.virtual.length ? port : { ...port, virtual: granted });
    }
    problems.push(...strangeAddresses(pod, ips));
  }
  return { hostPorts, problems };
}

const unspecified: Readonly<Record<string, readonly Family[]>> = { '': [4, 6], '0.0.0.0': [4], '::': [6] };

/** The node's own addresses that a port is wanted on. */
function addressesFor(hostIP: string, ips: readonly string[]): readonly string[] {
  const families = unspecified[hostIP];
  if (families) return ips.filter((ip) => families.includes(familyOf(ip))).map(canonical);
  const wished = parseAddress(hostIP) && canonical(hostIP);
  return ips.map(canonical).filter((ip) => ip === wished);
}

const wishesOf = memoByIdentity((pod: Pod, ips: readonly string[]): readonly ServicePort[] => {
  const { name, namespace } = pod.metadata;
  const origin: Ref = { kind: 'Pod', namespace, name };
  const podIPs = pod.status?.podIPs?.map(({ ip }) => ip) ?? [];
  return hostPortsOf(pod).flatMap(({ hostIP, hostPort, containerPort, protocol }) =>
    ([4, 6] as const).flatMap((family): ServicePort[] => {
      const address = podIPs.find((ip) => familyOf(ip) === family);
      const virtual = addressesFor(hostIP, ips)
        .filter((ip) => familyOf(ip) === family)
        .map((ip) => ({ type: 'hostPort' as const, address: ip, port: hostPort, localOnly: false }));
      if (address === undefined || virtual.length === 0) return [];
      const key = `pod/${keyOf(name, namespace)}:${hostIP && `${hostIP}:`}${hostPort}/${protocol.toLowerCase()}/${family}`;
      const endpoints = [{ address, port: containerPort, node: pod.spec.nodeName, local: true, pod: origin, origin }];
      return [{ key, family, protocol, virtual, endpoints, origin }];
    }),
  );
});

const strangeAddresses = (pod: Pod, ips: readonly string[]): Problem[] =>
  hostPortsOf(pod)
    .filter(({ hostIP }) => addressesFor(hostIP, ips).length === 0)
    .map(({ hostIP, hostPort }) => ({
      about: { kind: 'Pod', namespace: pod.metadata.namespace, name: pod.metadata.name },
      reason: 'HostPortIgnored',
      message: `host port ${hostPort} is wanted on ${hostIP || 'the node'}, which is no address of node ${pod.spec.nodeName}`,
    }));
