// Service: its names and rules.
import type { Service } from '../objects/core.ts';
import type { Kind } from './kind.ts';

export const serviceKind: Kind<Service> = {
  apiVersion: 'v1',
  kind: 'Service',
  plural: 'services',
  shortNames: ['svc'],
  namespaced: true,
  columns: [],
};
