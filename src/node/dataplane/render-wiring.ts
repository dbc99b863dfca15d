// NetworkModel → Wiring: how this node reaches the pods of others, what it does with pods that are not there, and which
// LoadBalancer addresses it answers for. The pods' own links are made with the pods (node/linux/pod-link.ts).
import { memoLast } from '../../base/data/memo.ts';
import { familyOf } from '../../base/net/address.ts';
import { hostPrefix } from '../../base/net/prefix.ts';
import type { NetworkModel, NodeView, Peer } from '../../model/network-model.ts';
import { type WiredNeighbour, type WiredRoute, type Wiring, wiringOf } from '../linux/wiring.ts';

/** host-gw: nodes share a link, so each is the gateway to its own pods. A peer without an address of the family is not reached. */
const peerRoutes = (uplink: string) => ({ ips, podCIDRs, origin }: Peer): WiredRoute[] =>
  podCIDRs.flatMap((prefix) => {
    const via = ips.find((ip) => familyOf(ip) === familyOf(prefix));
    return via === undefined ? [] : [{ prefix, via, link: uplink, origin }];
  });

/** Packets to a pod that does not exist would otherwise go to the gateway, which sends them back. */
const emptyRange = (prefix: string): WiredRoute => ({ prefix, type: 'blackhole' });

/** Own without being an address of a link: it draws ARP here, but is never chosen as a source. */
const announced = (address: string): WiredRoute => ({ prefix: hostPrefix(address), type: 'local', link: 'lo' });

/** IPv6 does not answer for such an address by itself (net/ipv6/ndisc.c): a proxy entry does. */
const solicited = (uplink: string, addresses: readonly string[]): WiredNeighbour[] =>
  addresses.filter((address) => familyOf(address) === 6).map((address) => ({ link: uplink, address }));

function wiringOfView(view: NodeView, uplink: string): Wiring {
  const neighbours = solicited(uplink, view.announces);
  return wiringOf({
    routes: [...view.podCIDRs.map(emptyRange), ...view.peers.flatMap(peerRoutes(uplink)), ...view.announces.map(announced)],
    neighbours,
    sysctls: neighbours.length > 0 ? { [`net/ipv6/conf/${uplink}/proxy_ndp`]: '1' } : {},
  });
}

/** `uplink`: the node's link to the other nodes. The same view gives the same Wiring object. */
export function createWiringRenderer(uplink = 'eth0'): (model: Pick<NetworkModel, 'self'>) => Wiring {
  const render = memoLast((view: NodeView) => wiringOfView(view, uplink));
  return ({ self }) => render(self);
}
