// ServiceAccount: its names and rules.
import type { ServiceAccount } from '../objects/core.ts';
import type { Kind } from './kind.ts';

export const serviceAccountKind: Kind<ServiceAccount> = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  shortNames: ['sa'],
  namespaced: true,
  columns: [],
};
