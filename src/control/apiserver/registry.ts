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

/**
 * Views are listed after the kinds, then whatever `more` answers at this moment; a name that is taken is not given again.
 * `more` must answer the same list while nothing changed: it is asked at every look-up.
 */
export function createKindRegistry(kinds: readonly Kind[], views: readonly View[] = [], more: () => readonly View[] = () => []): KindRegistry {
  const own: View[] = [...kinds.map(ownView), ...views];
  let table = tableOf(own, []);
  let dynamic: readonly View[] = [];
  let revision = 1;
  const rebuild = () => {
    table = tableOf(own, dynamic);
    revision += 1;
  };
  const current = () => {
    const now = more();
    if (now !== dynamic) {
      dynamic = now;
      rebuild();
    }
    return table;
  };
  return {
    get revision() {
      current();
      return revision;
    },
    resources: () => [...current().byPath.values()],
    find: (apiVersion, plural) => current().byPath.get(`${apiVersion}/${plural}`),
    findKind: (apiVersion, kind) => current().byKind.get(`${apiVersion}/${kind}`),
    serves: (apiVersion) => current().versions.has(apiVersion),
    add(kind) {
      own.push(ownView(kind));
      rebuild();
    },
    remove(kind) {
      own.splice(0, own.length, ...own.filter((view) => view.kind !== kind));
      rebuild();
    },
  };
}

interface Table {
  byPath: ReadonlyMap<string, Resource>;
  byKind: ReadonlyMap<string, Resource>;
  versions: ReadonlySet<string>;
}

function tableOf(own: readonly View[], more: readonly View[]): Table {
  const byPath = new Map<string, Resource>();
  const byKind = new Map<string, Resource>();
  for (const view of [...own, ...more]) {
    const { apiVersion, plural, kind } = view.kind;
    const [path, name] = [`${apiVersion}/${plural}`, `${apiVersion}/${kind}`];
    if (byPath.has(path) || byKind.has(name)) continue;
    const resource = resourceOf(view);
    byPath.set(path, resource);
    byKind.set(name, resource);
  }
  return { byPath, byKind, versions: new Set(Array.from(byPath.values(), ({ kind }) => kind.apiVersion)) };
}
