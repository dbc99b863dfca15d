// Admission of new objects: what the cluster adds to, or refuses in, an object that is right by itself.
// The order is the list below; each step is a pure function of the object and a snapshot.
import { forbiddenError, notFoundError } from '../../../kube/meaning/api-error.ts';
import type { Namespace, Pod } from '../../../kube/objects/core.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import type { Snapshot } from '../../../kube/store/store.ts';
import type { Api } from '../api.ts';
import type { KindRegistry } from '../registry.ts';
import type { Target } from '../router.ts';
import { withDefaultIngressClass } from './default-ingress-class.ts';
import { withServiceAccount } from './service-account.ts';

export interface Admission {
  registry: KindRegistry;
  seen: Snapshot;
  target: Target;
}

type Step = (object: KubeObject, about: Admission) => KubeObject;

const steps: readonly Step[] = [
  // First: nothing else matters in a namespace that is missing or going.
  inLivingNamespace,
  withServiceAccount,
  withDefaultTolerations,
  withDefaultIngressClass,
  withNotReadyTaint,
];

export function admitCreate(api: Api, target: Target, object: KubeObject): KubeObject {
  const about = { registry: api.registry, seen: api.store.snapshot(), target };
  return steps.reduce((admitted, step) => step(admitted, about), object);
}

function inLivingNamespace(object: KubeObject, { registry, seen, target }: Admission): KubeObject {
  const { namespace } = object.metadata;
  const namespaces = registry.find('v1', 'namespaces');
  if (!namespace || !namespaces) return object;
  const found = seen.get(namespaces.stored, namespace) as Namespace | undefined;
  if (!found) throw notFoundError(namespaces.kind, namespace);
  if (found.status?.phase !== 'Terminating' && !found.metadata.deletionTimestamp) return object;
  const causes = [{ reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' }];
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  throw forbiddenError(target.resource.kind, object.metadata.name, why, causes);
}

const isCore = (object: KubeObject, kind: string) => object.kind === kind && object.apiVersion === 'v1';

/** Pods stay five minutes on a node that is not ready or not reachable, unless they say otherwise. */
function withDefaultTolerations(object: KubeObject): KubeObject {
  if (!isCore(object, 'Pod')) return object;
  const pod = object as Pod;
  const given = pod.spec?.tolerations ?? [];
  const missing = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].filter(
    (key) => !given.some((t) => (!t.key || t.key === key) && (!t.effect || t.effect === 'NoExecute')),
  );
  if (missing.length === 0) return object;
  const added = missing.map((key) => ({ key, operator: 'Exists' as const, effect: 'NoExecute', tolerationSeconds: 300 }));
  return { ...pod, spec: { ...pod.spec, tolerations: [...given, ...added] } } as Pod;
}

/** A new node takes no pods until its controller has seen it ready. */
function withNotReadyTaint(object: KubeObject): KubeObject {
  if (!isCore(object, 'Node')) return object;
  const { spec } = object as KubeObject & { spec?: { taints?: { key: string; effect: string }[] } };
  const key = 'node.kubernetes.io/not-ready';
  if (spec?.taints?.some((taint) => taint.key === key && taint.effect === 'NoSchedule')) return object;
  return { ...object, spec: { ...spec, taints: [...(spec?.taints ?? []), { key, effect: 'NoSchedule' }] } } as KubeObject;
}
