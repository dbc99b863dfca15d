// Creates what a cluster must have and does not have yet.
import { ApiError } from '../kube/meaning/api-error.ts';
import type { KubeObject } from '../kube/objects/meta.ts';
import type { ObjectStore } from '../kube/store/store.ts';

export async function createMissing(store: ObjectStore, objects: readonly KubeObject[]): Promise<void> {
  const writes = objects.map((object) =>
    store.write({ verb: 'create', object }).catch((error: unknown) => {
      // There since an earlier start, or made by another server: what users changed in it is theirs.
      if (!(error instanceof ApiError && error.reason === 'AlreadyExists')) throw error;
    }),
  );
  await Promise.all(writes);
}
