// The custom kinds of the store at this moment, as the registry serves them.
import { customKinds, type CustomKinds } from '../../../kube/custom/custom-kinds.ts';
import type { ObjectStore } from '../../../kube/store/store.ts';
import type { View } from '../registry.ts';

/** Answers the same list while no definition changed. */
export function customViews(store: ObjectStore): () => readonly View[] {
  let known: CustomKinds | undefined;
  let views: readonly View[] = [];
  return () => {
    const kinds = customKinds(store.snapshot());
    if (kinds !== known) {
      known = kinds;
      views = kinds.versions.filter(({ served }) => served).map(({ kind, stored, fromStored }) => ({ kind, stored, fromStored, toStored: (object) => object }));
    }
    return views;
  };
}
