// Groups of API objects that stay the same arrays while their members do: what lets a controller remember per group.
import { type Groups, keepGroups } from '../../base/data/keep-groups.ts';
import type { KubeObject } from '../../kube/objects/meta.ts';
import { objectKey } from '../../kube/store/store.ts';

export { groupOf, type Groups } from '../../base/data/keep-groups.ts';
export { sameItems } from '../../base/data/memo.ts';

/** Groups by any number of keys; within a group by name, as snapshots list. Remembers the last answer only. */
export const groupKeeping = <T extends KubeObject, A extends unknown[] = []>(
  keysOf: (item: T, ...rest: A) => readonly string[] | string | undefined,
): ((items: readonly T[], ...rest: A) => Groups<T>) => keepGroups<T, A>(objectKey, keysOf);
