// From one type to another, and the functions that every CEL has: size, text search, regular expressions.
import { isUtf8 } from 'node:buffer';
import { matchesPattern } from '../../values/pattern.ts';
import type { Library } from '../environment.ts';
import { countCodePoints, Duration, EvalError, Optional, Timestamp, typeName, TypeValue, Uint } from '../values.ts';
import { int, spent, uint } from './arithmetic.ts';
import { parseDuration, parseTimestamp, printDuration, printTimestamp } from './time.ts';

const fail = (message: string): never => {
  throw new EvalError(message);
};

function intOfDouble(value: number): bigint {
  if (!Number.isFinite(value) || value <= -(2 ** 63) || value >= 2 ** 63) return fail('integer overflow');
  return BigInt(Math.trunc(value));
}

function uintOfDouble(value: number): Uint {
  if (!Number.isFinite(value) || value < 0 || value >= 2 ** 64) return fail('unsigned integer overflow');
  return new Uint(BigInt(Math.trunc(value)));
}

const intOfText = (text: string): bigint => (/^[+-]?\d+$/.test(text) ? int(BigInt(text)) : fail(`cannot convert string '${text}' to int`));
const uintOfText = (text: string): Uint => (/^\d+$/.test(text) ? uint(BigInt(text)) : fail(`cannot convert string '${text}' to uint`));

const trueTexts = new Set(['1', 't', 'true', 'TRUE', 'True']);
const falseTexts = new Set(['0', 'f', 'false', 'FALSE', 'False']);

function boolOfText(text: string): boolean {
  if (trueTexts.has(text)) return true;
  return falseTexts.has(text) ? false : fail(`Type conversion error: '${text}' is no bool`);
}

function doubleOfText(text: string): number {
  const special = /^([+-]?)(?:inf|infinity)$/i.exec(text);
  if (special) return special[1] === '-' ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return Number.NaN;
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : fail(`cannot convert string '${text}' to double`);
}

/** As Go's %g would: exponents have two digits at least. */
export function printDouble(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e21)) return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  return String(value);
}

function textOfBytes(bytes: Uint8Array): string {
  return isUtf8(bytes) ? Buffer.from(bytes).toString() : fail('invalid UTF-8 in bytes, cannot convert to string');
}

export const conversions: Library = [
  ['size(string): int', ([text]: [string], budget) => spent(budget, text.length) && BigInt(countCodePoints(text))],
  ['size(bytes): int', ([bytes]: [Uint8Array]) => BigInt(bytes.length)],
  ['size(list<A>): int', ([list]: [unknown[]]) => BigInt(list.length)],
  ['size(map<A, B>): int', ([map]: [Map<unknown, unknown>]) => BigInt(map.size)],
  ['string.size(): int', ([text]: [string], budget) => spent(budget, text.length) && BigInt(countCodePoints(text))],
  ['bytes.size(): int', ([bytes]: [Uint8Array]) => BigInt(bytes.length)],
  ['list<A>.size(): int', ([list]: [unknown[]]) => BigInt(list.length)],
  ['map<A, B>.size(): int', ([map]: [Map<unknown, unknown>]) => BigInt(map.size)],
  ['int(int): int', ([value]) => value],
  ['int(uint): int', ([value]: [Uint]) => int(value.value)],
  ['int(double): int', ([value]) => intOfDouble(value)],
  ['int(string): int', ([value]) => intOfText(value)],
  ['int(timestamp): int', ([value]: [Timestamp]) => floorSeconds(value.ns)],
  ['int(duration): int', ([value]: [Duration]) => value.ns],
  ['uint(uint): uint', ([value]) => value],
  ['uint(int): uint', ([value]) => uint(value)],
  ['uint(double): uint', ([value]) => uintOfDouble(value)],
  ['uint(string): uint', ([value]) => uintOfText(value)],
  ['double(double): double', ([value]) => value],
  ['double(int): double', ([value]) => Number(value)],
  ['double(uint): double', ([value]: [Uint]) => Number(value.value)],
  ['double(string): double', ([value]) => doubleOfText(value)],
  ['string(string): string', ([value]) => value],
  ['string(int): string', ([value]) => String(value)],
  ['string(uint): string', ([value]: [Uint]) => String(value.value)],
  ['string(double): string', ([value]) => printDouble(value)],
  ['string(bool): string', ([value]) => String(value)],
  ['string(bytes): string', ([value]: [Uint8Array], budget) => spent(budget, value.length) && textOfBytes(value)],
  ['string(timestamp): string', ([value]) => printTimestamp(value)],
  ['string(duration): string', ([value]) => printDuration(value)],
  ['bytes(bytes): bytes', ([value]) => value],
  ['bytes(string): bytes', ([value]: [string], budget) => spent(budget, value.length) && new Uint8Array(Buffer.from(value))],
  ['bool(bool): bool', ([value]) => value],
  ['bool(string): bool', ([value]) => boolOfText(value)],
  ['duration(duration): duration', ([value]) => value],
  ['duration(string): duration', ([value]) => parseDuration(value)],
  ['duration(int): duration', ([value]) => new Duration(value)],
  ['timestamp(timestamp): timestamp', ([value]) => value],
  ['timestamp(string): timestamp', ([value]) => parseTimestamp(value)],
  ['timestamp(int): timestamp', ([value]) => new Timestamp(value * 1_000_000_000n)],
  ['dyn(A): dyn', ([value]) => value],
  ['type(A): type', ([value]) => new TypeValue(value instanceof TypeValue ? 'type' : typeName(value))],
  ['string.contains(string): bool', ([text, part]: [string, string], budget) => spent(budget, text.length + part.length) && text.includes(part)],
  ['string.startsWith(string): bool', ([text, part]: [string, string], budget) => spent(budget, part.length) && text.startsWith(part)],
  ['string.endsWith(string): bool', ([text, part]: [string, string], budget) => spent(budget, part.length) && text.endsWith(part)],
  ['string.matches(string): bool', matches],
  ['matches(string, string): bool', matches],
  ['optional.of(A): optional<A>', ([value]) => new Optional(true, value)],
];

const floorSeconds = (ns: bigint): bigint => (ns >= 0n ? ns / 1_000_000_000n : -((-ns + 999_999_999n) / 1_000_000_000n));

function matches([text, pattern]: any, budget: Parameters<Library[number][1]>[1]): boolean {
  // Time grows with the product of both lengths.
  budget.spend(1 + Math.ceil(((text.length as number) + 1) / 10) * Math.ceil((pattern.length as number) / 4));
  try {
    return matchesPattern(text, pattern);
  } catch (error) {
    return fail((error as Error).message);
  }
}
