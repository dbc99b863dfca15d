// Groups of objects that stay the same arrays while their members do: what lets a controller remember per group.
import { memoLast } from '../../base/data/memo.ts';

export type Groups<T> = ReadonlyMap<string, readonly T[]>;

export const sameItems = (a: readonly unknown[], b: readonly unknown[]): boolean => a.length === b.length && a.every((item, i) => item === b[i]);

/** Groups by any number of keys; remembers the last answer and keeps the arrays of unchanged groups. */
export function groupKeeping<T, A extends unknown[]>(keysOf: (item: T, ...rest: A) => readonly string[] | string | undefined): (items: readonly T[], ...rest: A) => Groups<T> {
  let before: Groups<T> = new Map();
  return memoLast((items: readonly T[], ...rest: A) => {
    const groups = new Map<string, readonly T[]>();
    const add = (key: string, item: T) => {
      const group = groups.get(key);
      if (group) (group as T[]).push(item);
      else groups.set(key, [item]);
    };
    for (const item of items) {
      const keys = keysOf(item, ...rest);
      if (typeof keys === 'string') add(keys, item);
      else for (const key of keys ?? []) add(key, item);
    }
    for (const [key, group] of groups) {
      const old = before.get(key);
      if (old && sameItems(old, group)) groups.set(key, old);
    }
    before = groups;
    return groups;
  });
}

const none: readonly never[] = [];

/** Always the same empty array for an absent group. */
export const groupOf = <T>(groups: Groups<T>, key: string | undefined): readonly T[] => (key === undefined ? undefined : groups.get(key)) ?? none;
