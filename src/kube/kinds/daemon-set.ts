// DaemonSet: one pod on every node that fits.
import { type FieldError, invalid, notSupported } from '../meaning/field-error.ts';
import { scaledValue } from '../meaning/int-or-string.ts';
import type { DaemonSet } from '../objects/apps.ts';
import { ageColumn, nameColumn, printPairs, selectorColumn, templateColumns } from './columns.ts';
import type { Column, Kind } from './kind.ts';
import { validateCount, validateSelectorKept, validateShare, validateWorkload, withTemplateDefaults } from './workload/template.ts';

type Strategy = NonNullable<DaemonSet['spec']['updateStrategy']>;

function withStrategyDefaults(strategy: Strategy = {}): Strategy {
  const type = strategy.type || 'RollingUpdate';
  return type === 'RollingUpdate' ? { type, rollingUpdate: { maxSurge: 0, maxUnavailable: 1, ...strategy.rollingUpdate } } : { ...strategy, type };
}

function setDefaults(daemonSet: DaemonSet): DaemonSet {
  const { template, updateStrategy, revisionHistoryLimit } = daemonSet.spec ?? {};
  const spec: DaemonSet['spec'] = {
    ...daemonSet.spec,
    template: withTemplateDefaults(template),
    updateStrategy: withStrategyDefaults(updateStrategy),
    revisionHistoryLimit: revisionHistoryLimit ?? 10,
  };
  return { ...daemonSet, spec };
}

function validateStrategy({ type, rollingUpdate }: Strategy): FieldError[] {
  if (type === 'OnDelete') return [];
  if (type !== 'RollingUpdate') return [notSupported('spec.updateStrategy.type', type, ['OnDelete', 'RollingUpdate'])];
  const { maxSurge = 0, maxUnavailable = 0 } = rollingUpdate ?? {};
  const field = 'spec.updateStrategy.rollingUpdate';
  const errors = [...validateShare(maxUnavailable, `${field}.maxUnavailable`), ...validateShare(maxSurge, `${field}.maxSurge`)];
  const surges = scaledValue(maxSurge, 100, 'up') !== 0;
  const gives = scaledValue(maxUnavailable, 100, 'up') !== 0;
  if (surges && gives) errors.push(invalid(`${field}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero'));
  if (!surges && !gives) errors.push(invalid(`${field}.maxUnavailable`, maxUnavailable, 'cannot be 0 when maxSurge is 0'));
  return errors;
}

type Count = 'desiredNumberScheduled' | 'currentNumberScheduled' | 'numberReady' | 'updatedNumberScheduled' | 'numberAvailable';
const count = (name: string, key: Count): Column<DaemonSet> => ({ name, type: 'integer', cell: ({ status }) => status?.[key] ?? 0 });

export const daemonSetKind: Kind<DaemonSet> = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  plural: 'daemonsets',
  shortNames: ['ds'],
  categories: ['all'],
  namespaced: true,
  subresources: ['status'],
  countsGenerations: true,
  columns: [
    nameColumn,
    count('Desired', 'desiredNumberScheduled'),
    count('Current', 'currentNumberScheduled'),
    count('Ready', 'numberReady'),
    count('Up-to-date', 'updatedNumberScheduled'),
    count('Available', 'numberAvailable'),
    { name: 'Node Selector', type: 'string', cell: ({ spec }) => printPairs(spec.template?.spec?.nodeSelector) },
    ageColumn,
    ...templateColumns,
    selectorColumn,
  ],
  setDefaults,
  validate: (daemonSet, old) => [
    ...validateWorkload(daemonSet, 'daemonset', old),
    ...validateCount(daemonSet.spec.minReadySeconds, 'spec.minReadySeconds'),
    ...validateStrategy(daemonSet.spec.updateStrategy ?? {}),
    ...validateCount(daemonSet.spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'),
    ...validateSelectorKept(daemonSet, old),
  ],
};
