// Endpoints: its names and rules.
import type { Endpoints } from '../objects/core.ts';
import type { Kind } from './kind.ts';

export const endpointsKind: Kind<Endpoints> = {
  apiVersion: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  shortNames: ['ep'],
  namespaced: true,
  columns: [],
};
