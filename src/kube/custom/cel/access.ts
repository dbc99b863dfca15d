// Reaching into values at run time: fields, items, what is absent, and what cannot be reached into.
import { EvalError, keyFrom, type Key, none, Optional, typeName, Uint } from './values.ts';

export function raise(message: string): never {
  throw new EvalError(message);
}

/** A variable that has no value, or an error for one. */
export function present(value: unknown, name: string): unknown {
  if (value === undefined) return raise(`no such attribute(s): ${name}`);
  return value;
}

export const found = (value: unknown): Optional => (value === undefined ? none : new Optional(true, value));

/** What `?` in a literal adds: the value that an optional holds, or nothing. */
export function presentOf(value: unknown): unknown[] {
  if (!(value instanceof Optional)) return raise(`cannot initialize optional entry from non-optional value ${typeName(value)}`);
  return value.isPresent ? [value.value] : [];
}

/** undefined when the field is absent. */
export function findField(value: unknown, field: string): unknown {
  if (value instanceof Map) return (value as ReadonlyMap<Key, unknown>).get(field);
  return raise(value === null ? `no such key: ${field}` : `no such overload: ${typeName(value)} does not support field selection`);
}

/** What stands at a key of a map or an index of a list; undefined when nothing does. */
export function findAt(value: unknown, key: unknown): unknown {
  if (value instanceof Map) return findKey(value as ReadonlyMap<Key, unknown>, key);
  if (!Array.isArray(value)) return raise('no such overload');
  if (!isNumber(key)) return raise(`unsupported index type '${typeName(key)}' in list`);
  const index = Number(key instanceof Uint ? key.value : key);
  if (!Number.isInteger(index)) return raise(`unsupported index value ${index} in list`);
  return index >= 0 ? (value as unknown[])[index] : undefined;
}

const isNumber = (key: unknown): key is bigint | number | Uint => typeof key === 'bigint' || typeof key === 'number' || key instanceof Uint;

function findKey(map: ReadonlyMap<Key, unknown>, key: unknown): unknown {
  if (!isNumber(key) && typeof key !== 'string' && typeof key !== 'boolean') return raise('no such overload');
  return typeof key === 'number' && !Number.isInteger(key) ? undefined : map.get(keyFrom(key));
}

export const noSuchItem = (value: unknown, key: unknown): string => (Array.isArray(value) ? `index out of bounds: ${String((key as Uint).value ?? key)}` : `no such key: ${String((key as Uint).value ?? key)}`);

export function mapKey(value: unknown): Key {
  if (typeof value === 'number') return raise('unsupported key type: double');
  return keyFrom(value);
}
