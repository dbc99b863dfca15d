// Namespace: a room for names. Its content is removed by a controller before the namespace itself goes.
import { type FieldError, invalid } from '../meaning/field-error.ts';
import { checkDns1123Label } from '../meaning/rules/names.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import type { Namespace } from '../objects/core.ts';
import { ageColumn, nameColumn } from './columns.ts';
import type { Kind } from './kind.ts';

/** Carries the namespace's own name, so that policies can select it (NP-34). */
export const nameLabel = 'kubernetes.io/metadata.name';

function setDefaults(namespace: Namespace): Namespace {
  const { metadata, spec, status } = namespace;
  const labels = { ...metadata.labels, ...(metadata.name && { [nameLabel]: metadata.name }) };
  // A namespace being emptied loses this finalizer for good; only a new one gets it.
  const finalizers = spec?.finalizers ?? (metadata.deletionTimestamp ? [] : ['kubernetes']);
  return { ...namespace, metadata: { ...metadata, labels }, spec: { ...spec, finalizers }, status: { phase: 'Active', ...status } };
}

function validateFinalizers(namespace: Namespace): FieldError[] {
  return (namespace.spec?.finalizers ?? []).flatMap((name) =>
    name === 'kubernetes' || name.includes('/')
      ? []
      : [invalid('spec.finalizers', name, 'name is neither a standard finalizer name nor is it fully qualified')],
  );
}

export const namespaceKind: Kind<Namespace> = {
  apiVersion: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  shortNames: ['ns'],
  namespaced: false,
  subresources: ['status'],
  answersDeletedObject: true,
  columns: [nameColumn, { name: 'Status', type: 'string', cell: ({ status }) => status?.phase ?? '' }, ageColumn],
  fieldSelectors: { 'status.phase': ({ status }) => status?.phase ?? '' },
  setDefaults,
  /** Finalizers change through the finalize subresource only. */
  prepareUpdate: (namespace, old) => ({ ...namespace, spec: { ...namespace.spec, finalizers: old.spec?.finalizers } }),
  validate: (namespace, old) => [
    ...validateObjectMeta(namespace, { namespaced: false, name: checkDns1123Label }, old),
    ...validateFinalizers(namespace),
  ],
};
