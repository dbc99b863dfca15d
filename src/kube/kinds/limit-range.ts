// LimitRange: what a container gets when it says nothing. Kept and shown, not enforced.
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import type { LimitRange } from '../objects/core.ts';
import { createdAtColumn, nameColumn } from './columns.ts';
import type { Kind } from './kind.ts';

export const limitRangeKind: Kind<LimitRange> = {
  apiVersion: 'v1',
  kind: 'LimitRange',
  plural: 'limitranges',
  shortNames: ['limits'],
  namespaced: true,
  createsOnUpdate: true,
  columns: [nameColumn, createdAtColumn],
  validate: (range, old) => validateObjectMeta(range, { namespaced: true }, old),
};
