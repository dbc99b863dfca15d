// What came into and left a list since an older version of it. Serves whoever keeps what it made from a list of objects.
// Lists of snapshots are compared by the chunks they were made from, so that one change among 100,000 objects costs one chunk.
import { type Difference, originOf, sortedDifference } from './sorted-map.ts';

export type { Difference } from './sorted-map.ts';

/**
 * The same two lists are compared by every reader of their kind: once is enough. The older one is not held: it has an
 * entry, too, and so every list that ever was would live as long as the newest.
 */
const known = new WeakMap<readonly unknown[], { old: WeakRef<readonly unknown[]>; difference: Difference<unknown> | undefined }>();

/** By identity; an object that changed is one that left and one that came. Undefined when that is most of them. */
export function listDifference<T>(old: readonly T[], now: readonly T[]): Difference<T> | undefined {
  const before = known.get(now);
  if (before?.old.deref() === old) return before.difference as Difference<T> | undefined;
  const found = compare(old, now);
  const difference = found.added.length + found.removed.length > now.length / 4 ? undefined : found;
  known.set(now, { old: new WeakRef(old), difference });
  return difference;
}

function compare<T>(old: readonly T[], now: readonly T[]): Difference<T> {
  const [from, to] = [originOf(old), originOf(now)];
  return from && to ? sortedDifference(from, to) : compareItems(old, now);
}

/** One look at each entry, from both ends to the first and the last place where the lists differ. */
function compareItems<T>(old: readonly T[], now: readonly T[]): Difference<T> {
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start++;
  let end = 0;
  while (end < old.length - start && end < now.length - start && old[old.length - 1 - end] === now[now.length - 1 - end]) end++;
  const gone = new Set(old.slice(start, old.length - end));
  const added = now.slice(start, now.length - end).filter((item) => !gone.delete(item));
  return { removed: [...gone], added };
}
