// Node: its names and rules.
import type { Node } from '../objects/core.ts';
import type { Kind } from './kind.ts';

export const nodeKind: Kind<Node> = {
  apiVersion: 'v1',
  kind: 'Node',
  plural: 'nodes',
  shortNames: ['no'],
  namespaced: false,
  columns: [],
};
