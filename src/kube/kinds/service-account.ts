// ServiceAccount: who a pod is to the API.
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import type { ServiceAccount } from '../objects/core.ts';
import { ageColumn, nameColumn } from './columns.ts';
import type { Kind } from './kind.ts';

export const serviceAccountKind: Kind<ServiceAccount> = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  shortNames: ['sa'],
  namespaced: true,
  answersDeletedObject: true,
  columns: [nameColumn, { name: 'Secrets', type: 'string', cell: ({ secrets }) => secrets?.length ?? 0 }, ageColumn],
  validate: (account, old) => validateObjectMeta(account, { namespaced: true }, old),
};
