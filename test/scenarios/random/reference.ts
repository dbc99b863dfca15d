// A second opinion that shares nothing with the model but the objects: Kubernetes' sentences, word for word, slowly.
// Written for comparison with the judges on random worlds (NPT-73); knows one address a family for each node.
// test/habits/judges.test.ts holds it to that: of src it may run the kinds, to name what it reads, and nothing else.
import { AssertionError } from 'node:assert';
import { nodeKind } from '../../../src/kube/kinds/node.ts';
import { podKind } from '../../../src/kube/kinds/pod.ts';
import { serviceKind } from '../../../src/kube/kinds/service.ts';
import type { Pod } from '../../../src/kube/objects/core.ts';
import type { Packet } from '../../../src/model/packet.ts';
import type { Judge } from '../run/judges.ts';
import type { Probe } from '../run/packet-lines.ts';
import type { Stage } from '../run/stage.ts';
import { familyOf, ipsOf, isLive, permits, podAt, within } from './reference-policies.ts';
import { announcerOf, behindHostPort, type Front, frontAt, isServed, near, nodeAt, targetsOf, usable } from './reference-services.ts';

interface Sender {
  readonly pod?: Pod | undefined;
  readonly isNode: boolean;
}

/** One packet at one node, and where it may end. */
interface Visit {
  readonly stage: Stage;
  readonly node: string;
  readonly packet: Packet;
  readonly sender: Sender;
}

const isFromHere = ({ sender }: Visit): boolean => sender.isNode || sender.pod !== undefined;
const isFromInside = (visit: Visit): boolean => isFromHere(visit) || visit.stage.scope.podCIDRs.some((cidr) => within(visit.packet.source, cidr));

function enter(visit: Visit): string[] {
  const { stage, node, packet } = visit;
  if (node === '') return ['dropped'];
  const front = frontAt(stage, node, packet);
  if (front) return isRefused(front, visit) ? ['dropped'] : viaService(front, visit);
  const behind = behindHostPort(stage, node, packet);
  if (behind) return pass({ ...visit, packet: { ...packet, ...behind } }, behind.destination === packet.source ? 'hide' : 'keep');
  if (announcerOf(stage, packet.destination) === node) return ['rejected'];
  if (!stage.scope.serviceCIDRs.some((cidr) => within(packet.destination, cidr))) return pass(visit, 'keep');
  return [stage.snapshot.list(serviceKind).some((service) => isServed(service) && service.spec.clusterIPs?.includes(packet.destination)) ? 'rejected' : 'dropped'];
}

const rangesOf = ({ spec, metadata }: Front['service']): string[] =>
  spec.loadBalancerSourceRanges ?? metadata.annotations?.['service.beta.kubernetes.io/load-balancer-source-ranges']?.split(',').map((range) => range.trim()) ?? [];

function isRefused({ service, type }: Front, { packet, sender }: Visit): boolean {
  const listed = rangesOf(service);
  if (type !== 'balancer' || listed.length === 0 || sender.isNode) return false;
  return !listed.some((cidr) => within(packet.source, cidr));
}

function viaService(front: Front, visit: Visit): string[] {
  const { stage, node, packet, sender } = visit;
  const { spec } = front.service;
  const targets = targetsOf(stage, front, packet.family, node);
  const isCluster = front.type === 'cluster';
  const confined = isCluster ? spec.internalTrafficPolicy === 'Local' : spec.externalTrafficPolicy === 'Local' && !isFromInside(visit);
  if (usable(targets).length === 0) return ['rejected'];
  const chosen = confined ? usable(targets.filter(({ listed }) => listed.nodeName === node)) : near(usable(targets), stage.snapshot.get(nodeKind, node));
  if (chosen.length === 0) return ['dropped'];
  return chosen.flatMap(({ address, port }) => {
    const hairpin = sender.pod !== undefined && address === packet.source;
    const foreign = !isFromHere(visit) && (isCluster || !confined);
    return pass({ ...visit, packet: { ...packet, destination: address, destinationPort: port } }, hairpin || foreign ? 'hide' : 'keep');
  });
}

/** Behind the service table of one node. */
function pass(visit: Visit, source: 'keep' | 'hide'): string[] {
  const { stage, node, packet, sender } = visit;
  const seen = stage.snapshot;
  const owner = nodeAt(seen, packet.destination);
  if (owner === node) return [`node ${node}${portOf(packet)}`];
  if (sender.pod && isLive(sender.pod) && !isToSelf(visit) && !permits(seen, sender.pod, 'Egress', packet)) return ['dropped'];
  const home = owner ?? podAt(seen, packet.destination)?.spec.nodeName ?? announcerOf(stage, packet.destination);
  if (home === node) return source === 'hide' ? marked(arrive(visit)) : arrive(visit);
  return home === undefined ? leave(visit, source) : travel(visit, home, source === 'hide');
}

function leave({ stage, packet, sender }: Visit, source: 'keep' | 'hide'): string[] {
  const isLost = stage.scope.podCIDRs.some((cidr) => within(packet.destination, cidr));
  if (isLost) return ['dropped'];
  const answer = [`${hostName(stage, packet.destination)}${portOf(packet)}`];
  return source === 'hide' || (sender.pod && !stage.scope.keepsPodSources) ? marked(answer) : answer;
}

function travel({ stage, node, packet }: Visit, home: string, hidden: boolean): string[] {
  const addresses = stage.snapshot.get(nodeKind, node)?.status?.addresses ?? [];
  const own = addresses.find(({ address }) => familyOf(address) === packet.family)?.address ?? '';
  const next = { stage, node: home, sender: { isNode: false } };
  return hidden ? marked(enter({ ...next, packet: { ...packet, source: own } })) : enter({ ...next, packet });
}

function arrive(visit: Visit): string[] {
  const { stage, packet, sender } = visit;
  const receiver = podAt(stage.snapshot, packet.destination);
  if (!receiver) return ['dropped'];
  const passes = sender.isNode || isToSelf(visit) || permits(stage.snapshot, receiver, 'Ingress', packet);
  return [passes ? `${podName(receiver)}${portOf(packet)}` : 'dropped'];
}

const isToSelf = ({ sender, packet }: Visit): boolean => sender.pod !== undefined && ipsOf(sender.pod).includes(packet.destination);
const portOf = ({ protocol, destinationPort }: Packet): string => (protocol === 'ICMP' ? '' : `:${destinationPort}`);
const podName = ({ metadata }: Pod): string => (metadata.namespace === 'default' ? metadata.name : `${metadata.namespace}/${metadata.name}`);
const marked = (answers: readonly string[]): string[] =>
  answers.map((answer) => (['dropped', 'rejected'].includes(answer) || answer.endsWith('masqueraded') ? answer : `${answer} masqueraded`));

const hostName = ({ hosts }: Stage, address: string): string => Object.entries(hosts).find(([, { ips }]) => ips.includes(address))?.[0] ?? address;

export const referenceJudge: Judge = {
  name: 'reference',
  ask: async (stage, probe) => {
    try {
      return new Set(follow(stage, probe));
    } catch (error) {
      if (!(error instanceof AssertionError)) throw error;
      // The model itself is wrong: that is an answer that no judge gives.
      return new Set([error.message]);
    }
  },
};

function follow(stage: Stage, { packet, from }: Probe): string[] {
  if (from.type === 'outside') return enter({ stage, node: from.arrivesAt, packet, sender: { isNode: false } });
  const pod = from.type === 'pod' ? stage.snapshot.get(podKind, from.pod.name, from.pod.namespace) : undefined;
  if (pod && packet.source === packet.destination) return [`${podName(pod)}${portOf(packet)}`];
  return enter({ stage, node: from.node, packet, sender: { pod, isNode: from.type === 'node' } });
}
