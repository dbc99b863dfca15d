// The order of a merged list: what the patch says about it, and where the rest goes.
import { isObject, printGoValue } from '../../../base/data/json-value.ts';
import { badRequest } from '../api-error.ts';

interface Order {
  /** Items (or, with a merge key, maps with only that key) in the order the client wants. */
  wanted: readonly unknown[];
  /** The list as it was; decides between an item of the patch and one the patch does not name. */
  before: readonly unknown[];
  mergeKey?: string;
}

/** Wanted items in their order; the others where they were before, new wanted ones in front of them. */
export function orderItems(items: readonly unknown[], order: Order): unknown[] {
  const name = namer(order.mergeKey);
  const wantedAt = places(order.wanted, name);
  const beforeAt = places(order.before, name);
  const at = (index: ReadonlyMap<string, number>, item: unknown) => index.get(name(item)) ?? -1;
  const named = items.filter((item) => wantedAt.has(name(item))).toSorted((a, b) => at(wantedAt, a) - at(wantedAt, b));
  const others = items.filter((item) => !wantedAt.has(name(item))).toSorted((a, b) => at(beforeAt, a) - at(beforeAt, b));
  const merged: unknown[] = [];
  let i = 0;
  for (const item of named) {
    const place = at(beforeAt, item);
    while (place >= 0 && i < others.length && at(beforeAt, others[i]) >= 0 && at(beforeAt, others[i]) < place) merged.push(others[i++]);
    merged.push(item);
  }
  return [...merged, ...others.slice(i)];
}

const namer = (mergeKey: string | undefined) => (item: unknown) =>
  `${typeof item}/${printGoValue(mergeKey && isObject(item) ? item[mergeKey] : item)}`;

function places(list: readonly unknown[], name: (item: unknown) => string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  list.forEach((item, i) => found.has(name(item)) || found.set(name(item), i));
  return found;
}

/** Refuses a patch whose list contradicts its own $setElementOrder. */
export function checkOrder(patch: readonly unknown[], wanted: readonly unknown[], mergeKey: string | undefined): void {
  const name = namer(mergeKey);
  const present = patch.filter((item) => !isObject(item) || item['$patch'] === undefined);
  let next = 0;
  for (const item of wanted) if (next < present.length && name(item) === name(present[next])) next += 1;
  if (next === present.length) return;
  throw badRequest(
    `The order in patch list:\n${printGoValue(patch)}\n doesn't match $setElementOrder list:\n${printGoValue(wanted)}\n`,
  );
}
