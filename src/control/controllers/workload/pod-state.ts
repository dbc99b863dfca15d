// Where a pod is in its life, as its owners see it.
import { findCondition, isConditionTrue } from '../../../kube/meaning/conditions.ts';
import type { Pod } from '../../../kube/objects/core.ts';

export const isTerminating = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined;

export const isFinished = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

/** Counts towards what its owner wants. */
export const isActive = (pod: Pod): boolean => !isTerminating(pod) && !isFinished(pod);

export const isReady = ({ status }: Pod): boolean => isConditionTrue(status?.conditions, 'Ready');

/** When the pod will have been ready long enough; undefined while it is not ready. */
export function availableAtMs({ status }: Pod, minReadySeconds: number): number | undefined {
  const ready = findCondition(status?.conditions, 'Ready');
  if (ready?.status !== 'True') return undefined;
  if (minReadySeconds === 0) return 0;
  return Date.parse(ready.lastTransitionTime ?? '') + minReadySeconds * 1000 || 0;
}

export const isAvailable = (pod: Pod, minReadySeconds: number, now: Date): boolean => {
  const at = availableAtMs(pod, minReadySeconds);
  return at !== undefined && at <= now.getTime();
};

/** Milliseconds until the next of these pods has been ready long enough. */
export function nextAvailableMs(pods: readonly Pod[], minReadySeconds: number, now: Date): number | undefined {
  if (minReadySeconds === 0) return undefined;
  const waits = pods.map((pod) => (availableAtMs(pod, minReadySeconds) ?? 0) - now.getTime()).filter((ms) => ms > 0);
  return waits.length > 0 ? Math.min(...waits) : undefined;
}
