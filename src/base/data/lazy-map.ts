// A map that is made from something smaller when somebody looks into it; who only walks over its values makes nothing.
// Serves the renderer: of 100,000 elements, most are written to the kernel once and never asked for again.

export abstract class LazyMap<V> implements ReadonlyMap<string, V> {
  #made: ReadonlyMap<string, V> | undefined;
  abstract readonly size: number;

  /** All entries, in order. */
  protected abstract make(): ReadonlyMap<string, V>;

  /** The values in the order of the entries, each made for the asking. */
  abstract values(): MapIterator<V>;

  #map(): ReadonlyMap<string, V> {
    return (this.#made ??= this.make());
  }

  get(key: string): V | undefined {
    return this.#map().get(key);
  }

  has(key: string): boolean {
    return this.#map().has(key);
  }

  keys(): MapIterator<string> {
    return this.#map().keys();
  }

  entries(): MapIterator<[string, V]> {
    return this.#map().entries();
  }

  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries();
  }

  forEach(each: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [key, value] of this) each(value, key, this);
  }
}
