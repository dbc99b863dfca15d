// Does a list of permits let a connection through? The model's own answer; the kernel's is node/dataplane.
// Serves trace.ts. Policies speak of TCP, UDP and SCTP only: other protocols (ICMP) pass, isolated or not,
// with and without permits (NP-26, NPT-66).
import type { Permit, Permits, IpBlock, PortRange } from '../network-model.ts';
import type { Packet } from '../packet.ts';
import { inRanges } from '../../base/net/prefix-list.ts';

export type Finding = { readonly allowed: true; readonly by?: Permit } | { readonly allowed: false };

/** `peer` is the other end's address: the source for ingress, the destination for egress. */
export function findPermit(permits: Permits, peer: string, packet: Packet): Finding {
  if (permits === 'open' || packet.protocol === 'ICMP') return { allowed: true };
  const by = permits.find(({ peers, ports }) => admitsPeer(peers, peer) && admitsPort(ports, packet));
  return by ? { allowed: true, by } : { allowed: false };
}

const admitsPeer = (peers: Permit['peers'], peer: string): boolean => peers === 'anyone' || peers.some((block) => inBlock(block, peer));

const cidrLists = new WeakMap<IpBlock, readonly string[]>();

function inBlock(block: IpBlock, address: string): boolean {
  const list = cidrLists.get(block) ?? [block.cidr];
  cidrLists.set(block, list);
  return inRanges(address, list) && !(block.except && inRanges(address, block.except));
}

const admitsPort = (ports: Permit['ports'], packet: Packet): boolean => ports === 'any' || ports.some((range) => inPorts(range, packet));

function inPorts({ protocol, first = 0, last = 65_535, onlyFor }: PortRange, packet: Packet): boolean {
  if (protocol !== packet.protocol || (onlyFor !== undefined && onlyFor !== packet.destination)) return false;
  return packet.destinationPort >= first && packet.destinationPort <= last;
}
