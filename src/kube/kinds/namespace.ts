// Namespace: its names and rules.
import type { Namespace } from '../objects/core.ts';
import type { Kind } from './kind.ts';

export const namespaceKind: Kind<Namespace> = {
  apiVersion: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  shortNames: ['ns'],
  namespaced: false,
  columns: [],
};
