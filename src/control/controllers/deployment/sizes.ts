// How many pods each ReplicaSet of a Deployment should have now: arithmetic only. The map holds what is to be, by name.
import type { Deployment, ReplicaSet } from '../../../kube/objects/apps.ts';
import { desiredIn, type Family, maxIn, replicasOf, slackOf, wantedReplicas } from './replica-sets.ts';

export type Sizes = ReadonlyMap<ReplicaSet, number>;

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
const totalOf = (sets: readonly ReplicaSet[]): number => sum(sets.map(replicasOf));
const availableIn = (set: ReplicaSet): number => set.status?.availableReplicas ?? 0;

const everyone = ({ fresh, old }: Family): readonly ReplicaSet[] => (fresh ? [...old, fresh] : old);

/** How large the present set may become beside the old ones. */
export function freshSize(deployment: Deployment, family: Family): number {
  const wanted = wantedReplicas(deployment);
  if (deployment.spec.strategy?.type === 'Recreate') return wanted;
  const now = replicasOf(family.fresh);
  if (now >= wanted) return wanted;
  const room = wanted + slackOf(deployment).surge - totalOf(everyone(family));
  return room <= 0 ? now : now + Math.min(room, wanted - now);
}

/** Up first; only when the present set stays as it is may the old ones shrink. */
export function rollingSizes(deployment: Deployment, family: Family): Sizes {
  const { fresh } = family;
  if (!fresh) return new Map();
  const size = freshSize(deployment, family);
  return size !== replicasOf(fresh) ? new Map([[fresh, size]]) : shrinkOld(deployment, family);
}

/** Pods that serve nobody go first and for free; then serving ones, as far as availability allows. */
function shrinkOld(deployment: Deployment, family: Family): Sizes {
  const all = everyone(family);
  const minimum = wantedReplicas(deployment) - slackOf(deployment).unavailable;
  const notYet = replicasOf(family.fresh) - (family.fresh ? availableIn(family.fresh) : 0);
  let spare = totalOf(all) - minimum - notYet;
  const sizes = new Map(family.old.map((set) => [set, replicasOf(set)]));
  const shrink = (set: ReplicaSet, by: number) => sizes.set(set, sizes.get(set)! - by);
  for (const set of family.old) {
    const idle = Math.max(0, Math.min(spare, replicasOf(set) - availableIn(set)));
    spare -= idle;
    shrink(set, idle);
  }
  let surplus = Math.min(spare, sum(all.map(availableIn)) - minimum);
  for (const set of family.old) {
    const by = Math.max(0, Math.min(surplus, sizes.get(set)!));
    surplus -= by;
    shrink(set, by);
  }
  return sizes;
}

/** Recreate: all old ones to nothing; the present one grows when their pods are gone. */
export function recreateSizes(deployment: Deployment, { fresh, old }: Family, oldPodsRemain: boolean): Sizes {
  const sizes = new Map(old.map((set) => [set, 0]));
  if (fresh && !oldPodsRemain && totalOf(old) === 0) sizes.set(fresh, wantedReplicas(deployment));
  return sizes;
}

/** True when the user changed the wanted number since the sets were last sized. */
export function isResized(deployment: Deployment, family: Family): boolean {
  const active = everyone(family).filter((set) => replicasOf(set) > 0);
  return active.some((set) => (desiredIn(set) ?? wantedReplicas(deployment)) !== wantedReplicas(deployment));
}

/** A new number wanted in the middle of a roll-out is shared out in proportion, so that the roll-out keeps its progress. */
export function proportionalSizes(deployment: Deployment, family: Family): Sizes {
  const wanted = wantedReplicas(deployment);
  const active = everyone(family).filter((set) => replicasOf(set) > 0);
  const only = active.length === 0 ? newest(family) : active.length === 1 ? active[0] : undefined;
  if (only) return new Map([[only, wanted]]);
  if (active.length === 0) return new Map();
  if (isSaturated(family.fresh, wanted)) return new Map(family.old.map((set) => [set, 0]));
  if (deployment.spec.strategy?.type === 'Recreate') return new Map();
  return shareOut(deployment, active);
}

const newest = ({ fresh, old }: Family): ReplicaSet | undefined => fresh ?? old.at(-1);

const isSaturated = (set: ReplicaSet | undefined, wanted: number): boolean =>
  set !== undefined && replicasOf(set) === wanted && desiredIn(set) === wanted && availableIn(set) === wanted;

function shareOut(deployment: Deployment, active: readonly ReplicaSet[]): Sizes {
  const wanted = wantedReplicas(deployment);
  const allowed = wanted > 0 ? wanted + slackOf(deployment).surge : 0;
  const toAdd = allowed - totalOf(active);
  const age = (set: ReplicaSet) => set.metadata.creationTimestamp ?? '';
  // The larger gets more; of equals the newer when growing, the older when shrinking.
  const ranked = active.toSorted((a, b) => replicasOf(b) - replicasOf(a) || (toAdd > 0 ? age(b).localeCompare(age(a)) : age(a).localeCompare(age(b))));
  const sizes = new Map<ReplicaSet, number>();
  let added = 0;
  for (const set of ranked) {
    const before = maxIn(set) ?? deployment.status?.replicas ?? totalOf(active);
    const ideal = wanted === 0 ? -replicasOf(set) : Math.round((replicasOf(set) * allowed) / (before || 1)) - replicasOf(set);
    const share = toAdd > 0 ? Math.min(Math.max(ideal, 0), toAdd - added) : Math.max(Math.min(ideal, 0), toAdd - added);
    added += share;
    sizes.set(set, replicasOf(set) + share);
  }
  const first = ranked[0]!;
  sizes.set(first, Math.max(0, sizes.get(first)! + toAdd - added));
  return sizes;
}
