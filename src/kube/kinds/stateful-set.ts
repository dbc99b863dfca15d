// StatefulSet: numbered pods with names that last.
import { deepEqual } from '../../base/data/memo.ts';
import { type FieldError, forbidden, invalid, notSupported } from '../meaning/field-error.ts';
import type { StatefulSet } from '../objects/apps.ts';
import { ageColumn, nameColumn, templateColumns } from './columns.ts';
import type { Kind } from './kind.ts';
import { validateCount, validateStatusCounts, validateWorkload, withTemplateDefaults } from './workload/template.ts';

type Spec = StatefulSet['spec'];
type Strategy = NonNullable<Spec['updateStrategy']>;

function withStrategyDefaults(strategy: Strategy = {}): Strategy {
  const type = strategy.type || 'RollingUpdate';
  return type === 'RollingUpdate' ? { type, rollingUpdate: { partition: 0, ...strategy.rollingUpdate } } : { ...strategy, type };
}

function setDefaults(statefulSet: StatefulSet): StatefulSet {
  const { spec } = statefulSet;
  const filled: Spec = {
    ...spec,
    replicas: spec?.replicas ?? 1,
    template: withTemplateDefaults(spec?.template),
    podManagementPolicy: spec?.podManagementPolicy || 'OrderedReady',
    updateStrategy: withStrategyDefaults(spec?.updateStrategy),
    revisionHistoryLimit: spec?.revisionHistoryLimit ?? 10,
    persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain', ...spec?.persistentVolumeClaimRetentionPolicy },
  };
  return { ...statefulSet, spec: filled };
}

const mutable = ['replicas', 'ordinals', 'template', 'updateStrategy', 'persistentVolumeClaimRetentionPolicy', 'minReadySeconds', 'revisionHistoryLimit'] as const;

const frozen =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

function rest(spec: Spec): Partial<Spec> {
  const copy: Partial<Spec> = { ...spec };
  for (const field of mutable) delete copy[field];
  return copy;
}

function validateStrategy({ type, rollingUpdate }: Strategy): FieldError[] {
  const field = 'spec.updateStrategy';
  if (type === 'RollingUpdate') return validateCount(rollingUpdate?.partition, `${field}.rollingUpdate.partition`);
  if (type !== 'OnDelete') return [invalid(`${field}`, type, "must be 'RollingUpdate' or 'OnDelete'")];
  return rollingUpdate ? [invalid(`${field}.rollingUpdate`, rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'")] : [];
}

function validateSpec({ spec }: StatefulSet): FieldError[] {
  const policies = ['OrderedReady', 'Parallel'];
  const policy = spec.podManagementPolicy ?? '';
  return [
    ...(policies.includes(policy) ? [] : [notSupported('spec.podManagementPolicy', policy, policies)]),
    ...validateStrategy(spec.updateStrategy ?? {}),
    ...validateCount(spec.replicas, 'spec.replicas'),
    ...validateCount(spec.minReadySeconds, 'spec.minReadySeconds'),
    ...validateCount(spec.ordinals?.start, 'spec.ordinals.start'),
  ];
}

export const statefulSetKind: Kind<StatefulSet> = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  plural: 'statefulsets',
  shortNames: ['sts'],
  categories: ['all'],
  namespaced: true,
  subresources: ['status', 'scale'],
  countsGenerations: true,
  columns: [
    nameColumn,
    { name: 'Ready', type: 'string', cell: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 1}` },
    ageColumn,
    ...templateColumns,
  ],
  setDefaults,
  validate: (statefulSet, old) => [
    ...validateWorkload(statefulSet, 'statefulset', old),
    ...validateSpec(statefulSet),
    ...(old && !deepEqual(rest(statefulSet.spec), rest(old.spec)) ? [forbidden('spec', frozen)] : []),
    ...validateStatusCounts(statefulSet, ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas']),
  ],
};
