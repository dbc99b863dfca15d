// Conditions in a status: find one, set one, and keep the time of the last real transition.
import type { Condition } from '../objects/meta.ts';

export const findCondition = (conditions: readonly Condition[] | undefined, type: string): Condition | undefined =>
  conditions?.find((condition) => condition.type === type);

export const isConditionTrue = (conditions: readonly Condition[] | undefined, type: string): boolean =>
  findCondition(conditions, type)?.status === 'True';

/** RFC 3339 in whole seconds, as metav1.Time is printed. */
export const timestamp = (now: Date): string => `${now.toISOString().slice(0, 19)}Z`;

const told = ['status', 'reason', 'message', 'observedGeneration'] as const;

/**
 * The conditions with `next` in place. lastTransitionTime moves only when the status does.
 * The same array comes back when nothing changed, so that a controller may compare by identity.
 */
export function setCondition(conditions: readonly Condition[] | undefined, next: Condition, now: Date): readonly Condition[] {
  const old = findCondition(conditions, next.type);
  if (!old) return [...(conditions ?? []), { ...next, lastTransitionTime: next.lastTransitionTime ?? timestamp(now) }];
  if (conditions && told.every((key) => old[key] === next[key])) return conditions;
  const since = old.status === next.status ? old.lastTransitionTime : (next.lastTransitionTime ?? timestamp(now));
  const merged = { ...next, lastTransitionTime: since };
  return (conditions ?? []).map((condition) => (condition === old ? merged : condition));
}

/** Without the condition; the same array when it was not there. */
export const removeCondition = (conditions: readonly Condition[] | undefined, type: string): readonly Condition[] | undefined =>
  findCondition(conditions, type) ? conditions?.filter((condition) => condition.type !== type) : conditions;
