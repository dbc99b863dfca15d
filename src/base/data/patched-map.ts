// A map made from another by a few changes, which remembers that it was: finding the difference then costs the
// changes, not the map. Serves the model and the renderer, whose large maps seldom change in more than one place.

interface Patch {
  /** Weak: a map must not keep alive the one it came from, and that one its own origin, and so on. */
  readonly from: WeakRef<object>;
  readonly keys: readonly string[];
}

const patches = new WeakMap<object, Patch>();

/** A copy with some entries put or, where the value is undefined, removed. */
export function patchMap<V>(from: ReadonlyMap<string, V>, changes: ReadonlyMap<string, V | undefined>): ReadonlyMap<string, V> {
  const map = new Map(from);
  for (const [key, value] of changes) {
    if (value === undefined) map.delete(key);
    else map.set(key, value);
  }
  patches.set(map, { from: new WeakRef(from), keys: [...changes.keys()] });
  return map;
}

/** The only keys under which the two can differ; undefined when `now` was not patched together from `old`. */
export function patchedKeys(old: object, now: object): readonly string[] | undefined {
  const patch = patches.get(now);
  return patch?.from.deref() === old ? patch.keys : undefined;
}
