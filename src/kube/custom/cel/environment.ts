// What an expression may use: functions by name, each with its overloads, written as `string.contains(string): bool`.
import type { Expr } from './syntax.ts';
import { type CelType, parseType, splitTypes } from './types.ts';
import { OutOfBudget } from './values.ts';

/** One run of an expression: the values of its variables, and what it has cost so far. */
export interface Frame {
  readonly slots: unknown[];
  readonly budget: Budget;
}

// A class because it counts: shared by all expressions that are paid from it.
export class Budget {
  #left: number;
  constructor(limit: number) {
    this.#left = limit;
  }
  get left(): number {
    return this.#left;
  }
  /** Throws OutOfBudget. One unit is about one step. */
  spend(cost: number): void {
    this.#left -= cost;
    if (this.#left < 0) throw new OutOfBudget('operation cancelled: actual cost limit exceeded');
  }
}

// The signature says what the arguments are; they are checked against it before.
export type Implementation = (args: any, budget: Budget) => unknown;

export interface Overload {
  /** The first is the target of a member call. */
  readonly params: readonly CelType[];
  readonly isMember: boolean;
  readonly result: CelType;
  readonly run: Implementation;
}

export type Functions = ReadonlyMap<string, readonly Overload[]>;

/** Signature → what it does. Two signatures of one name are two overloads. */
export type Library = readonly (readonly [signature: string, run: Implementation])[];

const signatureShape = /^(?:([^(]+)\.)?([^.(]+|[\w.]+)\((.*)\): (.+)$/s;

function readSignature(signature: string, run: Implementation): [name: string, overload: Overload] {
  const [, target, name = '', params = '', result = ''] = signatureShape.exec(signature) ?? [];
  // `ip.isCanonical(string)` is a function with a dot in its name; a target is one of the types below.
  const isMember = target !== undefined && targetTypes.test(target);
  const types = [...(isMember ? [target] : []), ...splitTypes(params)].map(parseType);
  return [isMember || target === undefined ? name : `${target}.${name}`, { params: types, isMember, result: parseType(result), run }];
}

const targetTypes = /^(?:list|map|optional)<|^(?:int|uint|double|string|bool|bytes|dyn|timestamp|duration|[A-Z])$|^(?:kubernetes|net)\./;

export function createFunctions(...libraries: readonly Library[]): Functions {
  const functions = new Map<string, Overload[]>();
  for (const [signature, run] of libraries.flat()) {
    const [name, overload] = readSignature(signature, run);
    const known = functions.get(name);
    if (known) known.push(overload);
    else functions.set(name, [overload]);
  }
  return functions;
}

export interface Environment {
  readonly functions: Functions;
  readonly variables: ReadonlyMap<string, CelType>;
  /** Names of types that may stand in an expression. */
  readonly typeNames: ReadonlySet<string>;
  /** Lists and maps may mix types; Kubernetes refuses that. */
  readonly mixedLiterals?: boolean;
  /** No types are known beforehand: what does not fit is found out when it runs. */
  readonly unchecked?: boolean;
  /** Which types expressions may make, and which fields these have; absent: none. */
  hasField?(type: string, field: string): boolean;
  /** Told of every part of an expression when it is compiled. */
  noteType?(expr: Expr, type: CelType): void;
}
