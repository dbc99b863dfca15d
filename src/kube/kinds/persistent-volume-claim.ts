// PersistentVolumeClaim: a wish for storage. Kept and shown; it stays Pending, as nothing here provides any.
import { type FieldError, notSupported, required } from '../meaning/field-error.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import type { PersistentVolumeClaim } from '../objects/core.ts';
import { ageColumn, nameColumn } from './columns.ts';
import type { Kind } from './kind.ts';

export const unset = '<unset>';

const modes: Readonly<Record<string, string>> = { ReadWriteOnce: 'RWO', ReadOnlyMany: 'ROX', ReadWriteMany: 'RWX', ReadWriteOncePod: 'RWOP' };

export const accessModesOf = (list: readonly string[] | undefined): string => (list ?? []).map((mode) => modes[mode] ?? mode).join(',');

function validateSpec({ spec }: PersistentVolumeClaim): FieldError[] {
  const { accessModes = [], resources } = spec;
  return [
    ...(accessModes.length > 0 ? [] : [required('spec.accessModes', 'at least 1 access mode is required')]),
    ...accessModes.flatMap((mode) => (Object.hasOwn(modes, mode) ? [] : [notSupported('spec.accessModes', mode, Object.keys(modes).toSorted())])),
    ...(resources?.requests?.['storage'] === undefined ? [required('spec.resources[storage]')] : []),
  ];
}

export const persistentVolumeClaimKind: Kind<PersistentVolumeClaim> = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  shortNames: ['pvc'],
  namespaced: true,
  subresources: ['status'],
  answersDeletedObject: true,
  columns: [
    nameColumn,
    { name: 'Status', type: 'string', cell: ({ status }) => status?.phase ?? '' },
    { name: 'Volume', type: 'string', cell: ({ spec }) => spec.volumeName ?? '' },
    { name: 'Capacity', type: 'string', cell: ({ status }) => status?.capacity?.['storage'] ?? '' },
    { name: 'Access Modes', type: 'string', cell: ({ status }) => accessModesOf(status?.accessModes) },
    { name: 'StorageClass', type: 'string', cell: ({ spec }) => spec.storageClassName ?? '' },
    { name: 'VolumeAttributesClass', type: 'string', cell: ({ spec }) => spec.volumeAttributesClassName ?? unset },
    ageColumn,
    { name: 'VolumeMode', type: 'string', wide: true, cell: ({ spec }) => spec.volumeMode ?? unset },
  ],
  setDefaults: (claim) => ({ ...claim, spec: { ...claim.spec, volumeMode: claim.spec?.volumeMode ?? 'Filesystem' }, status: claim.status ?? { phase: 'Pending' } }),
  validate: (claim, old) => [...validateObjectMeta(claim, { namespaced: true }, old), ...validateSpec(claim)],
};
