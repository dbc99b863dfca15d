// Watches over nodes: one that stopped renewing its lease is lost, a lost or troubled one is tainted, and what runs on
// a lost one is not ready and leaves when its patience ends.
import { deepEqual, memoByIdentity } from '../../base/data/memo.ts';
import { leaseKind } from '../../kube/kinds/lease.ts';
import { nodeKind } from '../../kube/kinds/node.ts';
import { podKind } from '../../kube/kinds/pod.ts';
import { findCondition, setCondition } from '../../kube/meaning/conditions.ts';
import type { Node, Pod } from '../../kube/objects/core.ts';
import type { Lease } from '../../kube/objects/networking.ts';
import type { Condition } from '../../kube/objects/meta.ts';
import type { Snapshot, Write } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';
import { groupOf, sameItems } from './keep-lists.ts';
import { leavesAtMs } from './nodes/eviction.ts';
import { taintsFor } from './nodes/node-conditions.ts';
import { earliest } from './wake.ts';
import { podsByNode } from './workload/pod-groups.ts';
import { isReady, isTerminating } from './workload/pod-state.ts';
import { createEvent, remove, update, updateStatus } from './writes.ts';

const component = 'node-controller';
/** kube-controller-manager's --node-monitor-grace-period from 1.32 on: four renewals may fail, and time to connect again. */
const defaultGraceSeconds = 50;
/** How late a busy machine may wake us. */
const lateMs = 5_000;
const leaseNamespace = 'kube-node-lease';
const watched = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

export function createNodeLifecycle({ graceSeconds = defaultGraceSeconds } = {}): Controller {
  const graceMs = graceSeconds * 1000;
  // Nobody is lost for a silence that we did not hear: after a start, and after a sleep of the whole machine,
  // every node has its full grace.
  let lookedAtMs = -Infinity;
  let listeningSinceMs = 0;
  function listen(now: Date): void {
    if (now.getTime() - lookedAtMs > graceMs + lateMs) listeningSinceMs = now.getTime();
    lookedAtMs = now.getTime();
  }
  const silentAtMs = (node: Node, seen: Snapshot) => Math.max(listeningSinceMs, lastSignMs(node, seen)) + graceMs;
  let last: Look | undefined;
  /** The same look while no node or lease changed and nobody's silence is over: pods come and go all the time. */
  function lookAt(seen: Snapshot, now: Date): Look {
    const lists = [seen.list(nodeKind), seen.list(leaseKind), listeningSinceMs];
    if (last && !last.owes && now.getTime() < last.silentAtMs && sameItems(last.of, lists)) return last;
    const nodes = seen.list(nodeKind);
    const isSilent = (node: Node) => silentAtMs(node, seen) <= now.getTime() && !isLost(node);
    const writes = nodes.flatMap((node) => (isSilent(node) ? [markLost(node, now)] : retaint(node, now)));
    const silentAt = nodes.reduce((soonest, node) => (isLost(node) ? soonest : Math.min(soonest, silentAtMs(node, seen))), Infinity);
    return (last = { of: lists, silentAtMs: silentAt, tainted: nodes.filter((node) => hasNoExecute(node) && !isSilent(node)), writes, owes: writes.length > 0 });
  }

  return {
    name: 'node-lifecycle',
    reads: [nodeKind, leaseKind, podKind],
    decide(seen, now) {
      listen(now);
      const pods = podsByNode(seen.list(podKind));
      const { writes, tainted } = lookAt(seen, now);
      return [...writes, ...tainted.flatMap((node) => tendPods(node, groupOf(pods, node.metadata.name), now))];
    },
    wakeAfterMs(seen, now) {
      const pods = podsByNode(seen.list(podKind));
      const look = lookAt(seen, now);
      const leaving = look.tainted.flatMap((node) => groupOf(pods, node.metadata.name).filter((pod) => !isTerminating(pod)).map((pod) => leavesAtMs(pod, node, now)));
      // At least once a grace, so that a longer pause is known to be a sleep.
      const soonest = Math.min(earliest(leaving) ?? Infinity, look.silentAtMs, now.getTime() + graceMs);
      return Math.max(1, soonest - now.getTime());
    },
  };
}

/** What nodes and leases say. */
interface Look {
  /** Made from these. */
  readonly of: readonly unknown[];
  /** When the next node is lost, if it stays silent. */
  readonly silentAtMs: number;
  /** Those that pods may have to leave. */
  readonly tainted: readonly Node[];
  readonly writes: readonly Write[];
  /** Its writes may be refused: to be looked at again. */
  readonly owes: boolean;
}

const parseMs = (time: string | undefined): number => Date.parse(time ?? '') || 0;

/** Read once an object: leases and nodes are looked at in every turn, and few of them have changed. */
const renewedMs = memoByIdentity(({ spec }: Lease): number | undefined => (spec?.renewTime === undefined ? undefined : parseMs(spec.renewTime)));
const heartbeatMs = memoByIdentity(({ status, metadata }: Node): number => parseMs(findCondition(status?.conditions, 'Ready')?.lastHeartbeatTime ?? metadata.creationTimestamp));

function lastSignMs(node: Node, seen: Snapshot): number {
  const lease = seen.get(leaseKind, node.metadata.name, leaseNamespace);
  return (lease && renewedMs(lease)) ?? heartbeatMs(node);
}

const isLost = ({ status }: Node): boolean => findCondition(status?.conditions, 'Ready')?.status === 'Unknown';
const hasNoExecute = ({ spec }: Node): boolean => spec?.taints?.some(({ effect }) => effect === 'NoExecute') === true;

function markLost(node: Node, now: Date): Write {
  const hasSpoken = findCondition(node.status?.conditions, 'Ready') !== undefined;
  const said = hasSpoken
    ? { reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' }
    : { reason: 'NodeStatusNeverUpdated', message: 'Kubelet never posted node status.' };
  const mark = (all: readonly Condition[], type: string) => setCondition(all, { ...findCondition(all, type), type, status: 'Unknown', ...said, lastTransitionTime: undefined }, now);
  const conditions = watched.reduce<readonly Condition[]>(mark, node.status?.conditions ?? []);
  return updateStatus(node, { ...node.status, conditions: [...conditions] })[0]!;
}

/** Nothing to be done about it, whatever the time. */
const isTaintedRight = memoByIdentity((node: Node): boolean => deepEqual(taintsFor(node, new Date(0)), node.spec?.taints ?? []));

function retaint(node: Node, now: Date): Write[] {
  if (isTaintedRight(node)) return [];
  const taints = taintsFor(node, now);
  const present = node.spec?.taints ?? [];
  return deepEqual(taints, present) ? [] : [update({ ...node, spec: { ...node.spec, taints: taints.length > 0 ? [...taints] : undefined } } as Node)];
}

function tendPods(node: Node, pods: readonly Pod[], now: Date): Write[] {
  if (!hasNoExecute(node)) return [];
  return pods.filter((pod) => !isTerminating(pod)).flatMap((pod) => {
    const leavesAt = leavesAtMs(pod, node, now);
    if (leavesAt !== undefined && leavesAt <= now.getTime()) return evict(pod, now);
    // A node that speaks tells the truth about its pods itself.
    return isLost(node) && isReady(pod) ? markUnready(pod, now) : [];
  });
}

function evict(pod: Pod, now: Date): Write[] {
  const { namespace, name } = pod.metadata;
  const message = `Marking for deletion Pod ${namespace}/${name}`;
  return [createEvent({ about: pod, reason: 'TaintManagerEviction', message, component: 'taint-eviction-controller' }, now), remove(pod)];
}

function markUnready(pod: Pod, now: Date): Write[] {
  const conditions = setCondition(pod.status?.conditions, { type: 'Ready', status: 'False' }, now);
  const event = createEvent({ about: pod, type: 'Warning', reason: 'NodeNotReady', message: 'Node is not ready', component }, now);
  return [...updateStatus(pod, { ...pod.status, conditions: [...conditions] }), event];
}
