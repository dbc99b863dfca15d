// Aggregated discovery: one document for all groups (apidiscovery.k8s.io v2; v2beta1 has the same shape).
import type { ServedGroup, ServedResource, ServedSubresource } from './served.ts';
import { groupOf } from '../../../kube/meaning/api-error.ts';
import { versionOf } from '../registry.ts';

/** Empty group and version mean: those of the document the resource stands in. */
const responseKind = (apiVersion: string, kind: string, parent: string) =>
  apiVersion === parent ? { group: '', version: '', kind } : { group: groupOf(apiVersion), version: versionOf(apiVersion), kind };

const subresource = ({ name, apiVersion, kind, verbs }: ServedSubresource, parent: string) => ({
  subresource: name,
  responseKind: responseKind(apiVersion, kind, parent),
  verbs,
});

const resource = (served: ServedResource, parent: string) => ({
  resource: served.plural,
  responseKind: responseKind(parent, served.kind, parent),
  scope: served.namespaced ? 'Namespaced' : 'Cluster',
  singularResource: served.singular,
  verbs: served.verbs,
  ...(served.shortNames.length > 0 && { shortNames: served.shortNames }),
  ...(served.categories.length > 0 && { categories: served.categories }),
  ...(served.subresources.length > 0 && { subresources: served.subresources.map((entry) => subresource(entry, parent)) }),
});

export function aggregatedDiscovery(groups: readonly ServedGroup[], version: 'v2' | 'v2beta1'): object {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map(({ group, versions }) => ({
      metadata: group ? { name: group } : {},
      versions: versions.map(({ apiVersion, version: name, resources }) => ({
        version: name,
        resources: resources.map((served) => resource(served, apiVersion)),
        freshness: 'Current',
      })),
    })),
  };
}
