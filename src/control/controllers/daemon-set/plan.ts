// What must happen on each node: where a daemon is missing, which ones must go; the rolling update among it.
import { scaledValue } from '../../../kube/meaning/int-or-string.ts';
import type { DaemonSet } from '../../../kube/objects/apps.ts';
import type { Node, Pod } from '../../../kube/objects/core.ts';
import { isActive, isAvailable, isFinished, isTerminating } from '../workload/pod-state.ts';
import { revisionLabel } from '../workload/revisions.ts';
import type { Place } from './place.ts';

export interface DaemonPlan {
  readonly create: readonly Node[];
  readonly remove: readonly Pod[];
}

interface Rules {
  readonly hash: string;
  readonly now: Date;
}

export function planDaemonPods(set: DaemonSet, places: readonly Place[], rules: Rules): DaemonPlan {
  const steady = places.map((place) => settlePlace(place, rules));
  const plan = { create: steady.flatMap(({ create }) => create), remove: steady.flatMap(({ remove }) => remove) };
  const rolled = set.spec.updateStrategy?.type === 'OnDelete' ? nothing : rollDaemons(set, places, rules);
  return { create: [...plan.create, ...rolled.create], remove: [...plan.remove, ...rolled.remove.filter((pod) => !plan.remove.includes(pod))] };
}

const nothing: DaemonPlan = { create: [], remove: [] };

const isNew = (pod: Pod, hash: string): boolean => pod.metadata.labels?.[revisionLabel] === hash;
const oldestFirst = (a: Pod, b: Pod): number =>
  (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? '') || (a.metadata.name < b.metadata.name ? -1 : 1);

/** Exactly one where one is wanted; during a surge one old and one new may stand side by side. */
function settlePlace({ node, wanted, mayStay, pods }: Place, { hash }: Rules): DaemonPlan {
  const living = pods.filter((pod) => !isTerminating(pod));
  if (!mayStay) return { create: [], remove: living };
  if (!wanted) return nothing;
  // A finished daemon makes room for its successor.
  const failed = living.filter(isFinished);
  if (failed.length > 0) return { create: [], remove: failed };
  if (living.length === 0) return { create: pods.length === 0 ? [node] : [], remove: [] };
  const keep = [living.filter((pod) => isNew(pod, hash)).toSorted(oldestFirst)[0], living.filter((pod) => !isNew(pod, hash)).toSorted(oldestFirst)[0]];
  return { create: [], remove: living.filter((pod) => !keep.includes(pod)) };
}

/** Replaces old daemons as far as the strategy allows; those that serve nobody go first and cost nothing. */
function rollDaemons({ spec }: DaemonSet, places: readonly Place[], { hash, now }: Rules): DaemonPlan {
  const wanted = places.filter((place) => place.wanted);
  const { maxUnavailable = 1, maxSurge = 0 } = spec.updateStrategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, wanted.length, 'up') ?? 0;
  const unavailable = scaledValue(maxUnavailable, wanted.length, 'up') ?? 0;
  const serves = (pod: Pod) => isActive(pod) && isAvailable(pod, spec.minReadySeconds ?? 0, now);
  const state = wanted.map(({ node, pods }) => {
    const active = pods.filter(isActive);
    return { node, active, old: active.find((pod) => !isNew(pod, hash)), fresh: active.find((pod) => isNew(pod, hash)), isServed: active.some(serves) };
  });
  const outdated = state.filter(({ old }) => old !== undefined);
  if (surge > 0) {
    const replaced = outdated.filter(({ fresh }) => fresh && serves(fresh)).map(({ old }) => old!);
    const surging = outdated.filter(({ fresh }) => fresh && !serves(fresh)).length;
    const start = outdated.filter(({ fresh }) => !fresh).slice(0, Math.max(0, surge - surging));
    return { create: start.map(({ node }) => node), remove: replaced };
  }
  const idle = outdated.filter(({ isServed }) => !isServed);
  const without = state.filter(({ isServed }) => !isServed).length;
  const allowed = Math.max(0, unavailable - without);
  const serving = outdated.filter(({ isServed }) => isServed).slice(0, allowed);
  return { create: [], remove: [...idle, ...serving].map(({ old }) => old!) };
}
