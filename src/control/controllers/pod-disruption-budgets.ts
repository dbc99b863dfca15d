// PodDisruptionBudgets: how many of a budget's pods are healthy, how many must be, and so how many may be evicted now.
// The eviction verb takes from this status; a pod it has let go does not count as healthy until it is gone.
import { podDisruptionBudgetKind } from '../../kube/kinds/pod-disruption-budget.ts';
import { podKind } from '../../kube/kinds/pod.ts';
import { replicaSetKind } from '../../kube/kinds/replica-set.ts';
import { replicationControllerKind } from '../../kube/kinds/replication-controller.ts';
import { statefulSetKind } from '../../kube/kinds/stateful-set.ts';
import { setCondition } from '../../kube/meaning/conditions.ts';
import { matchesSelector } from '../../kube/meaning/label-selector.ts';
import { controllerOf } from '../../kube/meaning/owner-references.ts';
import type { PodDisruptionBudget } from '../../kube/objects/batch.ts';
import type { Pod } from '../../kube/objects/core.ts';
import type { Condition, IntOrString, KubeObject } from '../../kube/objects/meta.ts';
import type { Snapshot, Write } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';
import { groupKeeping, groupOf } from './keep-lists.ts';
import { earliest } from './wake.ts';
import { isActive, isReady } from './workload/pod-state.ts';
import { updateStatus, withoutAbsent } from './writes.ts';

/** A pod that was let go and is still here after this was not deleted after all. */
const disruptedMs = 120_000;

const podsByNamespace = groupKeeping((pod: Pod) => pod.metadata.namespace);

export const podDisruptionBudgets: Controller = {
  name: 'pod-disruption-budgets',
  reads: [podDisruptionBudgetKind, podKind, replicaSetKind, replicationControllerKind, statefulSetKind],
  decide(seen, now) {
    // Grouping all pods of a namespace anew is no small thing where nobody asks for it.
    if (seen.list(podDisruptionBudgetKind).length === 0) return [];
    const pods = podsByNamespace(seen.list(podKind));
    return seen.list(podDisruptionBudgetKind).flatMap((budget) => count(budget, groupOf(pods, budget.metadata.namespace), { seen, now }));
  },
  wakeAfterMs: (seen, now) => earliest(seen.list(podDisruptionBudgetKind).flatMap((budget) => Object.values(budget.status?.disruptedPods ?? {}).map((at) => Date.parse(at) + disruptedMs - now.getTime()).filter((ms) => ms > 0))),
};

function count(budget: PodDisruptionBudget, all: readonly Pod[], { seen, now }: { seen: Snapshot; now: Date }): Write[] {
  const { selector } = budget.spec ?? {};
  const pods = selector ? all.filter((pod) => isActive(pod) && matchesSelector(selector, pod.metadata.labels)) : [];
  const disruptedPods = stillDisrupted(budget, pods, now);
  const currentHealthy = pods.filter((pod) => isReady(pod) && !disruptedPods[pod.metadata.name]).length;
  const { expectedPods, desiredHealthy } = wanted(budget, pods, seen);
  const disruptionsAllowed = expectedPods > 0 ? Math.max(0, currentHealthy - desiredHealthy) : 0;
  const { generation: observedGeneration } = budget.metadata;
  const allowed: Condition = {
    type: 'DisruptionAllowed',
    status: disruptionsAllowed > 0 ? 'True' : 'False',
    reason: disruptionsAllowed > 0 ? 'SufficientPods' : 'InsufficientPods',
    message: '',
    ...(observedGeneration && { observedGeneration }),
  };
  const conditions = setCondition(budget.status?.conditions, allowed, now) as Condition[];
  const disrupted = Object.keys(disruptedPods).length > 0 ? disruptedPods : undefined;
  return updateStatus(budget, withoutAbsent({ ...budget.status, disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods, observedGeneration, conditions, disruptedPods: disrupted }));
}

function stillDisrupted({ status }: PodDisruptionBudget, pods: readonly Pod[], now: Date): Record<string, string> {
  const present = new Set(pods.map(({ metadata }) => metadata.name));
  const entries = Object.entries(status?.disruptedPods ?? {});
  return Object.fromEntries(entries.filter(([name, at]) => present.has(name) && Date.parse(at) + disruptedMs > now.getTime()));
}

/** A plain minimum counts the pods that are there; shares and maxima count what their owners want. */
function wanted({ spec = {} }: PodDisruptionBudget, pods: readonly Pod[], seen: Snapshot): { expectedPods: number; desiredHealthy: number } {
  const { minAvailable, maxUnavailable } = spec;
  if (typeof minAvailable === 'number') return { expectedPods: pods.length, desiredHealthy: minAvailable };
  const expectedPods = expectedBy(pods, seen);
  if (maxUnavailable !== undefined) return { expectedPods, desiredHealthy: Math.max(0, expectedPods - shareOf(maxUnavailable, expectedPods)) };
  return { expectedPods, desiredHealthy: shareOf(minAvailable ?? 1, expectedPods) };
}

const shareOf = (share: IntOrString, whole: number): number => (typeof share === 'number' ? share : Math.ceil((Number.parseInt(share, 10) * whole) / 100));

const scaled = [replicaSetKind, replicationControllerKind, statefulSetKind] as const;

function expectedBy(pods: readonly Pod[], seen: Snapshot): number {
  const byOwner = Map.groupBy(pods, (pod) => controllerOf(pod)?.uid ?? '');
  return [...byOwner].reduce((sum, [uid, owned]) => sum + (replicasOf(uid, owned[0]!, seen) ?? owned.length), 0);
}

function replicasOf(uid: string, pod: Pod, seen: Snapshot): number | undefined {
  const owner = controllerOf(pod);
  const kind = scaled.find((one) => one.kind === owner?.kind);
  if (!owner || !kind) return undefined;
  const found = seen.get(kind as typeof replicaSetKind, owner.name, pod.metadata.namespace) as (KubeObject & { spec?: { replicas?: number } }) | undefined;
  return found?.metadata.uid === uid ? (found.spec?.replicas ?? 1) : undefined;
}
