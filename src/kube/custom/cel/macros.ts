// Macros: calls whose arguments are not values but expressions over new variables. With one variable they walk the items of
// a list or the keys of a map; with two, index and item, or key and value.
import type { Code, Run } from './code.ts';
import type { Compiler } from './compile.ts';
import { findField } from './access.ts';
import type { Frame } from './environment.ts';
import { attempt, boolOf } from './operators.ts';
import type { Expr } from './syntax.ts';
import { type CelType, dyn, fits, listOf, mapOf, optionalOf, plain, printType } from './types.ts';
import { EvalError, keyFrom, type Key, none, Optional } from './values.ts';

type Call = Extract<Expr, { is: 'call' }>;

const bool = plain('bool');

/** undefined: no macro. */
export function compileMacro(compiler: Compiler, call: Call): Code | undefined {
  const { name, target, args } = call;
  if (!target) return name === 'has' && args.length === 1 ? has(compiler, call) : undefined;
  if (name === 'bind' && args.length === 3 && isCel(target)) return bind(compiler, call);
  if ((name === 'optMap' || name === 'optFlatMap') && args.length === 2) return optionalMap(compiler, call);
  const shape = shapeOf(name, args);
  return shape && comprehension(compiler, call, shape);
}

const isCel = (target: Expr): boolean => target.is === 'ident' && target.name === 'cel';

const shapeOf = (name: string, args: readonly Expr[]): Shape | undefined =>
  Object.hasOwn(shapes, name) ? shapes[name]!.find((one) => one.args === args.length && isNamed(args, one.variables)) : undefined;

const isNamed = (args: readonly Expr[], count: number): boolean => args.slice(0, count).every(({ is }) => is === 'ident');

function has(compiler: Compiler, { args, at }: Call): Code {
  const [selected] = args;
  if (selected?.is !== 'select') return compiler.fail('invalid argument to has() macro', at);
  const of = compiler.code(selected.of);
  compiler.fieldType(of.type, selected.field, selected.at);
  const { field } = selected;
  return {
    type: bool,
    run(frame) {
      const value = of.run(frame);
      frame.budget.spend(1);
      if (value instanceof Optional) return value.isPresent && findField(value.value, field) !== undefined;
      return findField(value, field) !== undefined;
    },
  };
}

function nameOf(compiler: Compiler, expr: Expr | undefined): string {
  return expr?.is === 'ident' ? expr.name : compiler.fail('argument must be a simple name', expr?.at ?? 0);
}

function bind(compiler: Compiler, { args }: Call): Code {
  const value = compiler.code(args[1]!);
  return compiler.within([[nameOf(compiler, args[0]), value.type]], ([slot]) => {
    const body = compiler.code(args[2]!);
    return {
      type: body.type,
      run(frame) {
        // Looked at only if the body asks for it, but then the same value each time.
        frame.slots[slot!] = value.run(frame);
        return body.run(frame);
      },
    };
  });
}

function optionalMap(compiler: Compiler, { name, target, args, at }: Call): Code {
  const of = compiler.code(target!);
  if (of.type.is !== 'optional' && of.type.is !== 'dyn') compiler.fail(`found no matching overload for '${name}' applied to '${printType(of.type)}'`, at);
  const inner = of.type.is === 'optional' ? of.type.of : dyn;
  return compiler.within([[nameOf(compiler, args[0]), inner]], ([slot]) => {
    const body = compiler.code(args[1]!);
    const isFlat = name === 'optFlatMap';
    return {
      type: isFlat ? body.type : optionalOf(body.type),
      run(frame) {
        const value = of.run(frame);
        if (!(value instanceof Optional)) throw new EvalError('no such overload');
        if (!value.isPresent) return none;
        frame.slots[slot!] = value.value;
        const mapped = body.run(frame);
        return isFlat ? mapped : new Optional(true, mapped);
      },
    };
  });
}

type Walk = (visit: () => boolean) => void;

interface Parts {
  /** Calls back with the variables set, until that answers false. */
  walk: Walk;
  frame: Frame;
  /** The expressions after the variables. */
  bodies: readonly Run[];
}

interface Shape {
  args: number;
  variables: 1 | 2;
  /** Which of the bodies must be bool. */
  conditions: readonly number[];
  result(bodies: readonly CelType[], of: CelType): CelType;
  run(parts: Parts): unknown;
}

/** Errors count only if nothing decides without them. */
const quantifier = (decides: boolean) => ({ walk, frame, bodies }: Parts): boolean => {
  let failed: EvalError | undefined;
  let decided = false;
  walk(() => {
    const value = attempt(() => boolOf(bodies[0]!(frame)));
    if (value instanceof EvalError) failed ??= value;
    else decided = value === decides;
    return !decided;
  });
  if (!decided && failed) throw failed;
  return decided === decides;
};

function existsOne({ walk, frame, bodies }: Parts): boolean {
  let count = 0;
  walk(() => {
    if (boolOf(bodies[0]!(frame))) count += 1;
    return true;
  });
  return count === 1;
}

/** With two bodies the first one chooses. */
function collect({ walk, frame, bodies }: Parts): unknown[] {
  const items: unknown[] = [];
  const [choose, make] = bodies.length === 2 ? bodies : [undefined, bodies[0]];
  walk(() => {
    if (!choose || boolOf(choose(frame))) items.push(make!(frame));
    return true;
  });
  return items;
}

const bodyOf = (bodies: readonly CelType[]): CelType => bodies.at(-1)!;
const itemOf = (of: CelType): CelType => (of.is === 'list' ? of.item : of.is === 'map' ? of.key : dyn);

const test = (variables: 1 | 2, run: Shape['run']): Shape => ({ args: variables + 1, variables, conditions: [0], result: () => bool, run });

const one = (run: Shape['run']): Shape[] => [test(1, run), test(2, run)];

const shapes: Readonly<Record<string, readonly Shape[]>> = {
  all: one(quantifier(false)),
  exists: one(quantifier(true)),
  exists_one: one(existsOne),
  existsOne: one(existsOne),
  map: [
    { args: 2, variables: 1, conditions: [], result: (bodies) => listOf(bodyOf(bodies)), run: collect },
    { args: 3, variables: 1, conditions: [0], result: (bodies) => listOf(bodyOf(bodies)), run: collect },
  ],
  filter: [{ args: 2, variables: 1, conditions: [0], result: (_, of) => listOf(itemOf(of)), run: filter }],
  transformList: [
    { args: 3, variables: 2, conditions: [], result: (bodies) => listOf(bodyOf(bodies)), run: collect },
    { args: 4, variables: 2, conditions: [0], result: (bodies) => listOf(bodyOf(bodies)), run: collect },
  ],
  transformMap: [
    { args: 3, variables: 2, conditions: [], result: (bodies, of) => mapOf(keyOf(of), bodyOf(bodies)), run: collectMap },
    { args: 4, variables: 2, conditions: [0], result: (bodies, of) => mapOf(keyOf(of), bodyOf(bodies)), run: collectMap },
  ],
  transformMapEntry: [
    { args: 3, variables: 2, conditions: [], result: bodyOf, run: collectEntries },
    { args: 4, variables: 2, conditions: [0], result: bodyOf, run: collectEntries },
  ],
};

const keyOf = (of: CelType): CelType => (of.is === 'map' ? of.key : of.is === 'list' ? plain('int') : dyn);

/** The first variable of a walk holds the item that is kept. */
function filter({ walk, frame, bodies }: Parts & { slots?: number[] }): unknown[] {
  const items: unknown[] = [];
  walk(() => {
    if (boolOf(bodies[0]!(frame))) items.push(bodies[1]!(frame));
    return true;
  });
  return items;
}

function collectMap({ walk, frame, bodies }: Parts): Map<Key, unknown> {
  const map = new Map<Key, unknown>();
  // The last body answers the key: see comprehension().
  const key = bodies.at(-1)!;
  const [choose, make] = bodies.length === 3 ? bodies : [undefined, bodies[0]];
  walk(() => {
    if (!choose || boolOf(choose(frame))) map.set(keyFrom(key(frame)), make!(frame));
    return true;
  });
  return map;
}

function collectEntries({ walk, frame, bodies }: Parts): Map<Key, unknown> {
  const map = new Map<Key, unknown>();
  for (const entry of collect({ walk, frame, bodies })) {
    for (const [key, value] of entry as ReadonlyMap<Key, unknown>) {
      if (map.has(key)) throw new EvalError(`insert failed: key ${String(key)} already exists`);
      map.set(key, value);
    }
  }
  return map;
}

function comprehension(compiler: Compiler, call: Call, shape: Shape): Code {
  const of = compiler.code(call.target!);
  if (!isRange(of.type) && !compiler.environment.unchecked) {
    compiler.fail(`expression of type '${printType(of.type)}' cannot be range of a comprehension (must be list, map, or dynamic)`, call.target!.at);
  }
  const names = call.args.slice(0, shape.variables).map((arg) => nameOf(compiler, arg));
  const types = shape.variables === 1 ? [itemOf(of.type)] : [keyOf(of.type), valueOf(of.type)];
  return compiler.within(names.map((name, i) => [name, types[i]!] as const), (slots) => {
    const bodies = call.args.slice(shape.variables).map((arg) => compiler.code(arg));
    for (const at of shape.conditions) wantBool(compiler, bodies[at]!, call);
    // What a walk goes through can itself be asked for: the item for filter, the key for transformMap.
    const runs: Run[] = [...bodies.map(({ run }) => run), ...(needsItem.has(call.name) ? [({ slots: values }: Frame) => values[slots[0]!]] : [])];
    return {
      type: shape.result(bodies.map(({ type }) => type), of.type),
      run: (frame) => shape.run({ frame, bodies: runs, walk: walkOver(of.run(frame), frame, slots) }),
    };
  });
}

const isRange = ({ is }: CelType): boolean => is === 'list' || is === 'map' || is === 'dyn';
const valueOf = (of: CelType): CelType => (of.is === 'list' ? of.item : of.is === 'map' ? of.value : dyn);

const needsItem = new Set(['filter', 'transformMap']);

function wantBool(compiler: Compiler, body: Code, { at, name }: Call): void {
  if (fits(body.type, bool) || compiler.environment.unchecked) return;
  compiler.fail(`found no matching overload for '${name}' applied to '(${printType(body.type)})'`, at);
}

function walkOver(range: unknown, frame: Frame, slots: readonly number[]): Walk {
  const pairs = pairsOf(range, slots.length === 2);
  return (visit) => {
    for (const [first, second] of pairs) {
      frame.budget.spend(2);
      frame.slots[slots[0]!] = first;
      if (slots.length === 2) frame.slots[slots[1]!] = second;
      if (!visit()) return;
    }
  };
}

function* pairsOf(range: unknown, both: boolean): Generator<[unknown, unknown?]> {
  if (range instanceof Map) yield* range;
  else if (Array.isArray(range)) for (const [i, item] of range.entries()) yield both ? [BigInt(i), item] : [item];
  else throw new EvalError('no such overload');
}
