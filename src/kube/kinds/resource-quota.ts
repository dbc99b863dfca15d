// ResourceQuota: how much a namespace may use. Kept and shown, not enforced.
import { type FieldError, invalid } from '../meaning/field-error.ts';
import { parseQuantity, quantityComplaint } from '../meaning/quantity.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import type { ResourceQuota } from '../objects/core.ts';
import { ageColumn, nameColumn } from './columns.ts';
import type { Kind } from './kind.ts';

const validateHard = ({ spec }: ResourceQuota): FieldError[] =>
  Object.entries(spec?.hard ?? {}).flatMap(([name, value]) => {
    const amount = parseQuantity(value);
    if (amount === undefined) return [invalid(`spec.hard[${name}]`, value, quantityComplaint)];
    return amount < 0 ? [invalid(`spec.hard[${name}]`, value, 'must be greater than or equal to 0')] : [];
  });

/** `cpu: 1/4`, those that limit apart from those that count requests. */
const shares = (limits: boolean) => ({ spec, status }: ResourceQuota): string =>
  Object.entries(status?.hard ?? spec?.hard ?? {})
    .filter(([name]) => name.startsWith('limits') === limits)
    .map(([name, hard]) => `${name}: ${status?.used?.[name] ?? 0}/${hard}`)
    .toSorted()
    .join(', ');

export const resourceQuotaKind: Kind<ResourceQuota> = {
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  plural: 'resourcequotas',
  shortNames: ['quota'],
  namespaced: true,
  subresources: ['status'],
  answersDeletedObject: true,
  columns: [nameColumn, ageColumn, { name: 'Request', type: 'string', cell: shares(false) }, { name: 'Limit', type: 'string', cell: shares(true) }],
  validate: (quota, old) => [...validateObjectMeta(quota, { namespaced: true }, old), ...validateHard(quota)],
};
