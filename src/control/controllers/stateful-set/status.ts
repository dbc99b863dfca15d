// The counts and the two revisions of a StatefulSet; when all pods have the new one, it becomes the current one.
import type { ControllerRevision, StatefulSet } from '../../../kube/objects/apps.ts';
import type { Pod } from '../../../kube/objects/core.ts';
import { isAvailable, isReady, isTerminating } from '../workload/pod-state.ts';
import { revisionLabel } from '../workload/revisions.ts';
import { withoutAbsent } from '../writes.ts';

interface Revisions {
  readonly current: ControllerRevision;
  readonly updating: ControllerRevision;
  readonly now: Date;
}

export function statefulStatus({ metadata, spec, status }: StatefulSet, pods: readonly Pod[], { current, updating, now }: Revisions): NonNullable<StatefulSet['status']> {
  const at = (revision: ControllerRevision) => pods.filter((pod) => !isTerminating(pod) && pod.metadata.labels?.[revisionLabel] === revision.metadata.name).length;
  const some = (count: number) => (count > 0 ? count : undefined);
  const ready = pods.filter(isReady).length;
  const updated = at(updating);
  const isDone = updated === (spec.replicas ?? 1) && updated === pods.length && ready === pods.length;
  return withoutAbsent({
    ...status,
    observedGeneration: metadata.generation,
    replicas: pods.length,
    readyReplicas: some(ready),
    availableReplicas: pods.filter((pod) => isAvailable(pod, spec.minReadySeconds ?? 0, now)).length,
    currentReplicas: some(isDone ? updated : at(current)),
    updatedReplicas: some(updated),
    currentRevision: (isDone ? updating : current).metadata.name,
    updateRevision: updating.metadata.name,
    collisionCount: status?.collisionCount ?? 0,
  });
}
