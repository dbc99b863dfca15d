// Which pods to give up first: the order in which upstream's ReplicaSet controller ranks them.
import { findCondition } from '../../../kube/meaning/conditions.ts';
import type { Pod } from '../../../kube/objects/core.ts';
import { isReady } from './pod-state.ts';

const phaseRank = { Pending: 0, Unknown: 1, Running: 2, Succeeded: 2, Failed: 2 };

const deletionCost = (pod: Pod): number => Number(pod.metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? 0) || 0;
const restarts = ({ status }: Pod): number => Math.max(0, ...(status?.containerStatuses ?? []).map(({ restartCount }) => restartCount));
const readySince = ({ status }: Pod): string => findCondition(status?.conditions, 'Ready')?.lastTransitionTime ?? '';
const newerFirst = (a: string, b: string): number => (a === b ? 0 : a > b ? -1 : 1);

type Order = (a: Pod, b: Pod) => number;

/** Sorts what can best be missed to the front. `together` counts pods that share a node: doubles go first. */
export function byDispensability(together: readonly Pod[]): Order {
  const perNode = Map.groupBy(together, ({ spec }) => spec.nodeName ?? '');
  const companions = (pod: Pod): number => perNode.get(pod.spec.nodeName ?? '')?.length ?? 0;
  const orders: readonly Order[] = [
    (a, b) => Number(a.spec.nodeName !== undefined) - Number(b.spec.nodeName !== undefined),
    (a, b) => phaseRank[a.status?.phase ?? 'Pending'] - phaseRank[b.status?.phase ?? 'Pending'],
    (a, b) => Number(isReady(a)) - Number(isReady(b)),
    (a, b) => deletionCost(a) - deletionCost(b),
    (a, b) => companions(b) - companions(a),
    (a, b) => newerFirst(readySince(a), readySince(b)),
    (a, b) => restarts(b) - restarts(a),
    (a, b) => newerFirst(a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''),
    (a, b) => newerFirst(a.metadata.name, b.metadata.name),
  ];
  return (a, b) => {
    for (const order of orders) {
      const result = order(a, b);
      if (result !== 0) return result;
    }
    return 0;
  };
}
