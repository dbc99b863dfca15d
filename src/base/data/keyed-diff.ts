// What changed between two keyed collections, by identity: the one way Fairlead finds differences.
import { patchedKeys } from './patched-map.ts';

export interface KeyedDiff<V> {
  added: [key: string, value: V][];
  changed: [key: string, value: V, old: V][];
  removed: [key: string, old: V][];
}

/** Cost: one look-up per entry of either side, or per patch where one was patched together from the other. Equal by `===` counts as unchanged. */
export function keyedDiff<V>(old: ReadonlyMap<string, V>, now: ReadonlyMap<string, V>): KeyedDiff<V> {
  const diff: KeyedDiff<V> = { added: [], changed: [], removed: [] };
  if (old === now) return diff;
  for (const key of patchedKeys(old, now) ?? now.keys()) {
    const before = old.get(key);
    const value = now.get(key);
    if (value === undefined || before === value) continue;
    if (before === undefined) diff.added.push([key, value]);
    else diff.changed.push([key, value, before]);
  }
  for (const key of patchedKeys(old, now) ?? old.keys()) {
    const before = old.get(key);
    if (before !== undefined && !now.has(key)) diff.removed.push([key, before]);
  }
  return diff;
}
