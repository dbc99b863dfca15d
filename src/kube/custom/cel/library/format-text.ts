// `'%s and %d'.format([a, b])`: the verbs of CEL's string extension.
import type { Budget } from '../environment.ts';
import { Duration, EvalError, type Key, Optional, Timestamp, typeName, TypeValue, Uint } from '../values.ts';
import { spent } from './arithmetic.ts';
import { printDuration, printTimestamp } from './time.ts';

const fail = (message: string): never => {
  throw new EvalError(message);
};

const verb = /%(?:%|(?:\.(\d+))?([a-zA-Z]))|%/g;
const maxPrecision = 1000;

/** Throws EvalError for an unknown verb, a missing argument, or one of the wrong type. */
export function formatText(text: string, args: readonly unknown[], budget: Budget): string {
  let next = 0;
  return text.replaceAll(verb, (whole: string, precision: string | undefined, letter: string | undefined) => {
    if (whole === '%%') return '%';
    if (!letter) return fail('unexpected end of format string');
    if (next >= args.length) return fail(`index ${next} out of range`);
    const digits = precision === undefined ? 6 : Number(precision);
    if (digits > maxPrecision) return fail(`precision ${digits} is too large`);
    const shown = Object.hasOwn(verbs, letter) ? verbs[letter]!(args[next], digits) : fail(`could not parse formatting clause: unrecognized formatting clause "${letter}"`);
    next += 1;
    spent(budget, shown.length);
    return shown;
  });
}

type Print = (value: unknown, digits: number) => string;

const special = (value: number): string | undefined => (Number.isFinite(value) ? undefined : Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity');

const wrong = (what: string, value: unknown, wants: string): never => fail(`error during formatting: ${what} clause can only be used on ${wants}, was given ${typeName(value)}`);

const asInteger = (value: unknown): bigint | undefined => (typeof value === 'bigint' ? value : value instanceof Uint ? value.value : undefined);

const verbs: Readonly<Record<string, Print>> = {
  s: (value) => printAny(value),
  d(value) {
    const integer = asInteger(value);
    if (integer !== undefined) return String(integer);
    return typeof value === 'number' ? (special(value) ?? wrong('decimal', value, 'integers')) : wrong('decimal', value, 'integers');
  },
  f: (value, digits) => fixed(value, 'fixed-point', (number) => toFixed(number, digits)),
  e: (value, digits) => fixed(value, 'scientific', (number) => number.toExponential(Math.min(digits, 100)).replace(/e([+-])(\d)$/, 'e$10$2')),
  b(value) {
    if (typeof value === 'boolean') return value ? '1' : '0';
    return asInteger(value)?.toString(2) ?? wrong('binary', value, 'integers and bools');
  },
  o: (value) => asInteger(value)?.toString(8) ?? wrong('octal', value, 'integers'),
  x: (value) => printHex(value),
  X: (value) => printHex(value).toUpperCase(),
};

function fixed(value: unknown, name: string, print: (number: number) => string): string {
  const integer = asInteger(value);
  const number = integer !== undefined ? Number(integer) : typeof value === 'number' ? value : typeof value === 'string' ? specialText(value) : wrong(name, value, 'doubles');
  return special(number) ?? print(number);
}

const specialText = (text: string): number => (text === 'NaN' ? Number.NaN : text === 'Infinity' ? Infinity : text === '-Infinity' ? -Infinity : wrong('fixed-point', text, 'doubles'));

/** Half goes to even, as in Go: JavaScript's toFixed() looks at the exact value already, ties alone differ. */
function toFixed(value: number, digits: number): string {
  const shown = value.toFixed(Math.min(digits, 100));
  const scaled = Math.abs(value) * 10 ** digits;
  const isTie = digits < 15 && scaled < 2 ** 50 && scaled - Math.floor(scaled) === 0.5;
  if (!isTie || Math.floor(scaled) % 2 !== 0) return shown;
  return (Math.sign(value) * (Math.floor(scaled) / 10 ** digits)).toFixed(digits);
}

function printHex(value: unknown): string {
  if (typeof value === 'string') return Buffer.from(value).toString('hex');
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return asInteger(value)?.toString(16) ?? wrong('hex', value, 'integers, byte buffers, and strings');
}

const plainDouble = (value: number): string => special(value) ?? (Object.is(value, -0) ? '-0' : String(value).replace(/e([+-])(\d)$/, 'e$10$2'));

/** %s takes any value that has a text. */
function printAny(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return plainDouble(value);
  if (value === null || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return `[${value.map(printAny).join(', ')}]`;
  if (value instanceof Map) return printMap(value as ReadonlyMap<Key, unknown>);
  return printWrapped(value);
}

function printWrapped(value: unknown): string {
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  if (value instanceof Timestamp) return printTimestamp(value);
  if (value instanceof Duration) return printDuration(value);
  if (value instanceof TypeValue) return value.name;
  return value instanceof Optional ? fail('no such overload') : wrong('string', value, 'strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps');
}

const printMap = (map: ReadonlyMap<Key, unknown>): string =>
  `{${Array.from(map, ([key, value]) => [printAny(key), printAny(value)] as const).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([key, value]) => `${key}: ${value}`).join(', ')}}`;
