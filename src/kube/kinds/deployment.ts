// Deployment: replicas of a pod, replaced by new ones a few at a time.
import { scaledValue } from '../meaning/int-or-string.ts';
import { type FieldError, forbidden, invalid, notSupported } from '../meaning/field-error.ts';
import type { Deployment } from '../objects/apps.ts';
import { ageColumn, nameColumn, selectorColumn, templateColumns } from './columns.ts';
import type { Kind } from './kind.ts';
import { validateCount, validateSelectorKept, validateShare, validateStatusCounts, validateWorkload, withTemplateDefaults } from './workload/template.ts';

type Strategy = NonNullable<Deployment['spec']['strategy']>;

function withStrategyDefaults(strategy: Strategy = {}): Strategy {
  const type = strategy.type || 'RollingUpdate';
  if (type !== 'RollingUpdate') return { ...strategy, type };
  return { type, rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%', ...strategy.rollingUpdate } };
}

function setDefaults(deployment: Deployment): Deployment {
  const { spec } = deployment;
  const filled: Deployment['spec'] = {
    ...spec,
    replicas: spec?.replicas ?? 1,
    template: withTemplateDefaults(spec?.template),
    strategy: withStrategyDefaults(spec?.strategy),
    revisionHistoryLimit: spec?.revisionHistoryLimit ?? 10,
    progressDeadlineSeconds: spec?.progressDeadlineSeconds ?? 600,
  };
  return { ...deployment, spec: filled };
}

function validateStrategy({ type, rollingUpdate }: Strategy): FieldError[] {
  const field = 'spec.strategy';
  if (type === 'RollingUpdate') return validateRolling(rollingUpdate ?? {}, `${field}.rollingUpdate`);
  if (type !== 'Recreate') return [notSupported(`${field}.type`, type, ['Recreate', 'RollingUpdate'])];
  return rollingUpdate ? [forbidden(`${field}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")] : [];
}

function validateRolling({ maxSurge = 0, maxUnavailable = 0 }: NonNullable<Strategy['rollingUpdate']>, field: string): FieldError[] {
  const errors = [...validateShare(maxUnavailable, `${field}.maxUnavailable`), ...validateShare(maxSurge, `${field}.maxSurge`)];
  const gives = scaledValue(maxUnavailable, 100, 'down') ?? 0;
  if (gives === 0 && scaledValue(maxSurge, 100, 'up') === 0) {
    errors.push(invalid(`${field}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0'));
  }
  if (typeof maxUnavailable === 'string' && gives > 100) errors.push(invalid(`${field}.maxUnavailable`, maxUnavailable, 'must not be greater than 100%'));
  return errors;
}

function validateTimes({ spec }: Deployment): FieldError[] {
  const { minReadySeconds = 0, progressDeadlineSeconds } = spec;
  const errors = [
    ...validateCount(spec.replicas, 'spec.replicas'),
    ...validateCount(minReadySeconds, 'spec.minReadySeconds'),
    ...validateCount(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'),
    ...validateCount(progressDeadlineSeconds, 'spec.progressDeadlineSeconds'),
  ];
  if (progressDeadlineSeconds !== undefined && progressDeadlineSeconds <= minReadySeconds) {
    errors.push(invalid('spec.progressDeadlineSeconds', progressDeadlineSeconds, 'must be greater than minReadySeconds'));
  }
  return errors;
}

export const deploymentKind: Kind<Deployment> = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  plural: 'deployments',
  shortNames: ['deploy'],
  categories: ['all'],
  namespaced: true,
  subresources: ['status', 'scale'],
  countsGenerations: true,
  columns: [
    nameColumn,
    { name: 'Ready', type: 'string', cell: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 1}` },
    { name: 'Up-to-date', type: 'string', cell: ({ status }) => status?.updatedReplicas ?? 0 },
    { name: 'Available', type: 'string', cell: ({ status }) => status?.availableReplicas ?? 0 },
    ageColumn,
    ...templateColumns,
    selectorColumn,
  ],
  setDefaults,
  validate: (deployment, old) => [
    ...validateWorkload(deployment, 'deployment', old),
    ...validateStrategy(deployment.spec.strategy ?? {}),
    ...validateTimes(deployment),
    ...validateSelectorKept(deployment, old),
    ...validateStatusCounts(deployment, ['updatedReplicas', 'readyReplicas', 'availableReplicas']),
  ],
};
