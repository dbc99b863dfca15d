// A kind under further versions that differ in nothing but the name: alphas and betas that older clients ask for.
import type { Kind } from '../../../kube/kinds/kind.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import type { View } from '../registry.ts';

export const furtherVersions = (kinds: readonly Kind[]): View[] =>
  kinds.flatMap((stored) => (stored.alsoServedAs ?? []).map((version) => viewAs(stored, version)));

function viewAs(stored: Kind, { apiVersion, deprecation }: NonNullable<Kind['alsoServedAs']>[number]): View {
  const seen = new WeakMap<KubeObject, KubeObject>();
  return {
    stored,
    kind: { ...stored, apiVersion, ...(deprecation && { deprecation }) },
    toStored: (object) => ({ ...object, apiVersion: stored.apiVersion }),
    fromStored(object) {
      const view = seen.get(object) ?? { ...object, apiVersion };
      seen.set(object, view);
      return view;
    },
  };
}
