// DaemonSets: one pod on every node that fits. The pod is made for its node, so the scheduler never sees it.
import { controllerRevisionKind } from '../../kube/kinds/controller-revision.ts';
import { daemonSetKind } from '../../kube/kinds/daemon-set.ts';
import { nodeKind } from '../../kube/kinds/node.ts';
import { podKind } from '../../kube/kinds/pod.ts';
import type { ControllerRevision, DaemonSet } from '../../kube/objects/apps.ts';
import type { Node, Pod } from '../../kube/objects/core.ts';
import type { Snapshot, Write } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';
import { planDaemonPods } from './daemon-set/plan.ts';
import { daemonTolerations, placeDaemons } from './daemon-set/place.ts';
import { daemonStatus } from './daemon-set/status.ts';
import { suffixOf } from './hash.ts';
import { groupOf } from './keep-lists.ts';
import { rememberDecision } from './remember.ts';
import { earliest } from './wake.ts';
import { claim } from './workload/claim.ts';
import { byController, orphanPods, podsByController } from './workload/pod-groups.ts';
import { podFromTemplate } from './workload/pod-from-template.ts';
import { isTerminating, nextAvailableMs } from './workload/pod-state.ts';
import { type History, hashOf, readHistory, revisionLabel, trimHistory } from './workload/revisions.ts';
import { create, createEvent, remove, updateStatus } from './writes.ts';

const component = 'daemonset-controller';

const revisionsByController = byController<ControllerRevision>();

const remembered = rememberDecision(decideDaemonSet);

export const daemonSetController: Controller = {
  name: 'daemon-set',
  reads: [daemonSetKind, podKind, nodeKind, controllerRevisionKind],
  decide(seen, now) {
    const free = orphanPods(seen.list(podKind));
    const revisions = revisionsByController(seen.list(controllerRevisionKind));
    return seen.list(daemonSetKind).flatMap((set) => {
      const { uid, namespace } = set.metadata;
      const decide = set.spec.minReadySeconds ? decideDaemonSet : remembered;
      return decide(now, set, podsOf(set, seen), groupOf(free, namespace), seen.list(nodeKind), groupOf(revisions, uid));
    });
  },
  wakeAfterMs: (seen, now) => earliest(seen.list(daemonSetKind).map((set) => nextAvailableMs(podsOf(set, seen), set.spec.minReadySeconds ?? 0, now))),
};

const podsOf = (set: DaemonSet, seen: Snapshot): readonly Pod[] => groupOf(podsByController(seen.list(podKind)), set.metadata.uid);

type Around = [held: readonly Pod[], free: readonly Pod[], nodes: readonly Node[], revisions: readonly ControllerRevision[]];

function decideDaemonSet(now: Date, set: DaemonSet, ...[held, free, nodes, revisions]: Around): Write[] {
  if (set.metadata.deletionTimestamp) return [];
  const { owned, writes } = claim(set, held, free);
  const history = readHistory(set, revisions);
  const hash = hashOf(history.current);
  const { places, lost } = placeDaemons(set, nodes, owned);
  const plan = planDaemonPods(set, places, { hash, now });
  const inUse = new Set(owned.map((pod) => pod.metadata.labels?.[revisionLabel] ?? ''));
  return [
    ...writes,
    ...history.writes,
    ...trimHistory(set, history, inUse),
    ...[...lost, ...plan.remove].filter((pod) => !isTerminating(pod)).flatMap((pod) => deletePod(now, set, pod)),
    ...plan.create.flatMap((node) => createPod(now, set, history, node)),
    ...updateStatus(set, daemonStatus(set, places, { hash, now })),
  ];
}

function createPod(now: Date, set: DaemonSet, { current }: History, node: Node): Write[] {
  const { name, uid, resourceVersion, generation = 1 } = set.metadata;
  const { template } = set.spec;
  const generateName = `${name}-`;
  const pod = podFromTemplate(set, template, {
    name: generateName + suffixOf(`${uid}/${resourceVersion}/${node.metadata.name}`),
    generateName,
    labels: { [revisionLabel]: hashOf(current), 'pod-template-generation': String(generation) },
    spec: { nodeName: node.metadata.name, tolerations: daemonTolerations(template.spec) },
  });
  const message = `Created pod: ${pod.metadata.name}`;
  return [create(pod), createEvent({ about: set, reason: 'SuccessfulCreate', message, component }, now)];
}

function deletePod(now: Date, set: DaemonSet, pod: Pod): Write[] {
  const message = `Deleted pod: ${pod.metadata.name}`;
  return [remove(pod), createEvent({ about: set, reason: 'SuccessfulDelete', message, component }, now)];
}
