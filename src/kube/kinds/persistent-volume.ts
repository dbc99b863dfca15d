// PersistentVolume: a piece of storage. Kept and shown; nothing here binds one to a claim.
import { required } from '../meaning/field-error.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import type { PersistentVolume } from '../objects/core.ts';
import { ageColumn, nameColumn } from './columns.ts';
import type { Kind } from './kind.ts';
import { accessModesOf, unset } from './persistent-volume-claim.ts';

export const persistentVolumeKind: Kind<PersistentVolume> = {
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  shortNames: ['pv'],
  namespaced: false,
  subresources: ['status'],
  answersDeletedObject: true,
  columns: [
    nameColumn,
    { name: 'Capacity', type: 'string', cell: ({ spec }) => spec.capacity?.['storage'] ?? '' },
    { name: 'Access Modes', type: 'string', cell: ({ spec }) => accessModesOf(spec.accessModes) },
    { name: 'Reclaim Policy', type: 'string', cell: ({ spec }) => spec.persistentVolumeReclaimPolicy ?? '' },
    { name: 'Status', type: 'string', cell: ({ status }) => status?.phase ?? '' },
    { name: 'Claim', type: 'string', cell: ({ spec: { claimRef } }) => (claimRef ? `${claimRef.namespace}/${claimRef.name}` : '') },
    { name: 'StorageClass', type: 'string', cell: ({ spec }) => spec.storageClassName ?? '' },
    { name: 'VolumeAttributesClass', type: 'string', cell: ({ spec }) => spec.volumeAttributesClassName ?? unset },
    { name: 'Reason', type: 'string', cell: ({ status }) => status?.reason ?? '' },
    ageColumn,
    { name: 'VolumeMode', type: 'string', wide: true, cell: ({ spec }) => spec.volumeMode ?? unset },
  ],
  setDefaults: (volume) => ({ ...volume, spec: { ...volume.spec, persistentVolumeReclaimPolicy: volume.spec?.persistentVolumeReclaimPolicy ?? 'Retain', volumeMode: volume.spec?.volumeMode ?? 'Filesystem' }, status: volume.status ?? { phase: 'Pending' } }),
  validate: (volume, old) => [
    ...validateObjectMeta(volume, { namespaced: false }, old),
    ...(volume.spec.accessModes?.length ? [] : [required('spec.accessModes')]),
    ...(volume.spec.capacity ? [] : [required('spec.capacity')]),
  ],
};
