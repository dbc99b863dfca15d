// A map made from another by a few changes: costs the changes, and so does finding the difference between the two.
// All versions share one table, which holds the newest; an older one keeps what was otherwise and looks up the rest in
// the one after it. Serves the model and the renderer, whose large maps seldom change in more than one place.

interface Step<V> {
  /** What the older version has where the newer one differs; undefined: no entry. */
  readonly overrides: ReadonlyMap<string, V | undefined>;
  readonly newer: PatchedMap<V>;
}

/** Of maps that were patched without being PatchedMaps themselves. */
const copies = new WeakMap<object, PatchedMap<unknown>>();

/** How many versions back a difference is still found by walking the steps. */
const MOST_STEPS = 64;

/** Reads of the newest version cost what a Map's do. Iterating over an older one copies the whole table, once. */
export class PatchedMap<V> implements ReadonlyMap<string, V> {
  #table: Map<string, V>;
  #step: Step<V> | undefined;
  readonly size: number;

  private constructor(table: Map<string, V>) {
    this.#table = table;
    this.size = table.size;
  }

  /** Takes the map over: nobody else may change it from now on. */
  static adopt<V>(map: Map<string, V>): PatchedMap<V> {
    return new PatchedMap(map);
  }

  /** A plain map stays as it is; its copy is remembered, so that what is patched from it can be compared with it. */
  static of<V>(map: ReadonlyMap<string, V>): PatchedMap<V> {
    if (map instanceof PatchedMap) return map as PatchedMap<V>;
    const copy = new PatchedMap(new Map(map));
    copies.set(map, copy);
    return copy;
  }

  patched(changes: ReadonlyMap<string, V | undefined>): PatchedMap<V> {
    const table = this.#own();
    const overrides = new Map<string, V | undefined>();
    for (const [key, value] of changes) {
      overrides.set(key, table.get(key));
      if (value === undefined) table.delete(key);
      else table.set(key, value);
    }
    const newer = new PatchedMap(table);
    this.#step = { overrides, newer };
    return newer;
  }

  get(key: string): V | undefined {
    let table = this.#table;
    for (let step = this.#step; step; step = step.newer.#step) {
      if (step.overrides.has(key)) return step.overrides.get(key);
      table = step.newer.#table;
    }
    return table.get(key);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** A table of its own from now on: nothing newer changes it. */
  #own(): Map<string, V> {
    if (!this.#step) return this.#table;
    const steps: Step<V>[] = [];
    for (let step: Step<V> | undefined = this.#step; step; step = step.newer.#step) steps.push(step);
    const table = new Map(steps.at(-1)!.newer.#table);
    for (const { overrides } of steps.toReversed()) {
      for (const [key, value] of overrides) {
        if (value === undefined) table.delete(key);
        else table.set(key, value);
      }
    }
    [this.#table, this.#step] = [table, undefined];
    return table;
  }

  entries(): MapIterator<[string, V]> {
    return this.#own().entries();
  }

  keys(): MapIterator<string> {
    return this.#own().keys();
  }

  values(): MapIterator<V> {
    return this.#own().values();
  }

  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries();
  }

  forEach(each: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [key, value] of this) each(value, key, this);
  }

  /** Keys under which a newer version may differ; undefined when `now` is none, or too far away. */
  keysUntil(now: object): readonly string[] | undefined {
    if (now === this) return [];
    const keys = new Set<string>();
    let step = this.#step;
    for (let steps = 0; step && steps < MOST_STEPS; steps++, step = step.newer.#step) {
      for (const key of step.overrides.keys()) keys.add(key);
      if (step.newer === now) return [...keys];
    }
    return undefined;
  }
}

/** A map with some entries put or, where the value is undefined, removed; the one it came from stays as it was. */
export const patchMap = <V>(from: ReadonlyMap<string, V>, changes: ReadonlyMap<string, V | undefined>): ReadonlyMap<string, V> =>
  from.size === 0 ? adoptMap(presentOf(changes)) : PatchedMap.of(from).patched(changes);

/** From nothing, there is nothing to remember: the changes are the map. */
function presentOf<V>(changes: ReadonlyMap<string, V | undefined>): Map<string, V> {
  const present = new Map<string, V>();
  for (const [key, value] of changes) if (value !== undefined) present.set(key, value);
  return present;
}

/** A map just made, as the first version of one that will be patched: saves the copy. Nobody else may change it. */
export const adoptMap = <V>(fresh: Map<string, V>): ReadonlyMap<string, V> => PatchedMap.adopt(fresh);

/** The only keys under which the two can differ; undefined when `now` was not patched together from `old`. */
export function patchedKeys(old: object, now: object): readonly string[] | undefined {
  const version = old instanceof PatchedMap ? old : copies.get(old);
  return version?.keysUntil(now);
}
