// ReplicaSets: keeps as many like pods as asked for. Names of pods follow from the ReplicaSet's revision: deciding
// twice on the same snapshot asks for the same pods, and a replaced pod never gets an old name.
import { podKind } from '../../kube/kinds/pod.ts';
import { replicaSetKind } from '../../kube/kinds/replica-set.ts';
import { matchesLabels } from '../../kube/meaning/label-selector.ts';
import type { ReplicaSet } from '../../kube/objects/apps.ts';
import type { Pod } from '../../kube/objects/core.ts';
import type { Kind } from '../../kube/kinds/kind.ts';
import type { Snapshot, Write } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';
import { suffixOf } from './hash.ts';
import { decideKeeping } from './keep-decisions.ts';
import { groupKeeping, groupOf } from './keep-lists.ts';
import { rememberDecision } from './remember.ts';
import { claim } from './workload/claim.ts';
import { orphanPods, podsByController } from './workload/pod-groups.ts';
import { podFromTemplate } from './workload/pod-from-template.ts';
import { isActive, isAvailable, isReady, nextAvailableMs } from './workload/pod-state.ts';
import { byDispensability } from './workload/dispensable.ts';
import { create, createEvent, remove, updateStatus, withoutAbsent } from './writes.ts';
import { earliest } from './wake.ts';

/** No more than so many pods come or go in one turn. */
const burst = 500;

/** Those whose pods are available only some time after they are ready: time decides about them. */
const timed = 'timed';

type Pods = readonly Pod[];

export interface ReplicaOwners {
  readonly name: string;
  readonly kind: Kind;
  /** Each owner seen as a ReplicaSet: the same object for the same owner, for decisions are remembered by it. */
  readonly sets: (seen: Snapshot) => readonly ReplicaSet[];
}

/** Serves ReplicaSets and their ancestor, which differ in how the selector is written. */
export function createReplicaController({ name, kind, sets }: ReplicaOwners): Controller {
  const remembered = rememberDecision(decideReplicaSet);
  const decisions = decideKeeping<ReplicaSet>(({ metadata }) => metadata.uid ?? metadata.name);
  const timedIn = groupKeeping((set: ReplicaSet) => (set.spec.minReadySeconds ? timed : undefined));
  return {
    name,
    reads: [kind, podKind],
    decide(seen, now) {
      const pods = podsByController(seen.list(podKind));
      const free = orphanPods(seen.list(podKind));
      const around = (set: ReplicaSet) => [groupOf(pods, set.metadata.uid), groupOf(free, set.metadata.namespace)] as const;
      const all = sets(seen);
      return [
        ...decisions(all, { groups: [pods], shared: [free] }, (set) => (set.spec.minReadySeconds ? [] : remembered(now, set, ...around(set)))),
        ...groupOf(timedIn(all), timed).flatMap((set) => decideReplicaSet(now, set, ...around(set))),
      ];
    },
    wakeAfterMs(seen, now) {
      const pods = podsByController(seen.list(podKind));
      return earliest(groupOf(timedIn(sets(seen)), timed).map((set) => nextAvailableMs(groupOf(pods, set.metadata.uid), set.spec.minReadySeconds ?? 0, now)));
    },
  };
}

export const replicaSetController: Controller = createReplicaController({
  name: 'replica-set',
  kind: replicaSetKind as Kind,
  sets: (seen) => seen.list(replicaSetKind),
});

const componentOf = ({ kind }: ReplicaSet): string => (kind === 'ReplicaSet' ? 'replicaset-controller' : 'replication-controller');

function decideReplicaSet(now: Date, set: ReplicaSet, held: Pods, free: Pods): Write[] {
  const { owned, writes } = claim(set, held, free);
  const active = owned.filter(isActive);
  return [...writes, ...adjustCount(now, set, active), ...updateStatus(set, statusOf(now, set, active))];
}

function adjustCount(now: Date, set: ReplicaSet, active: Pods): Write[] {
  const { replicas = 1, template } = set.spec;
  if (set.metadata.deletionTimestamp || !template) return [];
  const missing = Math.min(replicas - active.length, burst);
  if (missing < 0) return deletePods(now, set, active.toSorted(byDispensability(active)).slice(0, Math.min(-missing, burst)));
  return Array.from({ length: missing }, (_, number) => newPod(set, number)).flatMap((pod) => {
    const message = `Created pod: ${pod.metadata.name}`;
    return [create(pod), createEvent({ about: set, reason: 'SuccessfulCreate', message, component: componentOf(set) }, now)];
  });
}

function newPod(set: ReplicaSet, number: number): Pod {
  const { name, uid, resourceVersion } = set.metadata;
  const generateName = `${name}-`;
  return podFromTemplate(set, set.spec.template!, { name: generateName + suffixOf(`${uid}/${resourceVersion}/${number}`), generateName });
}

const deletePods = (now: Date, set: ReplicaSet, pods: Pods): Write[] =>
  pods.flatMap((pod) => {
    const message = `Deleted pod: ${pod.metadata.name}`;
    return [remove(pod), createEvent({ about: set, reason: 'SuccessfulDelete', message, component: componentOf(set) }, now)];
  });

/** Counts are of pods seen now, not of those just asked for. */
function statusOf(now: Date, { spec, status, metadata }: ReplicaSet, active: Pods): NonNullable<ReplicaSet['status']> {
  const wanted = spec.template?.metadata?.labels ?? {};
  const count = (pods: Pods) => (pods.length > 0 ? pods.length : undefined);
  return withoutAbsent({
    ...status,
    replicas: active.length,
    fullyLabeledReplicas: count(active.filter((pod) => matchesLabels(wanted, pod.metadata.labels))),
    readyReplicas: count(active.filter(isReady)),
    availableReplicas: count(active.filter((pod) => isAvailable(pod, spec.minReadySeconds ?? 0, now))),
    observedGeneration: metadata.generation,
  });
}
