// Admission of new objects: what the cluster adds to, or refuses in, an object that is right by itself.
// The order is the list below; each step is a pure function of the object and a snapshot. What needs only the object
// itself (tolerations) is among the kind's defaults.
import { forbiddenError, notFoundError } from '../../../kube/meaning/api-error.ts';
import type { Namespace } from '../../../kube/objects/core.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import type { Api } from '../api.ts';
import type { Target } from '../router.ts';
import type { Admission } from './admission.ts';
import { withDefaultIngressClass } from './default-ingress-class.ts';
import { ofKnownAccount } from './known-account.ts';
import { ofKnownPriority } from './known-priority.ts';

interface Step {
  /** The upstream plug-in that does this: the name by which it is left out. */
  plugin: string;
  admit(object: KubeObject, about: Admission): KubeObject;
}

const steps: readonly Step[] = [
  // First: nothing else matters in a namespace that is missing or going.
  { plugin: 'NamespaceLifecycle', admit: inLivingNamespace },
  { plugin: 'ServiceAccount', admit: ofKnownAccount },
  { plugin: 'Priority', admit: ofKnownPriority },
  { plugin: 'DefaultIngressClass', admit: withDefaultIngressClass },
];

export function admitCreate(api: Api, target: Target, object: KubeObject): KubeObject {
  const about = { registry: api.registry, seen: api.store.snapshot(), target };
  return steps.reduce((admitted, { plugin, admit }) => (api.disabledAdmission.has(plugin) ? admitted : admit(admitted, about)), object);
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
