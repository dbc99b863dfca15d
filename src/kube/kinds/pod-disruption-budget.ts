// PodDisruptionBudget: how many of some pods must stay while others are evicted.
import { deepEqual } from '../../base/data/memo.ts';
import { type FieldError, invalid } from '../meaning/field-error.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import { validateSelector } from '../meaning/rules/validate-selector.ts';
import type { PodDisruptionBudget } from '../objects/batch.ts';
import { ageColumn, nameColumn } from './columns.ts';
import type { Kind } from './kind.ts';
import { validateShare } from './workload/template.ts';

function validateSpec({ spec = {} }: PodDisruptionBudget): FieldError[] {
  const { minAvailable, maxUnavailable, selector } = spec;
  const both = minAvailable !== undefined && maxUnavailable !== undefined;
  return [
    ...(both ? [invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set')] : []),
    ...validateShare(minAvailable, 'spec.minAvailable'),
    ...validateShare(maxUnavailable, 'spec.maxUnavailable'),
    ...validateSelector(selector, 'spec.selector'),
  ];
}

export const podDisruptionBudgetKind: Kind<PodDisruptionBudget> = {
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  shortNames: ['pdb'],
  namespaced: true,
  subresources: ['status'],
  countsGenerations: true,
  needsVersionToUpdate: true,
  columns: [
    nameColumn,
    { name: 'Min Available', type: 'string', cell: ({ spec }) => String(spec?.minAvailable ?? 'N/A') },
    { name: 'Max Unavailable', type: 'string', cell: ({ spec }) => String(spec?.maxUnavailable ?? 'N/A') },
    { name: 'Allowed Disruptions', type: 'integer', cell: ({ status }) => status?.disruptionsAllowed ?? 0 },
    ageColumn,
  ],
  validate: (budget, old) => [
    ...validateObjectMeta(budget, { namespaced: true }, old),
    ...(old && deepEqual(budget.spec, old.spec) ? [] : validateSpec(budget)),
  ],
};
