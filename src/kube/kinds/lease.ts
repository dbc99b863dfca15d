// Lease: its names and rules.
import type { Lease } from '../objects/networking.ts';
import type { Kind } from './kind.ts';

export const leaseKind: Kind<Lease> = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  plural: 'leases',
  shortNames: [],
  namespaced: true,
  columns: [],
};
