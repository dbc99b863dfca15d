// StatefulSets: numbered pods with lasting names, made in order, removed in reverse, updated from the highest down.
import { controllerRevisionKind } from '../../kube/kinds/controller-revision.ts';
import { podKind } from '../../kube/kinds/pod.ts';
import { statefulSetKind } from '../../kube/kinds/stateful-set.ts';
import type { ControllerRevision, StatefulSet } from '../../kube/objects/apps.ts';
import type { Pod } from '../../kube/objects/core.ts';
import type { Write } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';
import { groupOf } from './keep-lists.ts';
import { rememberDecision } from './remember.ts';
import { planStatefulPods } from './stateful-set/plan.ts';
import { statefulPod } from './stateful-set/stateful-pod.ts';
import { statefulStatus } from './stateful-set/status.ts';
import { earliest } from './wake.ts';
import { claim } from './workload/claim.ts';
import { byController, orphanPods, podsByController } from './workload/pod-groups.ts';
import { nextAvailableMs } from './workload/pod-state.ts';
import { readHistory, revisionLabel, trimHistory } from './workload/revisions.ts';
import { create, createEvent, remove, updateStatus } from './writes.ts';

const component = 'statefulset-controller';
const revisionsByController = byController<ControllerRevision>();
const remembered = rememberDecision(decideStatefulSet);

export const statefulSetController: Controller = {
  name: 'stateful-set',
  reads: [statefulSetKind, podKind, controllerRevisionKind],
  decide(seen, now) {
    const pods = podsByController(seen.list(podKind));
    const free = orphanPods(seen.list(podKind));
    const revisions = revisionsByController(seen.list(controllerRevisionKind));
    return seen.list(statefulSetKind).flatMap((set) => {
      const { uid, namespace } = set.metadata;
      const decide = set.spec.minReadySeconds ? decideStatefulSet : remembered;
      return decide(now, set, groupOf(pods, uid), groupOf(free, namespace), groupOf(revisions, uid));
    });
  },
  wakeAfterMs(seen, now) {
    const pods = podsByController(seen.list(podKind));
    return earliest(seen.list(statefulSetKind).map(({ metadata, spec }) => nextAvailableMs(groupOf(pods, metadata.uid), spec.minReadySeconds ?? 0, now)));
  },
};

type Around = [held: readonly Pod[], free: readonly Pod[], revisions: readonly ControllerRevision[]];

function decideStatefulSet(now: Date, set: StatefulSet, ...[held, free, revisions]: Around): Write[] {
  if (set.metadata.deletionTimestamp) return [];
  const { owned, writes } = claim(set, held, free);
  const history = readHistory(set, revisions);
  const updating = history.current;
  const current = history.all.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? updating;
  const plan = planStatefulPods(set, owned, { hash: updating.metadata.name, now });
  const inUse = new Set([current.metadata.labels?.[revisionLabel] ?? '', ...owned.map((pod) => hashIn(pod, set))]);
  return [
    ...writes,
    ...history.writes,
    ...trimHistory(set, history, inUse),
    ...plan.remove.flatMap((pod) => [remove(pod), told(now, set, pod, 'Delete')]),
    ...plan.create.map((ordinal) => statefulPod(set, ordinal, ordinal < plan.partition ? current : updating)).flatMap((pod) => [create(pod), told(now, set, pod, 'Create')]),
    ...updateStatus(set, statefulStatus(set, owned, { current, updating, now })),
  ];
}

/** Pods carry the revision's whole name, revisions only its end. */
const hashIn = ({ metadata }: Pod, set: StatefulSet): string => (metadata.labels?.[revisionLabel] ?? '').slice(set.metadata.name.length + 1);

function told(now: Date, set: StatefulSet, pod: Pod, what: 'Create' | 'Delete'): Write {
  const message = `${what.toLowerCase()} Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} successful`;
  return createEvent({ about: set, reason: `Successful${what}`, message, component }, now);
}
