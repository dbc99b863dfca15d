// Every pod runs as a service account: the one it names, else `default` (the kind fills that in). It must exist.
import { forbiddenError } from '../../../kube/meaning/api-error.ts';
import type { Pod } from '../../../kube/objects/core.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import type { Admission } from './admission.ts';

export function ofKnownAccount(object: KubeObject, { registry, seen }: Admission): KubeObject {
  if (object.kind !== 'Pod' || object.apiVersion !== 'v1') return object;
  const pod = object as Pod;
  const accounts = registry.find('v1', 'serviceaccounts');
  const { namespace } = pod.metadata;
  const name = pod.spec?.serviceAccountName || pod.spec?.serviceAccount || 'default';
  if (accounts && !seen.get(accounts.stored, name, namespace)) {
    const pods = { apiVersion: 'v1', kind: 'Pod', plural: 'pods' };
    const why = `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`;
    throw forbiddenError(pods, pod.metadata.name, why);
  }
  return pod;
}
