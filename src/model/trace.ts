// Follows one packet through the models of all nodes it meets, along every outcome of random choices.
// The first of the three judges; serves the `why` command, the web UI and the scenarios.
//
//   enter ─▶ service (DNAT) ─▶ egress policy ─▶ route ─┬─▶ ingress policy ─▶ deliver      (a pod here)
//     ▲      only on the sending pod's node            ├─▶ deliver                        (this node, the outside)
//     └────────────────────────────────────────────────┴── masquerade, next node          (everything else)
//
// The order is the kernel's: prerouting, forward, postrouting. So policies see a packet after destination
// translation and before this node's masquerade; what a node sends or receives itself never meets them (NP-10).
import { memoByIdentity } from '../base/data/memo.ts';
import { inRanges } from '../base/net/prefix-list.ts';
import { hostPrefix } from '../base/net/prefix.ts';
import { keyOf } from '../kube/store/store.ts';
import type { Ref } from '../kube/objects/meta.ts';
import { type Endpoint, type NetworkModel, type Peer, type PodPolicy, printRef } from './network-model.ts';
import { ipOfFamily } from './nodes/node-view.ts';
import type { PodHome, World } from './nodes/world.ts';
import type { From, Hop, Outcome, Packet, Stage, Verdict } from './packet.ts';
import { findPermit } from './policies/find-permit.ts';
import { findService } from './services/find-service.ts';
import { chosenMasquerade, type ClientPlace, outboundMasquerade } from './services/masquerade.ts';

export type Models = ReadonlyMap<string, NetworkModel>;

/** A packet somewhere on its way; never changed, each step makes the next. */
interface Journey {
  readonly packet: Packet;
  readonly hops: readonly Hop[];
  readonly masqueraded: boolean;
  readonly chance: number;
  /** The sending pod while the packet is on that pod's node. */
  readonly pod?: Ref;
  readonly client: ClientPlace;
  /** Postrouting's orders for this node. */
  readonly hide?: 'hairpin' | 'foreign';
  readonly nodesLeft: number;
}

interface Here {
  readonly model: NetworkModel;
  readonly models: Models;
  readonly world: World;
}

/** Sends from node to node end somewhere; what does not is a routing loop. */
const mostNodes = 4;

export function trace(packet: Packet, from: From, models: Models, world: World): readonly Outcome[] {
  const start: Journey = {
    packet,
    hops: [],
    masqueraded: false,
    chance: 1,
    client: 'outside',
    nodesLeft: mostNodes,
    ...(from.type === 'pod' ? { pod: from.pod, client: 'pod here' as const } : {}),
    ...(from.type === 'node' ? { client: 'this node' as const } : {}),
  };
  const node = from.type === 'outside' ? from.arrivesAt : from.node;
  // A pod's own address never leaves its namespace; a node's own address still passes its service table.
  const toSelf = isLoopback(packet.destination) || (from.type === 'pod' && packet.destination === packet.source);
  if (toSelf && from.type !== 'outside') {
    const to = from.type === 'pod' ? from.pod : { kind: 'Node', name: node };
    return [end(hop(start, node, 'deliver', `delivered inside ${printRef(to)}: it spoke to itself`), 'delivered', to)];
  }
  return enter(node, start, models, world);
}

const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.');

function enter(node: string, journey: Journey, models: Models, world: World): readonly Outcome[] {
  const model = models.get(node);
  if (!model) return [end(hop(journey, node, 'route', `lost: no node answers for ${journey.packet.destination}`), 'unroutable')];
  if (journey.nodesLeft === 0) return [end(hop(journey, node, 'route', 'lost: it goes round in circles'), 'unroutable')];
  return serve({ model, models, world }, { ...journey, nodesLeft: journey.nodesLeft - 1 });
}

function serve(here: Here, journey: Journey): readonly Outcome[] {
  const { packet, client } = journey;
  const node = here.model.self.name;
  const answer = findService(here.model, packet, client);
  if (answer.says === 'nothing') return leavePod(here, journey);
  if (answer.says !== 'endpoints') return [end(hop(journey, node, 'service', answer.did, answer.because), answer.says)];
  const { endpoints, virtual, port } = answer;
  return endpoints.flatMap((endpoint) => {
    const to: Packet = { ...packet, destination: endpoint.address, destinationPort: endpoint.port };
    const hide = chosenMasquerade(here.model.ranges.keepsSourceOf, virtual, { client, source: packet.source }, endpoint.address);
    const chosen = { ...journey, packet: to, hide, chance: journey.chance / endpoints.length };
    const how = virtual.type === 'hostPort' ? `by its host port ${virtual.port}` : `one of ${endpoints.length} endpoints`;
    return leavePod(here, hop(chosen, node, 'service', `DNAT to ${printEndpoint(endpoint)}, ${how}`, port.origin));
  });
}

/** Egress policy of the sending pod. Its own node is always within reach, and so is itself (NP-09, NP-10). */
function leavePod(here: Here, journey: Journey): readonly Outcome[] {
  const { packet, pod } = journey;
  const { self, policies } = here.model;
  const policy = pod && policies.get(keyOf(pod.name, pod.namespace));
  if (!policy || self.ips.includes(packet.destination) || packet.destination === packet.source) return route(here, journey);
  const judgement = judge(here, journey, policy, 'egress');
  return 'denied' in judgement ? [judgement.denied] : route(here, judgement.allowed);
}

function route(here: Here, journey: Journey): readonly Outcome[] {
  const { self, ranges } = here.model;
  const { destination } = journey.packet;
  if (self.ips.includes(destination)) return deliverToNode(here, journey);
  if (inRanges(destination, self.podCIDRs)) return enterPod(here, journey);
  const announcer = [...here.models.values()].find((model) => model.self.announces.includes(destination))?.self.name;
  const peer = self.peers.find(({ name, ips, podCIDRs }) => name === announcer || ips.includes(destination) || inRanges(destination, podCIDRs));
  if (peer) return sendTo(peer, here, journey);
  if (inRanges(destination, ranges.podCIDRs)) return [end(hop(journey, self.name, 'route', `lost: no node answers for ${destination}`), 'unroutable')];
  const gone = postroute(here.model, journey);
  const outside: Ref = { kind: 'Outside', name: destination };
  return [end(hop(gone, self.name, 'route', `left the cluster${asWhom(gone)}`), 'delivered', outside)];
}

/** Ingress policy of the receiving pod; the hosting node itself, and the pod itself, always pass. */
function enterPod(here: Here, journey: Journey): readonly Outcome[] {
  const { self, policies } = here.model;
  const { source, destination } = journey.packet;
  const home = here.world.pods.get(destination);
  if (!home || home.node !== self.name) return [end(hop(journey, self.name, 'route', `dropped: no pod here has the address ${destination}`), 'dropped')];
  const policy = policies.get(keyOf(home.pod.name, home.pod.namespace));
  if (!policy || journey.client === 'this node' || source === destination) return [deliverToPod(here, journey, home)];
  const judgement = judge(here, journey, policy, 'ingress');
  return ['denied' in judgement ? judgement.denied : deliverToPod(here, judgement.allowed, home)];
}

/** The journey goes on, or has ended here. */
type Judgement = { readonly allowed: Journey } | { readonly denied: Outcome };

function judge({ model }: Here, journey: Journey, policy: PodPolicy, way: 'egress' | 'ingress'): Judgement {
  const { packet } = journey;
  const finding = findPermit(policy[way], way === 'egress' ? packet.destination : packet.source, packet);
  if (finding.allowed && !finding.by) return { allowed: journey };
  const at = `${way} policy` as const;
  if (finding.allowed) return { allowed: hop(journey, model, at, `allowed by ${way} rule`, finding.by?.origin) };
  const [because] = policy.isolatedBy[way];
  return { denied: end(hop(journey, model, at, `dropped: ${printRef(policy.pod)} is isolated for ${way} and no rule allows it`, because), 'dropped') };
}

function deliverToPod({ model }: Here, journey: Journey, { pod }: PodHome): Outcome {
  const arrived = postroute(model, journey);
  return end(hop(arrived, model, 'deliver', `delivered to ${printRef(pod)}${asWhom(arrived)}`), 'delivered', pod);
}

/** Packets for the node itself are not forwarded: no policy, no postrouting. */
function deliverToNode({ model: { self } }: Here, journey: Journey): readonly Outcome[] {
  const node: Ref = { kind: 'Node', name: self.name };
  return [end(hop(journey, self.name, 'deliver', `delivered to ${printRef(node)}`), 'delivered', node)];
}

/** The last thing a node does to a packet: its own address as source, where masquerade.ts says so. */
function postroute(model: NetworkModel, journey: Journey): Journey {
  const { packet, hide, client } = journey;
  const rewritten = hide !== undefined || outboundMasquerade(client, packet.destination, insideOf(model.self, model.ranges));
  const source = rewritten ? ipOfFamily(model.self.ips, packet.family) : undefined;
  return source === undefined ? journey : { ...journey, packet: { ...packet, source }, masqueraded: true };
}

/** All pods and all nodes: whom a pod may face with its own address. */
const insideOf = memoByIdentity((self: NetworkModel['self'], ranges: NetworkModel['ranges']): readonly string[] => [
  ...(ranges.keepsPodSources ? ['0.0.0.0/0', '::/0'] : ranges.podCIDRs),
  ...[self, ...self.peers].flatMap(({ ips }) => ips.map(hostPrefix)),
]);

/** On the wire nothing but the addresses tells who sent it. */
function sendTo(peer: Peer, { model, models, world }: Here, journey: Journey): readonly Outcome[] {
  const leaving = postroute(model, journey);
  const { packet, hops, masqueraded, chance, nodesLeft } = hop(leaving, model, 'route', `sent to node ${peer.name}${asWhom(leaving)}`, peer.origin);
  const client: ClientPlace = inRanges(packet.source, model.ranges.podCIDRs) ? 'pod elsewhere' : 'outside';
  return enter(peer.name, { packet, hops, masqueraded, chance, nodesLeft, client }, models, world);
}

const asWhom = ({ masqueraded, packet }: Journey): string => (masqueraded ? `, masqueraded as ${packet.source}` : '');

const printEndpoint = ({ address, port, pod }: Endpoint): string =>
  `${address.includes(':') ? `[${address}]` : address}:${port}${pod ? ` (${pod.name})` : ''}`;

function hop(journey: Journey, at: Place, step: Stage, ...[did, because]: [did: string, because?: Ref]): Journey {
  const node = typeof at === 'string' ? at : at.self.name;
  const made: Hop = { node, at: step, did, packet: journey.packet, ...(because ? { because } : {}) };
  return { ...journey, hops: [...journey.hops, made] };
}

/** A node by name, or by its model. */
type Place = string | NetworkModel;

const end = ({ chance, hops, masqueraded }: Journey, verdict: Verdict, to?: Ref): Outcome => ({
  chance,
  trace: to ? { hops, verdict, to, masqueraded } : { hops, verdict, masqueraded },
});
