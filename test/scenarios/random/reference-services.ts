// The reference's reading of Services and slices: which front a packet meets on a node, and which endpoints it may get.
import assert from 'node:assert/strict';
import { endpointSliceKind } from '../../../src/kube/kinds/endpoint-slice.ts';
import { nodeKind } from '../../../src/kube/kinds/node.ts';
import { podKind } from '../../../src/kube/kinds/pod.ts';
import { serviceKind } from '../../../src/kube/kinds/service.ts';
import type { Node, Service, ServicePortSpec } from '../../../src/kube/objects/core.ts';
import type { SliceEndpoint } from '../../../src/kube/objects/networking.ts';
import type { Snapshot } from '../../../src/kube/store/store.ts';
import type { Packet } from '../../../src/model/packet.ts';
import type { Stage } from '../run/stage.ts';
import { familyOf, ipsOf, isLive, plain, within } from './reference-policies.ts';

export interface Front {
  readonly service: Service;
  readonly port: ServicePortSpec;
  readonly type: 'cluster' | 'balancer' | 'external' | 'node';
}

export const nodeAt = (seen: Snapshot, address: string): string | undefined =>
  seen.list(nodeKind).find(({ status }) => status?.addresses?.some((entry) => entry.address === address))?.metadata.name;

/** Other proxies' Services, aliases and headless ones have no front here. */
export const isServed = ({ metadata, spec }: Service): boolean =>
  !['service.kubernetes.io/service-proxy-name', 'service.kubernetes.io/headless'].some((label) => label in (metadata.labels ?? {})) &&
  spec.type !== 'ExternalName' &&
  (spec.clusterIPs ?? []).some((ip) => ip !== 'None');

const protocolOf = ({ protocol = 'TCP' }: ServicePortSpec): string => protocol;

/** Addresses of kind VIP, which only a LoadBalancer has. */
const balancedBy = ({ spec, status }: Service): string[] =>
  spec.type !== 'LoadBalancer' ? [] : (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode = 'VIP' }) => (ip && ipMode === 'VIP' ? [plain(ip)] : []));

const outerType = (service: Service, address: string): 'balancer' | 'external' | undefined =>
  balancedBy(service).includes(address) ? 'balancer' : (service.spec.externalIPs ?? []).map(plain).includes(address) ? 'external' : undefined;

/** An outer address that several name for one port belongs to the oldest of them. */
function oldestFirst(a: Service, b: Service): number {
  const stamp = ({ metadata }: Service): string => `${metadata.creationTimestamp ?? ''} ${metadata.namespace}/${metadata.name}`;
  return stamp(a) < stamp(b) ? -1 : 1;
}

/** No Service has a front in a family in which it has no cluster IP. */
const serving = ({ snapshot }: Stage, family: 4 | 6): Service[] =>
  snapshot.list(serviceKind).filter((service) => isServed(service) && service.spec.clusterIPs?.some((ip) => familyOf(ip) === family)).toSorted(oldestFirst);

export function frontAt(stage: Stage, node: string, packet: Packet): Front | undefined {
  const { destination, destinationPort, protocol, family } = packet;
  const services = serving(stage, family);
  const find = (type: Front['type'], match: (service: Service, port: ServicePortSpec) => boolean): Front[] =>
    services.flatMap((service) => (service.spec.ports ?? []).filter((port) => protocolOf(port) === protocol && match(service, port)).map((port) => ({ service, port, type })));
  const cluster = find('cluster', ({ spec }, { port }) => port === destinationPort && spec.clusterIPs?.includes(destination) === true);
  const outer = services.flatMap((service) => {
    const type = outerType(service, destination);
    return type ? find(type, (other, { port }) => other === service && port === destinationPort) : [];
  });
  const { nodePortAddresses = [] } = stage.scope;
  const isOpen = nodeAt(stage.snapshot, destination) === node && (nodePortAddresses.length === 0 || nodePortAddresses.some((cidr) => within(destination, cidr)));
  return [...cluster, ...outer, ...(isOpen ? find('node', (_, { nodePort }) => nodePort === destinationPort) : [])][0];
}

export interface Target {
  readonly address: string;
  readonly port: number;
  readonly ready: boolean;
  readonly draining: boolean;
  readonly listed: SliceEndpoint;
}

/** What several slices list is one endpoint, as the slice says that makes it serve most. */
const byWorth = (node: string) => (a: Target & { slice: string }, b: Target & { slice: string }): number => {
  const isHere = ({ listed }: Target): boolean => listed.nodeName === node;
  const serves = ({ ready, listed }: Target): boolean => listed.conditions?.serving ?? ready;
  return +b.ready - +a.ready || +serves(b) - +serves(a) || +isHere(b) - +isHere(a) || (a.slice < b.slice ? -1 : 1);
};

export function targetsOf(stage: Stage, { service, port }: Pick<Front, 'service' | 'port'>, family: 4 | 6, node: string): Target[] {
  const { snapshot, scope } = stage;
  const slices = snapshot.list(endpointSliceKind).filter(({ metadata, addressType }) => metadata.namespace === service.metadata.namespace && metadata.labels?.['kubernetes.io/service-name'] === service.metadata.name && addressType === `IPv${family}`);
  const all = slices.flatMap(({ endpoints, ports, metadata }) =>
    (ports ?? [])
      .filter((entry) => (entry.name ?? '') === (port.name ?? '') && (entry.protocol ?? 'TCP') === protocolOf(port))
      .flatMap((entry) =>
        endpoints.map((listed) => {
          const { ready = true, serving = ready, terminating = false } = listed.conditions ?? {};
          return { address: plain(listed.addresses[0] ?? ''), port: entry.port ?? 0, ready, draining: serving && terminating, listed, slice: metadata.name };
        }),
      ),
  );
  const real = all.filter(({ address }) => !scope.serviceCIDRs.some((cidr) => within(address, cidr)));
  return [...Map.groupBy(real, (target) => `${target.address} ${target.port}`).values()].map((same) => same.toSorted(byWorth(node))[0]!);
}

export const usable = (targets: readonly Target[]): readonly Target[] => {
  const ready = targets.filter((target) => target.ready);
  return ready.length > 0 ? ready : targets.filter((target) => target.draining);
};

/** Hints count when every ready endpoint has one and one names this node's place; the node's own before its zone's. */
export function near(targets: readonly Target[], self: Node | undefined): readonly Target[] {
  if (!targets.every(({ ready }) => ready)) return targets;
  const zone = self?.metadata.labels?.['topology.kubernetes.io/zone'];
  const wishes = [
    { here: self?.metadata.name, of: ({ listed }: Target) => listed.hints?.forNodes ?? [] },
    { here: zone, of: ({ listed }: Target) => listed.hints?.forZones ?? [] },
  ];
  for (const { here, of } of wishes) {
    const mine = targets.filter((target) => of(target).some(({ name }) => name === here));
    if (here && mine.length > 0 && targets.every((target) => of(target).length > 0)) return mine;
  }
  return targets;
}

/** What Services name on every node, or at this address, is no pod's, whether they have it or not. */
const isNamedByService = (seen: Snapshot, { destination, destinationPort, protocol }: Packet): boolean =>
  seen.list(serviceKind).some(({ spec, status }) => {
    const outer = [...(spec.externalIPs ?? []), ...(status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? [])].map(plain);
    return (spec.ports ?? []).some((port) => protocolOf(port) === protocol && (port.nodePort === destinationPort || (port.port === destinationPort && outer.includes(destination))));
  });

/** The first by name of the node's pods that have an address of the family and ask for the port. */
export function behindHostPort({ snapshot: seen, scope }: Stage, node: string, packet: Packet): Pick<Packet, 'destination' | 'destinationPort'> | undefined {
  const { destination, destinationPort, protocol, family } = packet;
  if (nodeAt(seen, destination) !== node || scope.keepsPodSources || isNamedByService(seen, packet)) return undefined;
  const here = seen.list(podKind).filter((pod) => isLive(pod) && pod.spec.nodeName === node);
  const asked = here.flatMap((pod) => {
    const address = ipsOf(pod).find((ip) => familyOf(ip) === family);
    const ports = pod.spec.containers.flatMap(({ ports = [] }) => ports);
    const port = ports.find((each) => each.hostPort === destinationPort && (each.protocol ?? 'TCP') === protocol && [undefined, destination].includes(each.hostIP));
    return address && port ? [{ key: `${pod.metadata.namespace}/${pod.metadata.name}`, destination: address, destinationPort: port.containerPort }] : [];
  });
  const [first] = asked.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  return first && { destination: first.destination, destinationPort: first.destinationPort };
}

const mayAnnounce = ({ metadata, status }: Node): boolean =>
  !('node.kubernetes.io/exclude-from-external-load-balancers' in (metadata.labels ?? {})) &&
  status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;

/** Where the Services of a balancer address let it be answered: for Local, only where one of them has an endpoint. */
function possibleAnnouncers(stage: Stage, address: string): string[] {
  const seen = stage.snapshot;
  // Nobody may take away an address that a machine carries.
  if (nodeAt(seen, address) !== undefined) return [];
  const able = seen.list(nodeKind).filter(mayAnnounce).map(({ metadata }) => metadata.name);
  const family = familyOf(address);
  const fronts = serving(stage, family)
    .filter((service) => balancedBy(service).includes(address))
    .flatMap((service) => (service.spec.ports ?? []).map((port) => ({ service, port })));
  const owned = fronts.filter(({ service, port }) => frontAt(stage, '', packetTo(address, port))?.service === service);
  if (owned.length === 0) return [];
  return owned.reduce((left, front) => {
    if (front.service.spec.externalTrafficPolicy !== 'Local') return left;
    const here = usable(targetsOf(stage, front, family, '')).map(({ listed }) => listed.nodeName);
    return left.filter((name) => here.includes(name));
  }, able);
}

const packetTo = (destination: string, port: ServicePortSpec): Packet => ({
  family: familyOf(destination),
  protocol: port.protocol ?? 'TCP',
  source: destination,
  sourcePort: 0,
  destination,
  destinationPort: port.port,
});

/** Which of several possible nodes announces is the model's choice; that it is one of them is not. */
export function announcerOf(stage: Stage, address: string): string | undefined {
  const found = [...stage.models.values()].filter(({ self }) => self.announces.includes(address)).map(({ self }) => self.name);
  const possible = possibleAnnouncers(stage, address);
  const isRight = possible.length === 0 ? found.length === 0 : found.length === 1 && possible.includes(found[0]!);
  assert.ok(isRight, `${address} is announced by ${found.join(' and ') || 'nobody'}; possible: ${possible.join(', ') || 'nobody'}`);
  return found[0];
}
