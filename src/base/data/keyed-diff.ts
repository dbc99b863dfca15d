// What changed between two keyed collections, by identity: the one way Fairlead finds differences.

export interface KeyedDiff<V> {
  added: [key: string, value: V][];
  changed: [key: string, value: V, old: V][];
  removed: [key: string, old: V][];
}

/** Cost: one look-up per entry of either side. Equal by `===` counts as unchanged. */
export function keyedDiff<V>(old: ReadonlyMap<string, V>, now: ReadonlyMap<string, V>): KeyedDiff<V> {
  const diff: KeyedDiff<V> = { added: [], changed: [], removed: [] };
  if (old === now) return diff;
  for (const [key, value] of now) {
    const before = old.get(key);
    if (before === undefined) diff.added.push([key, value]);
    else if (before !== value) diff.changed.push([key, value, before]);
  }
  for (const [key, value] of old) if (!now.has(key)) diff.removed.push([key, value]);
  return diff;
}
