// StatefulSet: its names and rules.
import type { StatefulSet } from '../objects/apps.ts';
import type { Kind } from './kind.ts';

export const statefulSetKind: Kind<StatefulSet> = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  plural: 'statefulsets',
  shortNames: ['sts'],
  namespaced: true,
  columns: [],
};
