// Values at run time. int is a bigint, double a number, a map (or an object) a Map; text, bool, bytes, null and lists
// are JavaScript's own. Whole numbers are the same key of a map whatever their type.
import type { CelType } from './types.ts';

export class Uint {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
}

/** Nanoseconds. */
export class Duration {
  readonly ns: bigint;
  constructor(ns: bigint) {
    this.ns = ns;
  }
}

/** Nanoseconds since 1970. */
export class Timestamp {
  readonly ns: bigint;
  constructor(ns: bigint) {
    this.ns = ns;
  }
}

export class TypeValue {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

export class Optional {
  readonly value: unknown;
  readonly isPresent: boolean;
  constructor(isPresent: boolean, value?: unknown) {
    this.isPresent = isPresent;
    this.value = value;
  }
}
export const none = new Optional(false);

/** A value of a library: what it is called, how two of them compare. */
export interface Opaque {
  readonly typeName: string;
  equals(other: Opaque): boolean;
}

/** What goes wrong while an expression runs; `||` and `&&` may outweigh it. */
export class EvalError extends Error {}

/** An expression has used up what it may cost; nothing outweighs that. */
export class OutOfBudget extends Error {}

export type Key = string | boolean | bigint;

/** Lists that are sets or maps by their schema compare and join by their items: how, is kept beside them. */
export type MergeBy = 'set' | readonly string[];
export const mergeBy = new WeakMap<readonly unknown[], MergeBy>();

export function keyFrom(value: unknown): Key {
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'bigint') return value;
  if (value instanceof Uint) return value.value;
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  throw new EvalError('unsupported key type');
}

export const isOpaque = (value: unknown): value is Opaque => typeof value === 'object' && value !== null && 'typeName' in value;

/** CEL's name for what a value is. */
export function typeName(value: unknown): string {
  const simple = { string: 'string', boolean: 'bool', bigint: 'int', number: 'double' }[typeof value as string];
  if (simple) return simple;
  if (value === null) return 'null_type';
  if (Array.isArray(value)) return 'list';
  for (const [type, name] of classes) if (value instanceof type) return name;
  return isOpaque(value) ? value.typeName : 'dyn';
}

const classes: readonly (readonly [new (...args: never[]) => object, string])[] = [
  [Map, 'map'],
  [Uint, 'uint'],
  [Uint8Array, 'bytes'],
  [Timestamp, 'google.protobuf.Timestamp'],
  [Duration, 'google.protobuf.Duration'],
  [TypeValue, 'type'],
  [Optional, 'optional_type'],
];

const runtimeNames: Readonly<Record<string, string>> = { null: 'null_type', timestamp: 'google.protobuf.Timestamp', duration: 'google.protobuf.Duration', optional: 'optional_type', object: 'map' };

/** Whether a value is of a type, looking no deeper than the value itself. */
export function isOf(value: unknown, type: CelType): boolean {
  if (type.is === 'dyn' || type.is === 'param') return true;
  const name = typeName(value);
  return name === (type.is === 'opaque' ? type.name : (runtimeNames[type.is] ?? type.is));
}

const isNumeric = (value: unknown): value is bigint | number | Uint => typeof value === 'bigint' || typeof value === 'number' || value instanceof Uint;

/** -1, 0, 1; NaN when one of them is no number. Beside a double an integer counts as the double next to it. */
export function compareNumbers(a: bigint | number | Uint, b: bigint | number | Uint): number {
  const [left, right] = [a instanceof Uint ? a.value : a, b instanceof Uint ? b.value : b];
  if (typeof left !== typeof right) return compareDoubles(Number(left), Number(right));
  return left < right ? -1 : left > right ? 1 : left === right ? 0 : Number.NaN;
}

const compareDoubles = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : a === b ? 0 : Number.NaN);

/** CEL's equality: across number types by value, across other types false. */
export function equals(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isNumeric(a) && isNumeric(b)) return compareNumbers(a, b) === 0;
  return typeof a === 'object' && typeof b === 'object' && a !== null && b !== null && equalInside(a, b);
}

function equalInside(a: object, b: object): boolean {
  if (Array.isArray(a)) return Array.isArray(b) && equalLists(a, b);
  if (a instanceof Map) return b instanceof Map && equalMaps(a, b);
  return typeName(a) === typeName(b) && equalObjects(a, b);
}

function equalObjects(a: object, b: object): boolean {
  if (a instanceof Uint8Array) return Buffer.compare(a, b as Uint8Array) === 0;
  if (a instanceof Timestamp || a instanceof Duration) return a.ns === (b as Timestamp).ns;
  if (a instanceof TypeValue) return a.name === (b as TypeValue).name;
  if (a instanceof Optional) return a.isPresent === (b as Optional).isPresent && equals(a.value, (b as Optional).value);
  return isOpaque(a) && isOpaque(b) && a.equals(b);
}

function equalLists(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  const how = mergeBy.get(a) ?? mergeBy.get(b);
  if (!how) return a.every((item, i) => equals(item, b[i]));
  const alike = lookup(b, how);
  return a.every((item) => alike(item).some((other) => equals(item, other)));
}

const nameOf = (item: unknown, how: MergeBy): unknown => (how === 'set' || !(item instanceof Map) ? item : how.map((key) => (item as Map<Key, unknown>).get(key)));

/** Finds the items of a set or map of a schema that have the same name; at once, for lists of thousands are compared too. */
export function lookup(list: readonly unknown[], how: MergeBy): (item: unknown) => readonly unknown[] {
  const named = new Map<string, unknown[]>();
  for (const item of list) {
    const name = hashOf(nameOf(item, how));
    const known = named.get(name);
    if (known) known.push(item);
    else named.set(name, [item]);
  }
  return (item) => {
    const name = nameOf(item, how);
    return (named.get(hashOf(name)) ?? []).filter((other) => equals(nameOf(other, how), name));
  };
}

/** Equal values have equal hashes; numbers are equal across their types. */
function hashOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(hashOf).join();
  if (isNumeric(value)) return String(Number(value instanceof Uint ? value.value : value));
  return typeof value === 'string' ? `'${value}` : typeof value;
}

function equalMaps(a: ReadonlyMap<Key, unknown>, b: ReadonlyMap<Key, unknown>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) if (!b.has(key) || !equals(value, b.get(key))) return false;
  return true;
}

/** Code points, not UTF-16 units. */
export const codePoints = (text: string): string[] => (isNarrow(text) ? text.split('') : Array.from(text));

/** No letter takes two units: then places in the text are what JavaScript says they are. */
export const isNarrow = (text: string): boolean => !/[\ud800-\udfff]/.test(text);

export const countCodePoints = (text: string): number => (isNarrow(text) ? text.length : codePoints(text).length);

/** How much work a value is to look through. */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string' || Array.isArray(value) || value instanceof Uint8Array) return value.length;
  return value instanceof Map ? value.size : 1;
}
