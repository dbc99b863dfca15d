// A sorted map that never changes: every set and remove answers a new map that shares almost all of the old one.
// Serves the object store: a snapshot is a reference, a list comes out in key order, old revisions cost nothing.
// Cost: look-up log n; a change copies one chunk (≤ 256 entries) and the list of chunks.

interface Chunk<V> {
  readonly keys: readonly string[];
  readonly values: readonly V[];
}

export interface SortedMap<V> {
  readonly size: number;
  readonly chunks: readonly Chunk<V>[];
}

const maxChunk = 256;

const empty: SortedMap<never> = { size: 0, chunks: [] };

export const emptySortedMap = <V>(): SortedMap<V> => empty;

/** First position whose key is not below `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The chunk that holds `key`, or where it would go. */
function chunkOf<V>(map: SortedMap<V>, key: string): number {
  let low = 0;
  let high = map.chunks.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((map.chunks[middle] as Chunk<V>).keys[0]! <= key) low = middle;
    else high = middle - 1;
  }
  return Math.max(low, 0);
}

export function getSorted<V>(map: SortedMap<V>, key: string): V | undefined {
  const chunk = map.chunks[chunkOf(map, key)];
  if (!chunk) return undefined;
  const at = lowerBound(chunk.keys, key);
  return chunk.keys[at] === key ? chunk.values[at] : undefined;
}

export function setSorted<V>(map: SortedMap<V>, key: string, value: V): SortedMap<V> {
  const index = chunkOf(map, key);
  const chunk = map.chunks[index] ?? { keys: [], values: [] };
  const at = lowerBound(chunk.keys, key);
  const replaces = chunk.keys[at] === key;
  const keys = replaces ? chunk.keys : chunk.keys.toSpliced(at, 0, key);
  const values = replaces ? chunk.values.with(at, value) : chunk.values.toSpliced(at, 0, value);
  return { size: map.size + (replaces ? 0 : 1), chunks: map.chunks.toSpliced(index, 1, ...split({ keys, values })) };
}

function split<V>(chunk: Chunk<V>): Chunk<V>[] {
  if (chunk.keys.length <= maxChunk) return [chunk];
  const half = chunk.keys.length >>> 1;
  return [
    { keys: chunk.keys.slice(0, half), values: chunk.values.slice(0, half) },
    { keys: chunk.keys.slice(half), values: chunk.values.slice(half) },
  ];
}

export function removeSorted<V>(map: SortedMap<V>, key: string): SortedMap<V> {
  const index = chunkOf(map, key);
  const chunk = map.chunks[index];
  const at = chunk ? lowerBound(chunk.keys, key) : -1;
  if (!chunk || chunk.keys[at] !== key) return map;
  const rest = { keys: chunk.keys.toSpliced(at, 1), values: chunk.values.toSpliced(at, 1) };
  return { size: map.size - 1, chunks: map.chunks.toSpliced(index, 1, ...(rest.keys.length > 0 ? [rest] : [])) };
}

/** Of which map a list shows the values: what lets two lists be compared by chunks. */
const origins = new WeakMap<readonly unknown[], SortedMap<unknown>>();

/** All values in key order. The list is not to be changed: list-difference.ts trusts that it shows this map. */
export function sortedValues<V>(map: SortedMap<V>): readonly V[] {
  const list = ([] as V[]).concat(...map.chunks.map(({ values }) => values));
  origins.set(list, map);
  return list;
}

export const originOf = <V>(list: readonly V[]): SortedMap<V> | undefined => origins.get(list) as SortedMap<V> | undefined;

export interface Difference<V> {
  readonly removed: readonly V[];
  readonly added: readonly V[];
}

/** Objects that only one of the two holds, in key order, by identity. Costs the chunks that differ, and a look at each other chunk. */
export function sortedDifference<V>(old: SortedMap<V>, now: SortedMap<V>): Difference<V> {
  const left = new Set(old.chunks);
  const fresh = now.chunks.filter((chunk) => !left.delete(chunk));
  const gone = new Set([...left].flatMap(({ values }) => values));
  const added = fresh.flatMap(({ values }) => values).filter((value) => !gone.delete(value));
  return { removed: [...gone], added };
}

/** From the first key that is not below `from`, in order. */
export function* sortedFrom<V>(map: SortedMap<V>, from: string): Generator<[string, V]> {
  for (let index = chunkOf(map, from); index < map.chunks.length; index++) {
    const { keys, values } = map.chunks[index] as Chunk<V>;
    for (let at = lowerBound(keys, from); at < keys.length; at++) yield [keys[at] as string, values[at] as V];
  }
}

/** Builds from entries in any order; n log n instead of n single sets. */
export function sortedMapOf<V>(entries: Iterable<readonly [string, V]>): SortedMap<V> {
  const sorted = [...new Map(entries)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const chunks: Chunk<V>[] = [];
  for (let at = 0; at < sorted.length; at += maxChunk / 2) {
    const part = sorted.slice(at, at + maxChunk / 2);
    chunks.push({ keys: part.map(([key]) => key), values: part.map(([, value]) => value) });
  }
  return { size: sorted.length, chunks };
}
