// What discovery tells: every resource, its verbs and its subresources, from the registry, the table of subresources
// and the table of reviews. Both forms of discovery and OpenAPI print from this.
import { groupOf } from '../../../kube/meaning/api-error.ts';
import type { KindRegistry } from '../registry.ts';
import { versionOf } from '../registry.ts';
import { reviews } from '../reviews.ts';
import { subresourcesOf } from '../subresources.ts';

export interface ServedSubresource {
  name: string;
  apiVersion: string;
  kind: string;
  verbs: readonly string[];
}

export interface ServedResource {
  plural: string;
  kind: string;
  namespaced: boolean;
  verbs: readonly string[];
  shortNames: readonly string[];
  categories: readonly string[];
  subresources: readonly ServedSubresource[];
  singular: string;
  /** The schema of a custom kind; the others are in the table of types. */
  openApi?(): Readonly<Record<string, unknown>>;
}

export interface ServedVersion {
  apiVersion: string;
  version: string;
  resources: ServedResource[];
}

export interface ServedGroup {
  group: string;
  versions: ServedVersion[];
}

const allVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** Groups in the order of the registry (core first), each version once. */
export function servedGroups(registry: KindRegistry): ServedGroup[] {
  const byVersion = new Map<string, ServedResource[]>();
  for (const resource of registry.resources()) {
    const { apiVersion, kind, plural, namespaced, shortNames, categories = [], singular = kind.toLowerCase(), ownFields } = resource.kind;
    const isNamespace = kind === 'Namespace' && apiVersion === 'v1';
    const verbs = isNamespace ? allVerbs.filter((verb) => verb !== 'deletecollection') : allVerbs;
    const subresources = subresourcesOf(resource).map((entry) => ({
      name: entry.name,
      apiVersion: entry.apiVersion ?? apiVersion,
      kind: entry.kind ?? kind,
      verbs: entry.verbs,
    }));
    enlist(byVersion, apiVersion, { plural, kind, namespaced, verbs, shortNames, categories, subresources, singular, ...(ownFields && { openApi: ownFields.openApi }) });
  }
  for (const { apiVersion, kind, plural, namespaced } of reviews) {
    const nothing = { shortNames: [], categories: [], subresources: [], singular: kind.toLowerCase() };
    enlist(byVersion, apiVersion, { plural, kind, namespaced, verbs: ['create'], ...nothing });
  }
  const versions = [...byVersion].map(([apiVersion, resources]) => ({ apiVersion, version: versionOf(apiVersion), resources }));
  const groups = Map.groupBy(versions, ({ apiVersion }) => groupOf(apiVersion));
  return [...groups].map(([group, list]) => ({ group, versions: list }));
}

function enlist(byVersion: Map<string, ServedResource[]>, apiVersion: string, resource: ServedResource): void {
  const list = byVersion.get(apiVersion);
  if (list) list.push(resource);
  else byVersion.set(apiVersion, [resource]);
}
