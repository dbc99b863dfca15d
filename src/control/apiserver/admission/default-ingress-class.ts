// An Ingress that names no class gets the cluster's default one: the newest class marked so (ties: by name).
import type { Ingress } from '../../../kube/objects/networking.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import type { Admission } from './admission.ts';

const isDefault = ({ metadata }: KubeObject) => metadata.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true';

const newestFirst = (a: KubeObject, b: KubeObject) =>
  (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? '') || (a.metadata.name < b.metadata.name ? -1 : 1);

export function withDefaultIngressClass(object: KubeObject, { registry, seen }: Admission): KubeObject {
  if (object.kind !== 'Ingress' || object.apiVersion !== 'networking.k8s.io/v1') return object;
  const ingress = object as Ingress;
  const classes = registry.find('networking.k8s.io/v1', 'ingressclasses');
  if (!classes || ingress.spec?.ingressClassName || ingress.metadata.annotations?.['kubernetes.io/ingress.class']) return object;
  const [chosen] = seen.list(classes.stored).filter(isDefault).toSorted(newestFirst);
  return chosen ? ({ ...ingress, spec: { ...ingress.spec, ingressClassName: chosen.metadata.name } } as Ingress) : object;
}
