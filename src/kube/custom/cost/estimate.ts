// What one run of an expression costs at most, before it is ever run: a walk over its tree with the sizes that its schema
// allows. Numbers as cel-go's estimator gives them, macros as what they stand for: loops with an accumulator.
import { environmentWith } from '../cel.ts';
import { compile } from '../cel/compile.ts';
import { parseExpression } from '../cel/parse.ts';
import type { Expr } from '../cel/syntax.ts';
import type { CelType } from '../cel/types.ts';
import { boundless, plus, times } from './amounts.ts';
import { type Argument, priceOf } from './call-costs.ts';
import { keySize, type Sized } from './sizes.ts';

interface Estimate {
  readonly cost: number;
  /** Where it is told by the form of the expression. */
  readonly size?: number;
  /** Where the value is part of the object. */
  readonly of?: Sized | undefined;
}

type Call = Extract<Expr, { is: 'call' }>;
type Types = ReadonlyMap<Expr, CelType>;
type Sizes = ReadonlyMap<string, Sized | undefined>;

/** What is known at one place of the tree. */
interface Scope {
  readonly types: Types;
  readonly sizes: Sizes;
}

const listCost = 10;
const mapCost = 30;
const structCost = 40;

/** For an expression that compiles. `sizes` by the names of its variables. */
export function estimateCost(source: string, variables: ReadonlyMap<string, CelType>, sizes: Sizes): number {
  const tree = parseExpression(source);
  const types = new Map<Expr, CelType>();
  compile(source, environmentWith(variables, { noteType: (expr, type) => void types.set(expr, type) }), tree);
  return walk(tree, { types, sizes }).cost;
}

const scalars = new Set(['int', 'uint', 'double', 'bool', 'timestamp', 'duration', 'type']);
const dyn: CelType = { is: 'dyn' };

const typeOf = (expr: Expr, { types }: Scope): CelType => types.get(expr) ?? dyn;

const sizeOf = (expr: Expr, { size, of }: Estimate, scope: Scope): number => size ?? of?.max ?? (scalars.has(typeOf(expr, scope).is) ? 1 : boundless);

const costOf = (expr: Expr, scope: Scope): number => walk(expr, scope).cost;

function walk(expr: Expr, scope: Scope): Estimate {
  switch (expr.is) {
    case 'literal':
      return { cost: 0, size: literalSize(expr.value) };
    case 'ident':
      return { cost: 1, of: scope.sizes.get(expr.name) };
    case 'select': {
      const { cost, of } = walk(expr.of, scope);
      return { cost: plus(cost, 1), of: of?.fields?.get(expr.field) };
    }
    case 'index': {
      const { cost, of } = walk(expr.of, scope);
      return { cost: plus(1, cost, costOf(expr.key, scope)), of: of?.item };
    }
    case 'list':
      return { cost: plus(listCost, ...expr.items.map(({ value }) => costOf(value, scope))), size: expr.items.length };
    case 'map':
      return { cost: plus(mapCost, ...expr.entries.flatMap(({ key, value }) => [costOf(key, scope), costOf(value, scope)])), size: expr.entries.length };
    case 'struct':
      return struct(expr, scope);
    default:
      return called(expr, scope);
  }
}

const struct = ({ fields }: Extract<Expr, { is: 'struct' }>, scope: Scope): Estimate => ({ cost: plus(structCost, ...fields.map(({ value }) => costOf(value, scope))) });

const called = (call: Call, scope: Scope): Estimate => special(call, scope) ?? loop(call, scope) ?? plainCall(call, scope);

/** undefined: it only looks like this form. */
type Form = (call: Call, scope: Scope) => Estimate | undefined;

// Only what is looked into is paid for, not the look.
const presence: Form = ({ target, args: [selected] }, scope) => (target || selected?.is !== 'select' ? undefined : { cost: costOf(selected.of, scope) });

const logical: Form = ({ args }, scope) => ({ cost: plus(...args.map((arg) => costOf(arg, scope))) });

const conditional: Form = ({ args }, scope) => {
  const [condition, yes, no] = args as [Expr, Expr, Expr];
  const [one, other] = [walk(yes, scope), walk(no, scope)];
  return { cost: plus(costOf(condition, scope), Math.max(one.cost, other.cost)), size: Math.max(sizeOf(yes, one, scope), sizeOf(no, other, scope)) };
};

const withSize = ({ types, sizes }: Scope, name: Expr, size: Sized | undefined): Scope => ({ types, sizes: new Map(sizes).set(nameOf(name), size) });

const binding: Form = ({ args }, scope) => {
  if (args.length !== 3) return undefined;
  const [name, value, body] = args as [Expr, Expr, Expr];
  const given = walk(value, scope);
  const inner = walk(body, withSize(scope, name, given.of));
  return { ...inner, cost: plus(listCost, given.cost, inner.cost) };
};

/** Asked whether it is there, and wrapped again. */
const optional: Form = ({ target, args }, scope) => {
  if (!target || args.length !== 2) return undefined;
  const inner = costOf(args[1]!, withSize(scope, args[0]!, undefined));
  return { cost: plus(costOf(target, scope), inner, listCost, 4) };
};

const forms: Readonly<Record<string, Form>> = { has: presence, '_&&_': logical, '_||_': logical, '_?_:_': conditional, bind: binding, optMap: optional, optFlatMap: optional };

const special: Form = (call, scope) => (Object.hasOwn(forms, call.name) ? forms[call.name]!(call, scope) : undefined);

/** undefined: no macro. */
function loop({ name, target, args }: Call, scope: Scope): Estimate | undefined {
  const known = Object.hasOwn(loops, name) ? loops[name]! : [];
  const form = known.find((one) => one.args === args.length && args.slice(0, one.variables).every(({ is }) => is === 'ident'));
  if (!form || !target) return undefined;
  const range = walk(target, scope);
  const places = walked(range.of, form.variables);
  const inner = args.slice(0, form.variables).reduce((around, variable, i) => withSize(around, variable, places[i]), scope);
  const bodies = args.slice(form.variables).map((body) => costOf(body, inner));
  const count = sizeOf(target, range, scope);
  return { cost: plus(range.cost, form.start, form.end, times(count, form.step(bodies))), size: count };
}

function plainCall({ name, target, args }: Call, scope: Scope): Estimate {
  const owner = target && isNamespace(target, scope) ? dotted(target) : undefined;
  const exprs = target && owner === undefined ? [target, ...args] : args;
  const given = exprs.map((expr) => ({ expr, ...walk(expr, scope) }));
  const known: Argument[] = given.map(({ expr, of, ...rest }) => ({ size: sizeOf(expr, { of, ...rest }, scope), type: typeOf(expr, scope), ...(of && { of }) }));
  const { cost, size } = priceOf(owner === undefined ? name : `${owner}.${name}`, known);
  return { cost: plus(cost, ...given.map((one) => one.cost)), ...(size !== undefined && { size }) };
}

function literalSize(value: Extract<Expr, { is: 'literal' }>['value']): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  return value instanceof Uint8Array ? value.length : 1;
}

const nameOf = (expr: Expr): string => (expr.is === 'ident' ? expr.name : '');

/** What the variables of a loop stand for: items or keys; with two, place and item, or key and value. */
function walked(range: Sized | undefined, variables: number): (Sized | undefined)[] {
  if (!range?.item) return [undefined, undefined].slice(0, variables);
  if (variables === 1) return [range.isMap ? keySize : range.item];
  return [range.isMap ? keySize : undefined, range.item];
}

/** `sets.contains(a, b)`: what stands before the dot is part of the name; the compiler gave it no type. */
const isNamespace = (expr: Expr, { types }: Scope): boolean => (expr.is === 'ident' || expr.is === 'select') && !types.has(expr);

function dotted(expr: Expr): string | undefined {
  if (expr.is === 'ident') return expr.name;
  const before = expr.is === 'select' ? dotted(expr.of) : undefined;
  return before && expr.is === 'select' ? `${before}.${expr.field}` : undefined;
}

interface Loop {
  readonly args: number;
  readonly variables: number;
  /** Before the first item, for each, and after the last. */
  readonly start: number;
  readonly end: number;
  step(bodies: readonly number[]): number;
}

const sum = (bodies: readonly number[]) => plus(...bodies);
/** Add one: the accumulator, a list of one, the sum. */
const append = 12;
const put = 3;

function quantifier(step: (bodies: readonly number[]) => number): Loop[] {
  return [1, 2].map((variables) => ({ args: variables + 1, variables, start: 0, end: 1, step }));
}

/** With a condition before the last body, or without. */
function collector(variables: number, { start, each }: { start: number; each: number }): Loop[] {
  const step = (bodies: readonly number[]) => plus(sum(bodies), each);
  return [variables + 1, variables + 2].map((args) => ({ args, variables, start, end: 1, step }));
}

const loops: Readonly<Record<string, readonly Loop[]>> = {
  all: quantifier((bodies) => plus(sum(bodies), 3)),
  exists: quantifier((bodies) => plus(sum(bodies), 4)),
  exists_one: quantifier((bodies) => plus(sum(bodies), 2)),
  existsOne: quantifier((bodies) => plus(sum(bodies), 2)),
  map: collector(1, { start: listCost, each: append }),
  // Keeps the variable itself, which is one step more.
  filter: [{ args: 2, variables: 1, start: listCost, end: 1, step: (bodies) => plus(sum(bodies), append + 1) }],
  transformList: collector(2, { start: listCost, each: append }),
  transformMap: collector(2, { start: mapCost, each: put }),
  transformMapEntry: collector(2, { start: mapCost, each: put }),
};
