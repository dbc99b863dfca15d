// The counts that `kubectl rollout status` waits for.
import type { DaemonSet } from '../../../kube/objects/apps.ts';
import { isAvailable, isReady, isTerminating } from '../workload/pod-state.ts';
import { revisionLabel } from '../workload/revisions.ts';
import { withoutAbsent } from '../writes.ts';
import type { Place } from './place.ts';

export function daemonStatus({ status, spec, metadata }: DaemonSet, places: readonly Place[], { hash, now }: { hash: string; now: Date }): NonNullable<DaemonSet['status']> {
  const living = ({ pods }: Place) => pods.filter((pod) => !isTerminating(pod));
  const wanted = places.filter((place) => place.wanted);
  const manned = wanted.filter((place) => living(place).length > 0);
  const available = manned.filter((place) => living(place).some((pod) => isAvailable(pod, spec.minReadySeconds ?? 0, now))).length;
  const some = (count: number) => (count > 0 ? count : undefined);
  return withoutAbsent({
    ...status,
    currentNumberScheduled: manned.length,
    numberMisscheduled: places.filter((place) => !place.wanted && living(place).length > 0).length,
    desiredNumberScheduled: wanted.length,
    numberReady: manned.filter((place) => living(place).some(isReady)).length,
    observedGeneration: metadata.generation,
    updatedNumberScheduled: some(manned.filter((place) => living(place).some((pod) => pod.metadata.labels?.[revisionLabel] === hash)).length),
    numberAvailable: some(available),
    numberUnavailable: some(wanted.length - available),
  });
}
