// Remembering by object identity: recompute all, but pay only for what changed.
// Needs true immutability of its inputs; tests freeze them (freeze.ts).
import { LazyMap } from './lazy-map.ts';
import { PatchedMap } from './patched-map.ts';

/** One remembered result per first argument, valid while all further arguments are `===` too. Forgotten with the object. */
export function memoByIdentity<K extends object, A extends unknown[], R>(compute: (key: K, ...rest: A) => R): (key: K, ...rest: A) => R {
  const seen = new WeakMap<K, { rest: A; result: R }>();
  return (key, ...rest) => {
    const hit = seen.get(key);
    if (hit && sameItems(hit.rest, rest)) return hit.result;
    const result = compute(key, ...rest);
    seen.set(key, { rest, result });
    return result;
  };
}

/** A plain loop: this runs once for every object of the cluster at every change. */
export function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The last result, valid while every argument is `===` to the last call's. */
export function memoLast<A extends unknown[], R>(compute: (...args: A) => R): (...args: A) => R {
  let last: { args: A; result: R } | undefined;
  return (...args) => {
    if (last && sameItems(last.args, args)) return last.result;
    last = { args, result: compute(...args) };
    return last.result;
  };
}

/** Keeps old values (and their identity) where the new one is deeply equal, so that readers downstream see no change. */
export function keepIdentity<V>(old: ReadonlyMap<string, V> | undefined, now: ReadonlyMap<string, V>): ReadonlyMap<string, V> {
  if (!old) return now;
  let same = old.size === now.size;
  // Copied only when some entry must be put back: after most changes `now` is already right.
  let merged: Map<string, V> | undefined;
  for (const [key, value] of now) {
    const before = old.get(key);
    if (before === value) continue;
    if (before !== undefined && deepEqual(before, value)) (merged ??= new Map(now)).set(key, before);
    else same = false;
  }
  return same ? old : (merged ?? now);
}

/** Structural equality of JSON-like data, Maps, and Sets of plain values. */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (shapeOf(a) !== shapeOf(b)) return false;
  if (Array.isArray(a)) return equalArrays(a, b as unknown[]);
  if (isMap(a)) return equalMaps(a, b as ReadonlyMap<unknown, unknown>);
  if (a instanceof Set) return equalSets(a, b as Set<unknown>);
  return equalRecords(a as Record<string, unknown>, b as Record<string, unknown>);
}

const isMap = (value: object): value is ReadonlyMap<unknown, unknown> => value instanceof Map || value instanceof PatchedMap || value instanceof LazyMap;

const shapeOf = (value: object): string => (Array.isArray(value) ? 'list' : isMap(value) ? 'map' : value instanceof Set ? 'set' : 'record');

const equalSets = (a: ReadonlySet<unknown>, b: ReadonlySet<unknown>): boolean => a.size === b.size && [...a].every((item) => b.has(item));

const equalArrays = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((item, i) => deepEqual(item, b[i]));

function equalMaps(a: ReadonlyMap<unknown, unknown>, b: ReadonlyMap<unknown, unknown>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) if (!b.has(key) || !deepEqual(value, b.get(key))) return false;
  return true;
}

/** A key that is undefined counts as absent, as it does in JSON. */
function equalRecords(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  for (const key in a) if (a[key] !== undefined && !deepEqual(a[key], b[key])) return false;
  for (const key in b) if (b[key] !== undefined && a[key] === undefined) return false;
  return true;
}
