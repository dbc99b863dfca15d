// ReplicationControllers: ReplicaSets whose selector is written as plain labels.
import { replicationControllerKind } from '../../kube/kinds/replication-controller.ts';
import type { Kind } from '../../kube/kinds/kind.ts';
import type { ReplicaSet } from '../../kube/objects/apps.ts';
import type { ReplicationController } from '../../kube/objects/core.ts';
import { createReplicaController } from './replica-set.ts';

const adapted = new WeakMap<ReplicationController, ReplicaSet>();

function asReplicaSet(controller: ReplicationController): ReplicaSet {
  let set = adapted.get(controller);
  if (!set) {
    set = { ...controller, spec: { ...controller.spec, selector: { matchLabels: { ...controller.spec?.selector } } } } as ReplicaSet;
    adapted.set(controller, set);
  }
  return set;
}

export const replicationControllerController = createReplicaController({
  name: 'replication-controller',
  kind: replicationControllerKind as Kind,
  sets: (seen) => seen.list(replicationControllerKind).map(asReplicaSet),
});
