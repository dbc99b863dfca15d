// Arithmetic and order. Integers are 64 bits wide and overflow is an error, never a wrong number.
import type { Budget, Library } from '../environment.ts';
import { codePoints, compareNumbers, Duration, EvalError, lookup, mergeBy, sizeOf, Timestamp, Uint } from '../values.ts';

const fail = (message: string): never => {
  throw new EvalError(message);
};

export const int = (value: bigint): bigint => (BigInt.asIntN(64, value) === value ? value : fail('integer overflow'));
export const uint = (value: bigint): Uint => (value >= 0n && BigInt.asUintN(64, value) === value ? new Uint(value) : fail('unsigned integer overflow'));
export const duration = (ns: bigint): Duration => (BigInt.asIntN(64, ns) === ns ? new Duration(ns) : fail('integer overflow'));

// Years 1 to 9999.
const firstSecond = -62_135_596_800n;
const lastSecond = 253_402_300_799n;
const nanos = 1_000_000_000n;

export function timestamp(ns: bigint): Timestamp {
  const seconds = ns >= 0n ? ns / nanos : -((-ns + nanos - 1n) / nanos);
  return seconds < firstSecond || seconds > lastSecond ? fail('timestamp overflow') : new Timestamp(ns);
}

type Bytes = Uint8Array;

const tests = { '<': (n: number) => n < 0, '<=': (n: number) => n <= 0, '>': (n: number) => n > 0, '>=': (n: number) => n >= 0 } as const;

export const arithmetic: Library = [
  ['_+_(int, int): int', ([a, b]: [bigint, bigint]) => int(a + b)],
  ['_+_(uint, uint): uint', ([a, b]: [Uint, Uint]) => uint(a.value + b.value)],
  ['_+_(double, double): double', ([a, b]: [number, number]) => a + b],
  ['_+_(string, string): string', ([a, b]: [string, string], budget) => spent(budget, a.length + b.length) && a + b],
  ['_+_(bytes, bytes): bytes', ([a, b]: [Bytes, Bytes], budget) => spent(budget, a.length + b.length) && Uint8Array.from([...a, ...b])],
  ['_+_(list<A>, list<A>): list<A>', ([a, b]: [unknown[], unknown[]], budget) => spent(budget, (a.length + b.length) * 10) && joinLists(a, b)],
  ['_+_(duration, duration): duration', ([a, b]: [Duration, Duration]) => duration(a.ns + b.ns)],
  ['_+_(timestamp, duration): timestamp', ([a, b]: [Timestamp, Duration]) => timestamp(a.ns + b.ns)],
  ['_+_(duration, timestamp): timestamp', ([a, b]: [Duration, Timestamp]) => timestamp(a.ns + b.ns)],
  ['_-_(int, int): int', ([a, b]: [bigint, bigint]) => int(a - b)],
  ['_-_(uint, uint): uint', ([a, b]: [Uint, Uint]) => uint(a.value - b.value)],
  ['_-_(double, double): double', ([a, b]: [number, number]) => a - b],
  ['_-_(duration, duration): duration', ([a, b]: [Duration, Duration]) => duration(a.ns - b.ns)],
  ['_-_(timestamp, timestamp): duration', ([a, b]: [Timestamp, Timestamp]) => duration(a.ns - b.ns)],
  ['_-_(timestamp, duration): timestamp', ([a, b]: [Timestamp, Duration]) => timestamp(a.ns - b.ns)],
  ['_*_(int, int): int', ([a, b]: [bigint, bigint]) => int(a * b)],
  ['_*_(uint, uint): uint', ([a, b]: [Uint, Uint]) => uint(a.value * b.value)],
  ['_*_(double, double): double', ([a, b]: [number, number]) => a * b],
  ['_/_(int, int): int', ([a, b]: [bigint, bigint]) => (b === 0n ? fail('division by zero') : int(a / b))],
  ['_/_(uint, uint): uint', ([a, b]: [Uint, Uint]) => (b.value === 0n ? fail('division by zero') : uint(a.value / b.value))],
  ['_/_(double, double): double', ([a, b]: [number, number]) => a / b],
  ['_%_(int, int): int', ([a, b]: [bigint, bigint]) => (b === 0n ? fail('modulus by zero') : a % b)],
  ['_%_(uint, uint): uint', ([a, b]: [Uint, Uint]) => (b.value === 0n ? fail('modulus by zero') : uint(a.value % b.value))],
  ['-_(int): int', ([a]: [bigint]) => int(-a)],
  ['-_(double): double', ([a]: [number]) => -a],
  ['-_(duration): duration', ([a]: [Duration]) => duration(-a.ns)],
  ['!_(bool): bool', ([a]: [boolean]) => !a],
  ...ordered(),
];

/** For use in front of a value: spends, then answers true. */
export function spent(budget: Budget, bytes: number): true {
  budget.spend(Math.ceil(bytes / 10));
  return true;
}

/** A set or map of a schema takes over what is new and, of a map, replaces what has the same keys. */
function joinLists(a: readonly unknown[], b: readonly unknown[]): unknown[] {
  const how = mergeBy.get(a);
  if (!how) return [...a, ...b];
  const [inA, inB] = [lookup(a, how), lookup(b, how)];
  const kept = a.map((item) => inB(item)[0] ?? item);
  const joined = [...kept, ...b.filter((item) => inA(item).length === 0)];
  mergeBy.set(joined, how);
  return joined;
}

function ordered(): Library {
  const numbers = ['int', 'uint', 'double'];
  return Object.entries(tests).flatMap(([sign, holds]) => [
    ...numbers.flatMap((a) => numbers.map((b) => [`_${sign}_(${a}, ${b}): bool`, (args: any) => holds(compareNumbers(args[0], args[1]))] as const)),
    ...['bool', 'string', 'bytes', 'timestamp', 'duration'].map((type) => [`_${sign}_(${type}, ${type}): bool`, (args: any, budget: Budget) => spent(budget, sizeOf(args[0])) && holds(compare(args[0], args[1]))] as const),
  ]);
}

/** Two values of one type that has an order. */
export function compare(a: unknown, b: unknown): number {
  if (typeof a === 'string') return compareText(a, b as string);
  if (a instanceof Uint8Array) return Buffer.compare(a, b as Uint8Array);
  if (a instanceof Timestamp || a instanceof Duration) return compareNumbers(a.ns, (b as Timestamp).ns);
  if (typeof a === 'boolean') return Number(a) - Number(b);
  return compareNumbers(a as bigint, b as bigint);
}

/** By code points: UTF-16 would put emoji before some letters. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const [left, right] = [codePoints(a), codePoints(b)];
  const at = left.findIndex((letter, i) => letter !== right[i]);
  if (at < 0) return -1;
  return right[at] === undefined || left[at]!.codePointAt(0)! > right[at].codePointAt(0)! ? 1 : -1;
}
