// The next step of a StatefulSet: which numbers to make, which pods to end. In order (the default) that is one at a
// time, and nothing moves while a pod before it is not well.
import type { StatefulSet } from '../../../kube/objects/apps.ts';
import type { Pod } from '../../../kube/objects/core.ts';
import { isAvailable, isFinished, isReady, isTerminating } from '../workload/pod-state.ts';
import { revisionLabel } from '../workload/revisions.ts';
import { ordinalOf } from './stateful-pod.ts';

export interface StatefulPlan {
  readonly create: readonly number[];
  readonly remove: readonly Pod[];
  /** Numbers below it stay at the revision before. */
  readonly partition: number;
}

interface Rules {
  /** Name of the revision in force. */
  readonly hash: string;
  readonly now: Date;
}

export function planStatefulPods(set: StatefulSet, pods: readonly Pod[], rules: Rules): StatefulPlan {
  const { replicas = 1, ordinals, podManagementPolicy, updateStrategy, minReadySeconds = 0 } = set.spec;
  const start = ordinals?.start ?? 0;
  const partition = start + (updateStrategy?.rollingUpdate?.partition ?? 0);
  const byOrdinal = new Map(pods.flatMap((pod) => (ordinalOf(pod, set) === undefined ? [] : [[ordinalOf(pod, set)!, pod] as const])));
  const wanted = Array.from({ length: replicas }, (_, i) => start + i);
  const condemned = [...byOrdinal].filter(([ordinal]) => ordinal < start || ordinal >= start + replicas).toSorted(([a], [b]) => b - a).map(([, pod]) => pod);
  const scene = { wanted, byOrdinal, condemned, isWell: (pod: Pod) => !isTerminating(pod) && isReady(pod) && isAvailable(pod, minReadySeconds, rules.now) };
  const step = podManagementPolicy === 'Parallel' ? allAtOnce(scene) : inOrder(scene);
  if (step) return { ...step, partition };
  return { create: [], remove: updateStrategy?.type === 'OnDelete' ? [] : nextToUpdate(scene, partition, rules.hash), partition };
}

interface Scene {
  readonly wanted: readonly number[];
  readonly byOrdinal: ReadonlyMap<number, Pod>;
  /** Beyond the wanted numbers, highest first. */
  readonly condemned: readonly Pod[];
  isWell(pod: Pod): boolean;
}

type Step = Pick<StatefulPlan, 'create' | 'remove'>;
const wait: Step = { create: [], remove: [] };

/** Undefined when everything stands as it should. */
function inOrder({ wanted, byOrdinal, condemned, isWell }: Scene): Step | undefined {
  for (const ordinal of wanted) {
    const pod = byOrdinal.get(ordinal);
    if (!pod) return { create: [ordinal], remove: [] };
    if (isFinished(pod) && !isTerminating(pod)) return { create: [], remove: [pod] };
    if (!isWell(pod)) return wait;
  }
  const [last] = condemned;
  if (!last) return undefined;
  return isTerminating(last) ? wait : { create: [], remove: [last] };
}

function allAtOnce({ wanted, byOrdinal, condemned }: Scene): Step | undefined {
  const create = wanted.filter((ordinal) => !byOrdinal.has(ordinal));
  const finished = wanted.flatMap((ordinal) => byOrdinal.get(ordinal) ?? []).filter(isFinished);
  const remove = [...condemned, ...finished].filter((pod) => !isTerminating(pod));
  return create.length + remove.length > 0 ? { create, remove } : undefined;
}

/** From the highest number down to the partition: the first that is old, unless one above it is not well yet. */
function nextToUpdate({ wanted, byOrdinal, isWell }: Scene, partition: number, hash: string): Pod[] {
  for (const ordinal of wanted.filter((each) => each >= partition).toReversed()) {
    const pod = byOrdinal.get(ordinal);
    if (!pod) return [];
    if (pod.metadata.labels?.[revisionLabel] !== hash) return isTerminating(pod) ? [] : [pod];
    if (!isWell(pod)) return [];
  }
  return [];
}
