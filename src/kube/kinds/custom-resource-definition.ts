// CustomResourceDefinition: a kind that a user defines. What the definition makes of objects stands in kube/custom.
import type { CustomResourceDefinition } from '../objects/api-extensions.ts';
import { createdAtColumn, nameColumn } from './columns.ts';
import type { Kind } from './kind.ts';
import { validateDefinition } from './custom-resource-definition/validate.ts';

/** Holds a definition until its objects are gone. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

const storageVersion = ({ spec }: CustomResourceDefinition): string | undefined => spec.versions?.find(({ storage }) => storage)?.name;

function setDefaults(definition: CustomResourceDefinition): CustomResourceDefinition {
  const { spec } = definition;
  if (!spec?.names) return definition;
  const { names } = spec;
  const { kind = '' } = names;
  const complete = {
    ...spec,
    names: { ...names, singular: names.singular || kind.toLowerCase(), listKind: names.listKind || `${kind}List` },
    conversion: spec.conversion ?? { strategy: 'None' },
  };
  return { ...definition, spec: complete, status: withStoredVersion(definition) };
}

/** Every version that ever was the stored one is remembered: objects of it may still lie in the store. */
function withStoredVersion(definition: CustomResourceDefinition): CustomResourceDefinition['status'] {
  const status = definition.status ?? { conditions: null, acceptedNames: { plural: '', kind: '' }, storedVersions: [] };
  const { storedVersions = [] } = status;
  const version = storageVersion(definition);
  if (!version || storedVersions.includes(version)) return definition.status ?? status;
  return { ...status, storedVersions: [...storedVersions, version] };
}

export const customResourceDefinitionKind: Kind<CustomResourceDefinition> = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  namespaced: false,
  subresources: ['status'],
  countsGenerations: true,
  finalizerOnDelete: cleanupFinalizer,
  columns: [nameColumn, createdAtColumn],
  setDefaults,
  validate: validateDefinition,
};
