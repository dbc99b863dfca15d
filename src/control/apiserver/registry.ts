// What the API serves at this moment: resources by group, version and plural. Kinds can come and go while the server
// runs (custom resources do), so readers keep nothing but a revision. A resource may be a second view of a stored kind.
import type { Kind } from '../../kube/kinds/kind.ts';
import { groupOf } from '../../kube/meaning/api-error.ts';
import type { KubeObject } from '../../kube/objects/meta.ts';

export interface Resource {
  /** As served: names, columns and field selectors. Columns and selectors are given the stored object. */
  readonly kind: Kind;
  /** As kept by the store; the same kind unless this is a view. */
  readonly stored: Kind;
  readonly group: string;
  readonly version: string;
  toStored(object: KubeObject): KubeObject;
  /** Must answer the same object for the same stored object: printed texts are remembered by identity. */
  fromStored(object: KubeObject): KubeObject;
}

/** How a stored kind is served a second time, under another group and other field names. */
export interface View {
  kind: Kind;
  stored: Kind;
  toStored(object: KubeObject): KubeObject;
  fromStored(object: KubeObject): KubeObject;
}

export interface KindRegistry {
  /** Grows with every change; what is derived from the registry is remembered under it. */
  readonly revision: number;
  /** In the order discovery lists them. */
  resources(): readonly Resource[];
  find(apiVersion: string, plural: string): Resource | undefined;
  findKind(apiVersion: string, kind: string): Resource | undefined;
  serves(apiVersion: string): boolean;
  add(kind: Kind): void;
  remove(kind: Kind): void;
}

export const versionOf = (apiVersion: string): string => apiVersion.slice(apiVersion.indexOf('/') + 1);

const same = (object: KubeObject) => object;

const resourceOf = ({ kind, stored, toStored, fromStored }: View): Resource => ({
  kind,
  stored,
  group: groupOf(kind.apiVersion),
  version: versionOf(kind.apiVersion),
  toStored,
  fromStored,
});

const ownView = (kind: Kind): View => ({ kind, stored: kind, toStored: same, fromStored: same });

/** Views are listed after the kinds. */
export function createKindRegistry(kinds: readonly Kind[], views: readonly View[] = []): KindRegistry {
  const byPath = new Map<string, Resource>();
  const byKind = new Map<string, Resource>();
  let revision = 1;
  const put = (resource: Resource) => {
    byPath.set(`${resource.kind.apiVersion}/${resource.kind.plural}`, resource);
    byKind.set(`${resource.kind.apiVersion}/${resource.kind.kind}`, resource);
  };
  for (const view of [...kinds.map(ownView), ...views]) put(resourceOf(view));
  return {
    get revision() {
      return revision;
    },
    resources: () => [...byPath.values()],
    find: (apiVersion, plural) => byPath.get(`${apiVersion}/${plural}`),
    findKind: (apiVersion, kind) => byKind.get(`${apiVersion}/${kind}`),
    serves: (apiVersion) => [...byPath.values()].some((resource) => resource.kind.apiVersion === apiVersion),
    add(kind) {
      put(resourceOf(ownView(kind)));
      revision += 1;
    },
    remove(kind) {
      byPath.delete(`${kind.apiVersion}/${kind.plural}`);
      byKind.delete(`${kind.apiVersion}/${kind.kind}`);
      revision += 1;
    },
  };
}
