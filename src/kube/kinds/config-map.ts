// ConfigMap: its names and rules.
import type { ConfigMap } from '../objects/core.ts';
import type { Kind } from './kind.ts';

export const configMapKind: Kind<ConfigMap> = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  shortNames: ['cm'],
  namespaced: true,
  columns: [],
};
