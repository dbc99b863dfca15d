// ReplicaSet: a number of like pods. Usually a Deployment makes and scales it.
import type { ReplicaSet } from '../objects/apps.ts';
import { ageColumn, nameColumn, selectorColumn, templateColumns } from './columns.ts';
import type { Kind } from './kind.ts';
import { validateCount, validateSelectorKept, validateStatusCounts, validateWorkload, withTemplateDefaults } from './workload/template.ts';

function setDefaults(replicaSet: ReplicaSet): ReplicaSet {
  const { template, replicas } = replicaSet.spec ?? {};
  return { ...replicaSet, spec: { ...replicaSet.spec, replicas: replicas ?? 1, ...(template && { template: withTemplateDefaults(template) }) } };
}

export const replicaSetKind: Kind<ReplicaSet> = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  shortNames: ['rs'],
  categories: ['all'],
  namespaced: true,
  subresources: ['status', 'scale'],
  countsGenerations: true,
  columns: [
    nameColumn,
    { name: 'Desired', type: 'integer', cell: ({ spec }) => spec.replicas ?? 1 },
    { name: 'Current', type: 'integer', cell: ({ status }) => status?.replicas ?? 0 },
    { name: 'Ready', type: 'integer', cell: ({ status }) => status?.readyReplicas ?? 0 },
    ageColumn,
    ...templateColumns,
    selectorColumn,
  ],
  fieldSelectors: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
  setDefaults,
  validate: (replicaSet, old) => [
    ...validateWorkload(replicaSet, 'deployment', old),
    ...validateCount(replicaSet.spec.replicas, 'spec.replicas'),
    ...validateCount(replicaSet.spec.minReadySeconds, 'spec.minReadySeconds'),
    ...validateSelectorKept(replicaSet, old),
    ...validateStatusCounts(replicaSet, ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas']),
  ],
};
