// Discovery as it was before it was aggregated: one document a group, one a version. Old clients and some callers
// (kubectl auth can-i, drain) still ask for it.
import type { ServedGroup, ServedVersion } from './served.ts';
import { groupOf } from '../../../kube/meaning/api-error.ts';
import { versionOf } from '../registry.ts';

export const apiVersions = (serverAddress: string) => ({
  kind: 'APIVersions',
  versions: ['v1'],
  serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
});

const groupEntry = ({ group, versions }: ServedGroup) => {
  const entries = versions.map(({ apiVersion, version }) => ({ groupVersion: apiVersion, version }));
  return { name: group, versions: entries, preferredVersion: entries[0] };
};

export const apiGroupList = (groups: readonly ServedGroup[]) => ({
  kind: 'APIGroupList',
  apiVersion: 'v1',
  groups: groups.filter(({ group }) => group !== '').map(groupEntry),
});

export const apiGroup = (group: ServedGroup) => ({ kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(group) });

export function apiResourceList({ apiVersion, resources }: ServedVersion) {
  const list = resources.flatMap(({ plural, kind, namespaced, verbs, shortNames, categories, subresources, singular }) => [
    {
      name: plural,
      singularName: singular,
      namespaced,
      kind,
      verbs,
      ...(shortNames.length > 0 && { shortNames }),
      ...(categories.length > 0 && { categories }),
    },
    ...subresources.map((entry) => ({
      name: `${plural}/${entry.name}`,
      singularName: '',
      namespaced,
      ...(entry.apiVersion !== apiVersion && { group: groupOf(entry.apiVersion), version: versionOf(entry.apiVersion) }),
      kind: entry.kind,
      verbs: entry.verbs,
    })),
  ]);
  return { kind: 'APIResourceList', ...(groupOf(apiVersion) && { apiVersion: 'v1' }), groupVersion: apiVersion, resources: list };
}
