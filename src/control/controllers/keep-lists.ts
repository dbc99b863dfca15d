// Groups of objects that stay the same arrays while their members do: what lets a controller remember per group.
// A new list costs what changed in it (and one look at each entry), not a grouping of everything.
import { patchMap } from '../../base/data/patched-map.ts';
import type { KubeObject } from '../../kube/objects/meta.ts';
import { objectKey } from '../../kube/store/store.ts';

export type Groups<T> = ReadonlyMap<string, readonly T[]>;

export const sameItems = (a: readonly unknown[], b: readonly unknown[]): boolean => a.length === b.length && a.every((item, i) => item === b[i]);

type KeysOf<T, A extends unknown[]> = (item: T, ...rest: A) => readonly string[] | string | undefined;

interface Grouped<T, A> {
  readonly items: readonly T[];
  readonly rest: A;
  readonly groups: Groups<T>;
}

/** Groups by any number of keys; within a group by name, as snapshots list. Remembers the last answer only. */
export function groupKeeping<T extends KubeObject, A extends unknown[] = []>(keysOf: KeysOf<T, A>): (items: readonly T[], ...rest: A) => Groups<T> {
  let before: Grouped<T, A> | undefined;
  return (items, ...rest) => {
    const listed = (item: T) => asList(keysOf(item, ...rest));
    const sameRest = before !== undefined && sameItems(before.rest, rest);
    if (before && sameRest && before.items === items) return before.groups;
    const change = before && sameRest ? difference(before.items, items) : undefined;
    const groups = before && change ? amend(before.groups, change, listed) : groupAll(items, listed, before?.groups);
    before = { items, rest, groups };
    return groups;
  };
}

const asList = (keys: readonly string[] | string | undefined): readonly string[] => (typeof keys === 'string' ? [keys] : (keys ?? []));

interface Difference<T> {
  readonly removed: readonly T[];
  readonly added: readonly T[];
}

/** The same two lists are compared by every grouping of their kind: once is enough. */
const differences = new WeakMap<readonly unknown[], { old: readonly unknown[]; difference: Difference<unknown> | undefined }>();

export function difference<T>(old: readonly T[], now: readonly T[]): Difference<T> | undefined {
  const known = differences.get(now);
  if (known?.old === old) return known.difference as Difference<T> | undefined;
  const found = compare(old, now);
  differences.set(now, { old, difference: found });
  return found;
}

/** By identity, between the first and the last place where the lists differ. Undefined when that is most of them. */
function compare<T>(old: readonly T[], now: readonly T[]): Difference<T> | undefined {
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start++;
  let end = 0;
  while (end < old.length - start && end < now.length - start && old[old.length - 1 - end] === now[now.length - 1 - end]) end++;
  const gone = new Set(old.slice(start, old.length - end));
  const added = now.slice(start, now.length - end).filter((item) => !gone.delete(item));
  return added.length + gone.size > now.length / 4 ? undefined : { removed: [...gone], added };
}

/** Costs the groups that are touched; who kept the old answer learns which these are by patchedKeys. */
function amend<T extends KubeObject>(before: Groups<T>, { removed, added }: Difference<T>, keysOf: (item: T) => readonly string[]): Groups<T> {
  const leaving = groupAll(removed, keysOf, undefined);
  const coming = groupAll(added, keysOf, undefined);
  const changes = new Map<string, readonly T[] | undefined>();
  for (const key of new Set([...leaving.keys(), ...coming.keys()])) {
    const gone = new Set(leaving.get(key));
    const members = (before.get(key) ?? []).filter((item) => !gone.has(item));
    for (const item of coming.get(key) ?? []) insert(members, item);
    changes.set(key, members.length > 0 ? members : undefined);
  }
  return changes.size === 0 ? before : patchMap(before, changes);
}

function insert<T extends KubeObject>(members: T[], item: T): void {
  let [low, high] = [0, members.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (byKey(members[middle]!, item) < 0) low = middle + 1;
    else high = middle;
  }
  members.splice(low, 0, item);
}

function byKey(a: KubeObject, b: KubeObject): number {
  const [x, y] = [objectKey(a), objectKey(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

function groupAll<T>(items: readonly T[], keysOf: (item: T) => readonly string[], before: Groups<T> | undefined): Groups<T> {
  const groups = new Map<string, readonly T[]>();
  for (const item of items) {
    for (const key of keysOf(item)) {
      const group = groups.get(key);
      if (group) (group as T[]).push(item);
      else groups.set(key, [item]);
    }
  }
  for (const [key, group] of groups) {
    const old = before?.get(key);
    if (old && sameItems(old, group)) groups.set(key, old);
  }
  return groups;
}

const none: readonly never[] = [];

/** Always the same empty array for an absent group. */
export const groupOf = <T>(groups: Groups<T>, key: string | undefined): readonly T[] => (key === undefined ? undefined : groups.get(key)) ?? none;
