// The kinds that the definitions of a snapshot make: a function of the snapshot alone, so that every store and every
// server that shares it serves the same. Remembered for as long as no definition changes.
import type { Kind } from '../kinds/kind.ts';
import { isConditionTrue } from '../meaning/conditions.ts';
import type { CustomResourceDefinition } from '../objects/api-extensions.ts';
import type { KubeObject } from '../objects/meta.ts';
import type { Snapshot } from '../store/store.ts';
import { createCustomVersions, type CustomVersion } from './custom-kind.ts';

export interface CustomKinds {
  /** In the order of the definitions' names, the preferred version of each first. */
  readonly versions: readonly CustomVersion[];
  /** Of each definition the one its objects are kept as. */
  readonly stored: readonly Kind[];
  find(apiVersion: string, kind: string): Kind | undefined;
}

/** Only the name: the kind itself validates by what stands in this room. */
export const definitionKind = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  shortNames: [],
  namespaced: false,
  columns: [],
} as const satisfies Kind<CustomResourceDefinition>;

const remembered = new WeakMap<readonly KubeObject[], CustomKinds>();
const made = new WeakMap<CustomResourceDefinition, readonly CustomVersion[]>();

export function customKinds(seen: Snapshot): CustomKinds {
  const definitions = seen.list<CustomResourceDefinition>(definitionKind);
  const known = remembered.get(definitions);
  if (known) return known;
  const versions = definitions.flatMap(versionsOf);
  const byName = new Map(versions.map(({ kind }) => [`${kind.apiVersion}/${kind.kind}`, kind]));
  const stored = [...new Set(versions.map((version) => version.stored))];
  const kinds: CustomKinds = { versions, stored, find: (apiVersion, kind) => byName.get(`${apiVersion}/${kind}`) };
  remembered.set(definitions, kinds);
  return kinds;
}

/** Nothing is served of a definition before its names are accepted. */
function versionsOf(definition: CustomResourceDefinition): readonly CustomVersion[] {
  if (!isConditionTrue(definition.status?.conditions ?? undefined, 'Established')) return [];
  const known = made.get(definition);
  if (known) return known;
  const versions = createCustomVersions(definition);
  made.set(definition, versions);
  return versions;
}
