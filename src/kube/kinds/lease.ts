// Lease: who leads, and until when. Also the heartbeat of nodes.
import { type FieldError, invalid } from '../meaning/field-error.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import type { Lease } from '../objects/networking.ts';
import { ageColumn, nameColumn } from './columns.ts';
import type { Kind } from './kind.ts';

function validateSpec({ spec = {} }: Lease): FieldError[] {
  const errors: FieldError[] = [];
  const { leaseDurationSeconds, leaseTransitions } = spec;
  if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0) {
    errors.push(invalid('spec.leaseDurationSeconds', leaseDurationSeconds, 'must be greater than 0'));
  }
  if (leaseTransitions !== undefined && leaseTransitions < 0) {
    errors.push(invalid('spec.leaseTransitions', leaseTransitions, 'must be greater than or equal to 0'));
  }
  return errors;
}

export const leaseKind: Kind<Lease> = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  plural: 'leases',
  shortNames: [],
  namespaced: true,
  createsOnUpdate: true,
  needsVersionToUpdate: true,
  columns: [nameColumn, { name: 'Holder', type: 'string', cell: ({ spec }) => spec?.holderIdentity ?? '' }, ageColumn],
  validate: (lease, old) => [...validateObjectMeta(lease, { namespaced: true }, old), ...validateSpec(lease)],
};
