// What a node's service table says to one packet: nothing, an answer of its own, or a choice of endpoints.
// Serves trace.ts. The dataplane asks the same questions in the same order with maps in the kernel.
import { memoByIdentity } from '../../base/data/memo.ts';
import { inRanges } from '../../base/net/prefix-list.ts';
import type { Ref } from '../../kube/objects/meta.ts';
import { type Endpoint, type NetworkModel, type ServicePort, type VirtualAddress, printRef } from '../network-model.ts';
import type { Packet } from '../packet.ts';
import { type ClientPlace, confinedToLocal } from './masquerade.ts';

export type ServiceAnswer =
  | { readonly says: 'nothing' }
  | { readonly says: 'dropped' | 'rejected'; readonly did: string; readonly because?: Ref }
  | { readonly says: 'endpoints'; readonly endpoints: readonly Endpoint[]; readonly port: ServicePort; readonly virtual: VirtualAddress };

interface Front {
  readonly port: ServicePort;
  readonly virtual: VirtualAddress;
}

interface Fronts {
  readonly byAddress: ReadonlyMap<string, Front>;
  readonly clusterIPs: ReadonlyMap<string, Ref>;
  readonly balanced: ReadonlyMap<string, Ref>;
}

const frontKey = (address: string, protocol: string, port: number): string => `${address} ${protocol} ${port}`;

/** Node ports of both families share numbers; the key keeps them apart. */
const anyNode = (family: 4 | 6): string => `node/${family}`;

const frontsOf = memoByIdentity((services: NetworkModel['services']): Fronts => {
  const byAddress = new Map<string, Front>();
  const clusterIPs = new Map<string, Ref>();
  const balanced = new Map<string, Ref>();
  for (const port of services.values()) {
    for (const virtual of port.virtual) {
      byAddress.set(frontKey(virtual.address ?? anyNode(port.family), port.protocol, virtual.port), { port, virtual });
      if (virtual.type === 'clusterIP' && virtual.address) clusterIPs.set(virtual.address, port.origin);
      if (virtual.type === 'loadBalancer' && virtual.address) balanced.set(virtual.address, port.origin);
    }
  }
  return { byAddress, clusterIPs, balanced };
});

export function findService(model: NetworkModel, packet: Packet, client: ClientPlace): ServiceAnswer {
  const fronts = frontsOf(model.services);
  const front = findFront([fronts, frontsOf(model.hostPorts)], model, packet);
  if (front) return answerOf(front, packet, client);
  if (isAnnounced(model, packet.destination)) return noSuchPort(packet, fronts.balanced.get(packet.destination));
  if (!inRanges(packet.destination, model.ranges.serviceCIDRs)) return { says: 'nothing' };
  const owner = fronts.clusterIPs.get(packet.destination);
  // A wrong port of a real cluster IP is an error worth hearing at once; an address nobody has must lead nowhere (PROXY-74).
  return owner ? noSuchPort(packet, owner) : { says: 'dropped', did: `dropped: no Service has the address ${packet.destination}` };
}

/** The node carries such an address only for Services: its own processes and node ports must not be found behind it. */
const isAnnounced = ({ self }: NetworkModel, address: string): boolean => self.announces.includes(address) && !self.ips.includes(address);

const noSuchPort = ({ destination, destinationPort, protocol }: Packet, owner: Ref | undefined): ServiceAnswer => ({
  says: 'rejected',
  did: `rejected: ${owner ? printRef(owner) : `the Service of ${destination}`} has no port ${destinationPort}/${protocol}`,
  ...(owner && { because: owner }),
});

/** Services and host ports never have an address and port in common: services/host-ports.ts. */
function findFront([services, hostPorts]: readonly [Fronts, Fronts], { self, ranges }: NetworkModel, packet: Packet): Front | undefined {
  const { destination, protocol, destinationPort, family } = packet;
  const exactly = frontKey(destination, protocol, destinationPort);
  const exact = services.byAddress.get(exactly) ?? hostPorts.byAddress.get(exactly);
  if (exact || !self.ips.includes(destination)) return exact;
  const { nodePortAddresses } = ranges;
  const answers = nodePortAddresses.length === 0 || inRanges(destination, nodePortAddresses);
  return answers ? services.byAddress.get(frontKey(anyNode(family), protocol, destinationPort)) : undefined;
}

function answerOf({ port, virtual }: Front, { source }: Packet, client: ClientPlace): ServiceAnswer {
  const because = port.origin;
  // The node may always reach the addresses it carries itself (PROXY-39).
  const refused = virtual.type === 'loadBalancer' && port.allowedSources && client !== 'this node' && !inRanges(source, port.allowedSources);
  if (refused) return { says: 'dropped', did: `dropped: ${source} is in none of the source ranges of ${printRef(because)}`, because };
  if (port.endpoints.length === 0) return { says: 'rejected', did: `rejected: ${printRef(because)} has no endpoint for ${port.key}`, because };
  if (!confinedToLocal(virtual, client)) return { says: 'endpoints', endpoints: port.endpoints, port, virtual };
  const endpoints = port.localEndpoints ?? [];
  if (endpoints.length > 0) return { says: 'endpoints', endpoints, port, virtual };
  return { says: 'dropped', did: `dropped: policy Local of ${printRef(because)}, and none of its endpoints is on this node`, because };
}
