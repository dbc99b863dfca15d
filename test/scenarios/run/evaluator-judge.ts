// The second judge: what the rulesets we would load do to the packet, node by node, by the evaluator.
// Routing is not the rulesets' business: between the nodes this judge walks as the links and routes lead.
// One renderer per node lives through all scenarios, so that its memory is put to the test as well.
import { inRanges } from '../../../src/base/net/prefix-list.ts';
import type { Ref } from '../../../src/kube/objects/meta.ts';
import type { NetworkModel } from '../../../src/model/network-model.ts';
import { ipOfFamily } from '../../../src/model/nodes/node-view.ts';
import type { Packet, Trace } from '../../../src/model/packet.ts';
import { createRenderer } from '../../../src/node/dataplane/render.ts';
import { evaluate, type RulesetOutcome } from '../../../src/node/nft/evaluate.ts';
import type { Ruleset } from '../../../src/node/nft/ruleset.ts';
import type { Judge } from './judges.ts';
import { printAnswer } from './print-answer.ts';
import type { Probe } from './packet-lines.ts';
import type { Stage } from './stage.ts';

const renderers = new Map<string, (model: NetworkModel) => Ruleset>();

function rulesetFor(model: NetworkModel): Ruleset {
  const { name } = model.self;
  const render = renderers.get(name) ?? createRenderer();
  renderers.set(name, render);
  return render(model);
}

interface Arrival {
  readonly packet: Packet;
  readonly node: string;
  readonly enters: 'prerouting' | 'output';
  readonly masqueraded: boolean;
  readonly nodesLeft: number;
}

const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.');

function end(arrival: Arrival, verdict: Trace['verdict'], to?: Ref): Trace {
  const { packet, node, masqueraded } = arrival;
  return { hops: [{ node, at: 'deliver', did: verdict, packet }], verdict, masqueraded, ...(to && { to }) };
}

function arrive(stage: Stage, arrival: Arrival): Trace[] {
  const model = stage.models.get(arrival.node);
  if (!model || arrival.nodesLeft === 0) return [end(arrival, 'unroutable')];
  const machine = {
    isLocal: (address: string) => [...model.self.ips, ...model.self.announces].includes(address) || isLoopback(address),
    masqueradeAs: (packet: Packet) => ipOfFamily(model.self.ips, packet.family) ?? packet.source,
  };
  const { packet, enters } = arrival;
  return evaluate(rulesetFor(model), { packet, enters }, machine).flatMap((outcome) => leave(stage, model, { ...arrival, ...after(arrival, outcome) }, outcome));
}

const after = (arrival: Arrival, { packet, masqueraded }: RulesetOutcome) => ({
  packet,
  masqueraded: arrival.masqueraded || masqueraded,
});

function leave(stage: Stage, model: NetworkModel, arrival: Arrival, { verdict, leaves }: RulesetOutcome): Trace[] {
  const { self, ranges } = model;
  const { destination } = arrival.packet;
  if (verdict !== 'accepted') return [end(arrival, verdict)];
  if (leaves === 'local') return [end(arrival, 'delivered', { kind: 'Node', name: self.name })];
  if (inRanges(destination, self.podCIDRs)) {
    const home = stage.world.pods.get(destination);
    return [home?.node === self.name ? end(arrival, 'delivered', home.pod) : end(arrival, 'dropped')];
  }
  const announcer = [...stage.models.values()].find((other) => other.self.announces.includes(destination))?.self.name;
  const peer = self.peers.find(({ name, ips, podCIDRs }) => name === announcer || ips.includes(destination) || inRanges(destination, podCIDRs));
  if (peer) return arrive(stage, { ...arrival, node: peer.name, enters: 'prerouting', nodesLeft: arrival.nodesLeft - 1 });
  if (inRanges(destination, ranges.podCIDRs)) return [end(arrival, 'unroutable')];
  return [end(arrival, 'delivered', { kind: 'Outside', name: destination })];
}

function start({ packet, from }: Probe): Arrival {
  const node = from.type === 'outside' ? from.arrivesAt : from.node;
  return { packet, node, enters: from.type === 'node' ? 'output' : 'prerouting', masqueraded: false, nodesLeft: 4 };
}

/** What a pod sends to itself stays inside its namespace, where no ruleset of ours is. */
function walk(stage: Stage, probe: Probe): Trace[] {
  const { packet, from } = probe;
  const toSelf = isLoopback(packet.destination) || packet.destination === packet.source;
  if (from.type === 'pod' && toSelf) return [end(start(probe), 'delivered', from.pod)];
  return arrive(stage, start(probe));
}

export const evaluatorJudge: Judge = {
  name: 'evaluator',
  ask: async (stage, probe) => new Set(walk(stage, probe).map((trace) => printAnswer(trace, stage))),
};
