// Secret: its names and rules.
import type { Secret } from '../objects/core.ts';
import type { Kind } from './kind.ts';

export const secretKind: Kind<Secret> = {
  apiVersion: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  shortNames: [],
  namespaced: true,
  columns: [],
};
