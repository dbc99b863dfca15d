// Remembering by object identity: recompute all, but pay only for what changed.
// Needs true immutability of its inputs; tests freeze them (freeze.ts).

/** One remembered result per first argument, valid while all further arguments are `===` too. Forgotten with the object. */
export function memoByIdentity<K extends object, A extends unknown[], R>(compute: (key: K, ...rest: A) => R): (key: K, ...rest: A) => R {
  const seen = new WeakMap<K, { rest: A; result: R }>();
  return (key, ...rest) => {
    const hit = seen.get(key);
    if (hit && hit.rest.length === rest.length && hit.rest.every((value, i) => value === rest[i])) return hit.result;
    const result = compute(key, ...rest);
    seen.set(key, { rest, result });
    return result;
  };
}

/** The last result, valid while every argument is `===` to the last call's. */
export function memoLast<A extends unknown[], R>(compute: (...args: A) => R): (...args: A) => R {
  let last: { args: A; result: R } | undefined;
  return (...args) => {
    if (last && last.args.length === args.length && last.args.every((value, i) => value === args[i])) return last.result;
    last = { args, result: compute(...args) };
    return last.result;
  };
}

/** Keeps old values (and their identity) where the new one is deeply equal, so that readers downstream see no change. */
export function keepIdentity<V>(old: ReadonlyMap<string, V> | undefined, now: ReadonlyMap<string, V>): ReadonlyMap<string, V> {
  if (!old) return now;
  const merged = new Map<string, V>();
  let same = old.size === now.size;
  for (const [key, value] of now) {
    const before = old.get(key);
    const kept = before !== undefined && deepEqual(before, value) ? before : value;
    if (kept !== before) same = false;
    merged.set(key, kept);
  }
  return same ? old : merged;
}

/** Structural equality of JSON-like data and Maps. */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Map) return b instanceof Map && equalMaps(a, b);
  if (Array.isArray(a)) return Array.isArray(b) && equalArrays(a, b);
  if (b instanceof Map || Array.isArray(b)) return false;
  return equalRecords(a as Record<string, unknown>, b as Record<string, unknown>);
}

const equalArrays = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((item, i) => deepEqual(item, b[i]));

function equalMaps(a: Map<unknown, unknown>, b: Map<unknown, unknown>): boolean {
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
