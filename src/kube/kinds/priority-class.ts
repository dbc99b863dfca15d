// PriorityClass: which pods go first. Value and preemption never change.
import { type FieldError, forbidden, invalid } from '../meaning/field-error.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import type { PriorityClass } from '../objects/batch.ts';
import { ageColumn, nameColumn } from './columns.ts';
import type { Kind } from './kind.ts';

const highestForUsers = 1_000_000_000;

function validateValue({ value, metadata, preemptionPolicy }: PriorityClass, old?: PriorityClass): FieldError[] {
  const errors: FieldError[] = [];
  if (!metadata.name.startsWith('system-') && value > highestForUsers) {
    errors.push(forbidden('value', `maximum allowed value of a user defined priority is ${highestForUsers}`));
  }
  if (old && old.value !== value) errors.push(forbidden('value', 'may not be changed in an update.'));
  if (old && old.preemptionPolicy !== preemptionPolicy) errors.push(invalid('preemptionPolicy', preemptionPolicy, 'field is immutable'));
  return errors;
}

export const priorityClassKind: Kind<PriorityClass> = {
  apiVersion: 'scheduling.k8s.io/v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  shortNames: ['pc'],
  namespaced: false,
  columns: [
    nameColumn,
    { name: 'Value', type: 'integer', cell: ({ value }) => value },
    { name: 'Global-Default', type: 'boolean', cell: ({ globalDefault }) => globalDefault ?? false },
    ageColumn,
    { name: 'PreemptionPolicy', type: 'string', cell: ({ preemptionPolicy }) => preemptionPolicy ?? '' },
  ],
  setDefaults: (priority) => ({ ...priority, value: priority.value ?? 0, preemptionPolicy: priority.preemptionPolicy ?? 'PreemptLowerPriority' }),
  validate: (priority, old) => [...validateObjectMeta(priority, { namespaced: false }, old), ...validateValue(priority, old)],
};
