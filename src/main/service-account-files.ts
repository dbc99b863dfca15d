// What a pod finds under /var/run/secrets/kubernetes.io/serviceaccount: a token of its account and the cluster's CA.
import type { ApiServer } from '../control/apiserver/server.ts';
import { serviceAccountKind } from '../kube/kinds/service-account.ts';
import type { ObjectStore } from '../kube/store/store.ts';
import type { LinuxPodsOptions } from '../node/pods/linux-pods.ts';

const tokenSeconds = 3607;

/** Undefined where the pod wants none, or its account is gone. */
export function createServiceAccountFiles(store: ObjectStore, tokens: ApiServer['tokens'], ca: string): NonNullable<LinuxPodsOptions['serviceAccount']> {
  return async ({ pod }) => {
    const { name, namespace = 'default', uid = '' } = pod.metadata;
    const account = store.snapshot().get(serviceAccountKind, pod.spec.serviceAccountName ?? 'default', namespace);
    const wanted = pod.spec.automountServiceAccountToken ?? account?.automountServiceAccountToken ?? true;
    if (!account || !wanted) return undefined;
    const { token } = await tokens.issue({
      namespace,
      name: account.metadata.name,
      uid: account.metadata.uid ?? '',
      audiences: [tokens.issuer],
      expirationSeconds: tokenSeconds,
      pod: { name, uid },
    });
    return { token, ca };
  };
}
