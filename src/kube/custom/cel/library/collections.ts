// Lists, sets and optional values: the extension libraries that Kubernetes adds.
import type { Budget, Library } from '../environment.ts';
import { Duration, equals, EvalError, none, Optional, Uint } from '../values.ts';
import { compare, duration, int, uint } from './arithmetic.ts';

const fail = (message: string): never => {
  throw new EvalError(message);
};

type List = readonly unknown[];

function isSorted([list]: any, budget: Budget): boolean {
  budget.spend(list.length);
  return (list as List).every((item, i) => i === 0 || compare(list[i - 1], item) <= 0);
}

const extreme = (sign: 1 | -1) => ([list]: any, budget: Budget): unknown => {
  budget.spend(list.length);
  if (list.length === 0) return fail(`${sign < 0 ? 'min' : 'max'} called on empty list`);
  return (list as List).reduce((best, item) => (compare(item, best) * sign > 0 ? item : best));
};

function sum(list: List, zero: unknown): unknown {
  return list.reduce((total, item) => {
    if (typeof item === 'bigint') return int((total as bigint) + item);
    if (item instanceof Uint) return uint((total as Uint).value + item.value);
    return item instanceof Duration ? duration((total as Duration).ns + item.ns) : (total as number) + (item as number);
  }, zero);
}

const counted = (run: (list: List, item: unknown) => unknown) => ([list, item]: any, budget: Budget): unknown => {
  budget.spend(list.length);
  return run(list, item);
};

function slice([list, from, to]: [List, bigint, bigint], budget: Budget): unknown[] {
  if (from < 0n || to < from || to > BigInt(list.length)) return fail(`cannot slice(${from}, ${to}), list length is ${list.length}`);
  budget.spend(Number(to - from) / 10);
  return list.slice(Number(from), Number(to));
}

function flatten(list: List, depth: number, budget: Budget): unknown[] {
  budget.spend(list.length);
  return list.flatMap((item) => (Array.isArray(item) && depth > 0 ? flatten(item, depth - 1, budget) : [item]));
}

const ordered = ['int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes'];
const zeros: readonly (readonly [string, unknown])[] = [['int', 0n], ['uint', new Uint(0n)], ['double', 0], ['duration', new Duration(0n)]];

const lists: Library = [
  ...ordered.flatMap((type): Library => [
    [`list<${type}>.isSorted(): bool`, isSorted],
    [`list<${type}>.min(): ${type}`, extreme(-1)],
    [`list<${type}>.max(): ${type}`, extreme(1)],
  ]),
  ...zeros.map(([type, zero]) => [`list<${type}>.sum(): ${type}`, ([list]: any, budget: Budget) => (budget.spend(list.length), sum(list, zero))] as const),
  ['list<A>.indexOf(A): int', counted((list, item) => BigInt(list.findIndex((one) => equals(one, item))))],
  ['list<A>.lastIndexOf(A): int', counted((list, item) => BigInt(list.findLastIndex((one) => equals(one, item))))],
  ['list<A>.slice(int, int): list<A>', slice],
  ['list<list<A>>.flatten(): list<A>', ([list]: [List], budget) => flatten(list, 1, budget)],
  ['list<dyn>.flatten(int): list<dyn>', ([list, depth]: [List, bigint], budget) => (depth < 0n ? fail('level must be non-negative') : flatten(list, Math.min(Number(depth), 100), budget))],
  ['list<A>.reverse(): list<A>', ([list]: [List], budget) => (budget.spend(list.length), list.toReversed())],
];

const holds = (all: List, some: List): boolean => some.every((item) => all.some((one) => equals(one, item)));
const setTest = (test: (a: List, b: List) => boolean) => ([a, b]: any, budget: Budget): boolean => {
  budget.spend(a.length * b.length + 1);
  return test(a, b);
};

const sets: Library = [
  ['sets.contains(list<A>, list<A>): bool', setTest(holds)],
  ['sets.equivalent(list<A>, list<A>): bool', setTest((a, b) => holds(a, b) && holds(b, a))],
  ['sets.intersects(list<A>, list<A>): bool', setTest((a, b) => a.some((item) => b.some((one) => equals(one, item))))],
];

const isZero = (value: unknown): boolean => {
  if (value === null || value === 0 || value === 0n || value === '' || value === false) return true;
  if (value instanceof Uint) return value.value === 0n;
  if (value instanceof Duration) return value.ns === 0n;
  if (value instanceof Map) return value.size === 0;
  return (Array.isArray(value) || value instanceof Uint8Array) && value.length === 0;
};

const optionals: Library = [
  ['optional.none(): optional<A>', () => none],
  ['optional.ofNonZeroValue(A): optional<A>', ([value]) => (isZero(value) ? none : new Optional(true, value))],
  ['optional<A>.hasValue(): bool', ([one]: [Optional]) => one.isPresent],
  ['optional<A>.value(): A', ([one]: [Optional]) => (one.isPresent ? one.value : fail('optional.none() dereference'))],
  ['optional<A>.or(optional<A>): optional<A>', ([one, other]: [Optional, Optional]) => (one.isPresent ? one : other)],
  ['optional<A>.orValue(A): A', ([one, other]: [Optional, unknown]) => (one.isPresent ? one.value : other)],
  ['optional.unwrap(list<optional<A>>): list<A>', ([list]: [Optional[]]) => list.filter(({ isPresent }) => isPresent).map(({ value }) => value)],
  ['list<optional<A>>.unwrapOpt(): list<A>', ([list]: [Optional[]]) => list.filter(({ isPresent }) => isPresent).map(({ value }) => value)],
];

export const collections: Library = [...lists, ...sets, ...optionals];
