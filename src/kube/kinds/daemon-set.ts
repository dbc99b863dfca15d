// DaemonSet: its names and rules.
import type { DaemonSet } from '../objects/apps.ts';
import type { Kind } from './kind.ts';

export const daemonSetKind: Kind<DaemonSet> = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  plural: 'daemonsets',
  shortNames: ['ds'],
  namespaced: true,
  columns: [],
};
