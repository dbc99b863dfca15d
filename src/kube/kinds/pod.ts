// Pod: its names and rules.
import type { Pod } from '../objects/core.ts';
import type { Kind } from './kind.ts';

export const podKind: Kind<Pod> = {
  apiVersion: 'v1',
  kind: 'Pod',
  plural: 'pods',
  shortNames: ['po'],
  namespaced: true,
  columns: [],
};
