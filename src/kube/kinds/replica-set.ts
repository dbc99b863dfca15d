// ReplicaSet: its names and rules.
import type { ReplicaSet } from '../objects/apps.ts';
import type { Kind } from './kind.ts';

export const replicaSetKind: Kind<ReplicaSet> = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  shortNames: ['rs'],
  namespaced: true,
  columns: [],
};
