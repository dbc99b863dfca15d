// Groups of objects that stay the same arrays while their members do: what lets a reader remember per group.
// A new list costs what changed in it, not a grouping of everything; patchedKeys tells which groups that touched.
import { listDifference, type Difference } from './list-difference.ts';
import { sameItems } from './memo.ts';
import { adoptMap, patchMap } from './patched-map.ts';

export type Groups<T> = ReadonlyMap<string, readonly T[]>;

type KeysOf<T, A extends unknown[]> = (item: T, ...rest: A) => readonly string[] | string | undefined;

/** Within a group, items stand in the order of these; lists come in it, too. */
type OrderOf<T> = (item: T) => string;

/** Groups by any number of keys. Remembers the last answer only. */
export function keepGroups<T, A extends unknown[] = []>(orderOf: OrderOf<T>, keysOf: KeysOf<T, A>): (items: readonly T[], ...rest: A) => Groups<T> {
  let before: (Grouped<T> & { readonly rest: A }) | undefined;
  return (items, ...rest) => {
    const listed = (item: T) => asList(keysOf(item, ...rest));
    const isAlike = before !== undefined && sameItems(before.rest, rest);
    if (before && isAlike && before.items === items) return before.groups;
    const groups = isAlike ? regroup(before, items, { listed, orderOf }) : groupAll(items, listed, before?.groups);
    before = { items, rest, groups };
    return groups;
  };
}

export interface Grouped<T> {
  readonly items: readonly T[];
  readonly groups: Groups<T>;
}

/** From an earlier grouping by the same keys, as far as it is near enough. */
export function regroup<T>(before: Grouped<T> | undefined, items: readonly T[], reading: Reading<T>): Groups<T> {
  const change = before && listDifference(before.items, items);
  return before && change ? amend(before.groups, change, reading) : groupAll(items, reading.listed, before?.groups);
}

const asList = (keys: readonly string[] | string | undefined): readonly string[] => (typeof keys === 'string' ? [keys] : (keys ?? none));

export interface Reading<T> {
  readonly listed: (item: T) => readonly string[];
  readonly orderOf: OrderOf<T>;
}

/** Costs the groups that are touched. */
function amend<T>(before: Groups<T>, { removed, added }: Difference<T>, { listed, orderOf }: Reading<T>): Groups<T> {
  const leaving = groupAll(removed, listed, undefined);
  const coming = groupAll(added, listed, undefined);
  const changes = new Map<string, readonly T[] | undefined>();
  for (const key of new Set([...leaving.keys(), ...coming.keys()])) {
    const gone = new Set(leaving.get(key));
    const members = (before.get(key) ?? none).filter((item) => !gone.has(item));
    for (const item of coming.get(key) ?? none) insert(members, item, orderOf);
    changes.set(key, members.length > 0 ? members : undefined);
  }
  return changes.size === 0 ? before : patchMap(before, changes);
}

function insert<T>(members: T[], item: T, orderOf: OrderOf<T>): void {
  const place = orderOf(item);
  let [low, high] = [0, members.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (orderOf(members[middle]!) < place) low = middle + 1;
    else high = middle;
  }
  members.splice(low, 0, item);
}

function groupAll<T>(items: readonly T[], listed: (item: T) => readonly string[], before: Groups<T> | undefined): Groups<T> {
  const groups = new Map<string, readonly T[]>();
  for (const item of items) {
    for (const key of listed(item)) {
      const group = groups.get(key);
      if (group) (group as T[]).push(item);
      else groups.set(key, [item]);
    }
  }
  if (!before) return adoptMap(groups);
  for (const [key, group] of groups) {
    const old = before.get(key);
    if (old && sameItems(old, group)) groups.set(key, old);
  }
  return adoptMap(groups);
}

const none: readonly never[] = [];

/** Always the same empty array for an absent group. */
export const groupOf = <T>(groups: Groups<T>, key: string | undefined): readonly T[] => (key === undefined ? undefined : groups.get(key)) ?? none;
