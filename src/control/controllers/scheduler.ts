// The scheduler: gives each waiting pod a node. First those that fit, then the one with the fewest siblings, then with
// the fewest pods. All waiting pods of a snapshot are placed in one go, each seeing the ones before it.
import { nodeKind } from '../../kube/kinds/node.ts';
import { eventKind } from '../../kube/kinds/event.ts';
import { podKind } from '../../kube/kinds/pod.ts';
import { setCondition } from '../../kube/meaning/conditions.ts';
import { clash, hostPortsOf } from '../../kube/meaning/host-ports.ts';
import { controllerOf } from '../../kube/meaning/owner-references.ts';
import type { Node, Pod } from '../../kube/objects/core.ts';
import type { KubeObject } from '../../kube/objects/meta.ts';
import type { Snapshot, Write } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';
import { groupKeeping, groupOf } from './keep-lists.ts';
import { isNodeReady, matchesNode, unschedulableTaint, untolerated } from './nodes/node-fit.ts';
import { isFinished, isTerminating } from './workload/pod-state.ts';
import { createEvent, eventName, type EventNote, updateStatus } from './writes.ts';

const component = 'default-scheduler';

export const schedulerController: Controller = {
  name: 'scheduler',
  reads: [podKind, nodeKind],
  decide(seen, now) {
    const waiting = groupOf(waitingPods(seen.list(podKind)), 'waiting');
    if (waiting.length === 0) return [];
    const floor = openFloor(seen);
    return waiting.toSorted(byAge).flatMap((pod) => place(now, pod, floor, seen));
  },
};

interface Gated {
  schedulingGates?: unknown[];
}

const isWaiting = (pod: Pod): boolean =>
  !pod.spec.nodeName &&
  !isTerminating(pod) &&
  !isFinished(pod) &&
  (pod.spec.schedulerName ?? component) === component &&
  ((pod.spec as Gated).schedulingGates ?? []).length === 0;

const waitingPods = groupKeeping((pod: Pod) => (isWaiting(pod) ? 'waiting' : undefined));

/** Higher priority first, then first come, first served. */
const byAge = (a: Pod, b: Pod): number =>
  (b.spec.priority ?? 0) - (a.spec.priority ?? 0) ||
  (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? '') ||
  (a.metadata.name < b.metadata.name ? -1 : 1);

/** The nodes and what stands on them; placing adds to it. */
interface Floor {
  readonly nodes: readonly Node[];
  readonly onNode: Map<string, Pod[]>;
}

function openFloor(seen: Snapshot): Floor {
  const onNode = new Map<string, Pod[]>(seen.list(nodeKind).map(({ metadata }) => [metadata.name, []]));
  for (const pod of seen.list(podKind)) if (pod.spec.nodeName && !isFinished(pod)) onNode.get(pod.spec.nodeName)?.push(pod);
  return { nodes: seen.list(nodeKind), onNode };
}

const podsOn = ({ onNode }: Floor, { metadata }: Node): readonly Pod[] => onNode.get(metadata.name) ?? [];

function place(now: Date, pod: Pod, floor: Floor, seen: Snapshot): Write[] {
  const fitting = floor.nodes.filter((node) => obstacle(pod, node, podsOn(floor, node)) === undefined);
  if (fitting.length === 0) return refuse(now, pod, floor, seen);
  const siblings = (node: Node) => podsOn(floor, node).filter((other) => areSiblings(other, pod)).length;
  const ranked = fitting.map((node) => ({ node, siblings: siblings(node), pods: podsOn(floor, node).length }));
  const { node } = ranked.reduce((best, next) => (next.siblings - best.siblings || next.pods - best.pods) < 0 ? next : best);
  const bound = bind(now, pod, node.metadata.name);
  floor.onNode.get(node.metadata.name)?.push(bound);
  const message = `Successfully assigned ${pod.metadata.namespace}/${pod.metadata.name} to ${node.metadata.name}`;
  return [{ verb: 'update', object: bound, subresource: 'binding' }, createEvent({ about: pod, reason: 'Scheduled', message, component }, now)];
}

function areSiblings(a: Pod, b: Pod): boolean {
  const owner = controllerOf(a)?.uid;
  return owner !== undefined && owner === controllerOf(b)?.uid && !isTerminating(a);
}

function bind(now: Date, pod: Pod, nodeName: string): Pod & KubeObject {
  const conditions = [...setCondition(pod.status?.conditions, { type: 'PodScheduled', status: 'True' }, now)];
  return { ...pod, spec: { ...pod.spec, nodeName }, status: { ...pod.status, conditions } };
}

/** Why a node cannot take the pod, in upstream's words; undefined when it can. */
function obstacle(pod: Pod, node: Node, there: readonly Pod[]): string | undefined {
  const taint = untolerated(node, pod.spec.tolerations ?? [], ['NoSchedule', 'NoExecute']);
  if (taint?.key === unschedulableTaint.key) return 'node(s) were unschedulable';
  if (taint) return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`;
  if (!isNodeReady(node)) return 'node(s) had untolerated taint {node.kubernetes.io/not-ready: }';
  if (!matchesNode(pod.spec, node)) return "node(s) didn't match Pod's node affinity/selector";
  if (there.length >= capacityOf(node)) return tooMany;
  return clashes(pod, there) ? portsTaken : undefined;
}

const capacityOf = ({ status }: Node): number => Number(status?.allocatable?.['pods'] ?? Infinity);

const clashes = (pod: Pod, there: readonly Pod[]): boolean => {
  const wanted = hostPortsOf(pod);
  return wanted.length > 0 && there.some((other) => hostPortsOf(other).some((taken) => wanted.some((port) => clash(port, taken))));
};

const portsTaken = "node(s) didn't have free ports for the requested pod ports";
const tooMany = 'Too many pods';

/** Only what other pods take up could be won by evicting them; we never evict. */
const afterPreemption = (reason: string | undefined): string =>
  reason === portsTaken || reason === tooMany ? 'No preemption victims found for incoming pod' : 'Preemption is not helpful for scheduling';

const countReasons = (reasons: ReadonlyMap<string, readonly Node[]>): string =>
  [...reasons].map(([reason, those]) => `${those.length} ${reason}`).toSorted().join(', ');

function refusal(pod: Pod, floor: Floor): string {
  const { nodes } = floor;
  if (nodes.length === 0) return 'no nodes available to schedule pods';
  const reasons = Map.groupBy(nodes, (node) => obstacle(pod, node, podsOn(floor, node)) ?? '');
  const preempted = Map.groupBy(nodes, (node) => afterPreemption(obstacle(pod, node, podsOn(floor, node))));
  const none = `0/${nodes.length} nodes are available`;
  return `${none}: ${countReasons(reasons)}. preemption: ${none}: ${countReasons(preempted)}.`;
}

function refuse(now: Date, pod: Pod, floor: Floor, seen: Snapshot): Write[] {
  const message = refusal(pod, floor);
  const conditions = setCondition(pod.status?.conditions, { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }, now);
  const note: EventNote = { about: pod, type: 'Warning', reason: 'FailedScheduling', message, component };
  const isNoted = seen.get(eventKind, eventName(note), pod.metadata.namespace) !== undefined;
  return [...updateStatus(pod, { ...pod.status, conditions: [...conditions] }), ...(isNoted ? [] : [createEvent(note, now)])];
}
