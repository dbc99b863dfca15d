// What every namespace is given: the `default` ServiceAccount and the cluster's certificate authority.
// Removed or changed, they come back.
import { deepEqual } from '../../base/data/memo.ts';
import { configMapKind } from '../../kube/kinds/config-map.ts';
import { namespaceKind } from '../../kube/kinds/namespace.ts';
import { serviceAccountKind } from '../../kube/kinds/service-account.ts';
import type { ConfigMap, Namespace, ServiceAccount } from '../../kube/objects/core.ts';
import type { Controller } from './controller.ts';
import { create, update } from './writes.ts';

const lives = ({ metadata, status }: Namespace): boolean => !metadata.deletionTimestamp && status?.phase !== 'Terminating';

export const defaultServiceAccounts: Controller = {
  name: 'service-accounts',
  reads: [namespaceKind, serviceAccountKind],
  decide: (seen) =>
    seen.list(namespaceKind).flatMap((namespace) => {
      const { name } = namespace.metadata;
      if (!lives(namespace) || seen.get(serviceAccountKind, 'default', name)) return [];
      const account: ServiceAccount = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name } };
      return [create(account)];
    }),
};

const rootName = 'kube-root-ca.crt';
const about =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc.';

export function createRootCertificates(caCertificate: string): Controller {
  const data = { 'ca.crt': caCertificate };
  return {
    name: 'root-certificates',
    reads: [namespaceKind, configMapKind],
    decide: (seen) =>
      seen.list(namespaceKind).filter(lives).flatMap(({ metadata: { name: namespace } }) => {
        const old = seen.get(configMapKind, rootName, namespace);
        if (old) return deepEqual(old.data, data) ? [] : [update({ ...old, data } as ConfigMap)];
        const annotations = { 'kubernetes.io/description': about };
        const map: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: rootName, namespace, annotations }, data };
        return [create(map)];
      }),
  };
}
