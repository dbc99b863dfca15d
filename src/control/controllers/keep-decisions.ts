// Deciding for thousands of objects at the price of those that changed: what a controller that decides for each object
// by itself asks again only where the object, or one of its groups, is another than last time.
import { listDifference } from '../../base/data/list-difference.ts';
import { patchedKeys } from '../../base/data/patched-map.ts';
import type { KubeObject } from '../../kube/objects/meta.ts';
import { objectKey, type Write } from '../../kube/store/store.ts';
import { type Groups, groupKeeping, groupOf, sameItems } from './keep-lists.ts';

/** What an answer depends on beside the object: groups under the object's key, and things that concern all. */
export interface Beside {
  readonly groups: readonly Groups<unknown>[];
  readonly shared?: readonly unknown[];
}

interface Last<T> extends Beside {
  readonly items: readonly T[];
}

/**
 * The answer of `decide` for every item, as if all had been asked. One whose last answer was not empty is asked again:
 * its writes may have been refused. `keyOf` is what the groups beside are found by.
 */
export function decideKeeping<T extends KubeObject>(keyOf: (item: T) => string = objectKey): (items: readonly T[], beside: Beside, decide: (item: T) => readonly Write[]) => Write[] {
  const byKey = groupKeeping((item: T) => keyOf(item));
  const owing = new Set<string>();
  let last: Last<T> | undefined;
  return (items, beside, decide) => {
    const all = byKey(items);
    const keys = last && keysToAsk(last, items, beside, keyOf);
    // Not before all are asked: a decision that throws must be asked for again.
    const before = last;
    last = undefined;
    const writes: Write[] = [];
    const ask = (key: string, item: T) => {
      const wishes = decide(item);
      if (wishes.length > 0) owing.add(key);
      else owing.delete(key);
      writes.push(...wishes);
    };
    if (before && keys) for (const key of new Set([...keys, ...owing])) for (const item of askable(all, key, owing)) ask(key, item);
    else for (const item of items) ask(keyOf(item), item);
    last = { items, ...beside };
    return writes;
  };
}

function askable<T>(all: Groups<T>, key: string, owing: Set<string>): readonly T[] {
  const found = groupOf(all, key);
  if (found.length === 0) owing.delete(key);
  return found;
}

/** Undefined: all of them. */
function keysToAsk<T>(last: Last<T>, items: readonly T[], { groups, shared = [] }: Beside, keyOf: (item: T) => string): string[] | undefined {
  if (!sameItems(last.shared ?? [], shared)) return undefined;
  const changed = last.items === items ? { added: [] } : listDifference(last.items, items);
  const grouped = groups.map((group, i) => (group === last.groups[i] ? [] : patchedKeys(last.groups[i]!, group)));
  if (!changed || grouped.includes(undefined)) return undefined;
  return [...changed.added.map(keyOf), ...grouped.flatMap((keys) => keys ?? [])];
}
