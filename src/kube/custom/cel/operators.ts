// The operators that do not evaluate all of their operands, or take operands of any one type.
import type { Code } from './code.ts';
import type { Compiler } from './compile.ts';
import type { Expr } from './syntax.ts';
import { fits, join, plain, printType } from './types.ts';
import { equals, EvalError, keyFrom, Optional, sizeOf, typeName } from './values.ts';

type Call = Extract<Expr, { is: 'call' }>;
type Operator = (compiler: Compiler, call: Call) => Code;

const bool = plain('bool');

/** undefined: an ordinary function. */
export function compileOperator(compiler: Compiler, call: Call): Code | undefined {
  return Object.hasOwn(operators, call.name) ? operators[call.name]!(compiler, call) : undefined;
}

/** `&&` (decides on false) and `||` (decides on true): a deciding operand outweighs an error of the other. */
const logical = (name: string, decides: boolean): Operator => (compiler, call) => {
  const [left, right] = call.args.map((arg) => wantBool(compiler, compiler.code(arg), { name, at: call.at })) as [Code, Code];
  return {
    type: bool,
    run(frame) {
      const first = attempt(() => boolOf(left.run(frame)));
      if (first === decides) return decides;
      const second = attempt(() => boolOf(right.run(frame)));
      if (second === decides) return decides;
      if (first instanceof EvalError) throw first;
      if (second instanceof EvalError) throw second;
      return !decides;
    },
  };
};

function wantBool(compiler: Compiler, code: Code, { name, at }: { name: string; at: number }): Code {
  if (fits(code.type, bool) || compiler.environment.unchecked) return code;
  return compiler.fail(`found no matching overload for '${name}' applied to '(${printType(code.type)}, bool)'`, at);
}

/** The value, or the error that came instead; running out of budget is neither. */
export function attempt<T>(run: () => T): T | EvalError {
  try {
    return run();
  } catch (error) {
    if (error instanceof EvalError) return error;
    throw error;
  }
}

export function boolOf(value: unknown): boolean {
  if (typeof value !== 'boolean') throw new EvalError('no such overload');
  return value;
}

const conditional: Operator = (compiler, call) => {
  const [condition, yes, no] = call.args.map((arg) => compiler.code(arg)) as [Code, Code, Code];
  const type = join(yes.type, no.type);
  const isMixed = type.is === 'dyn' && yes.type.is !== 'dyn' && no.type.is !== 'dyn';
  if ((isMixed || !fits(condition.type, bool)) && !compiler.environment.unchecked) {
    const shown = [condition, yes, no].map((code) => printType(code.type)).join(', ');
    return compiler.fail(`found no matching overload for '_?_:_' applied to '(${shown})'`, call.at);
  }
  return { type, run: (frame) => (boolOf(condition.run(frame)) ? yes.run(frame) : no.run(frame)) };
};

const equality = (name: string, wanted: boolean): Operator => (compiler, call) => {
  const [left, right] = call.args.map((arg) => compiler.code(arg)) as [Code, Code];
  if (!fits(left.type, right.type) && !fits(right.type, left.type) && !compiler.environment.unchecked) {
    return compiler.fail(`found no matching overload for '${name}' applied to '(${printType(left.type)}, ${printType(right.type)})'`, call.at);
  }
  return {
    type: bool,
    run(frame) {
      const [a, b] = [left.run(frame), right.run(frame)];
      frame.budget.spend(1 + Math.min(deepSize(a), deepSize(b)) * 0.1);
      return equals(a, b) === wanted;
    },
  };
};

const deepestLook = 20;

/** Roughly how many values there are to compare. */
function deepSize(value: unknown, depth = 0): number {
  if (depth > deepestLook) return 1;
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + deepSize(item, depth + 1), 1);
  if (value instanceof Map) return [...value.values()].reduce((sum: number, item) => sum + deepSize(item, depth + 1), 1);
  return value instanceof Optional ? deepSize(value.value, depth + 1) : sizeOf(value);
}

const membership: Operator = (compiler, call) => {
  const [item, of] = call.args.map((arg) => compiler.code(arg)) as [Code, Code];
  const inner = of.type.is === 'list' ? of.type.item : of.type.is === 'map' ? of.type.key : of.type;
  const isContainer = of.type.is === 'list' || of.type.is === 'map' || of.type.is === 'dyn';
  if ((!isContainer || !(fits(item.type, inner) || fits(inner, item.type))) && !compiler.environment.unchecked) {
    return compiler.fail(`found no matching overload for '@in' applied to '(${printType(item.type)}, ${printType(of.type)})'`, call.at);
  }
  return {
    type: bool,
    run(frame) {
      const [value, container] = [item.run(frame), of.run(frame)];
      frame.budget.spend(1 + (Array.isArray(container) ? container.length : 0));
      if (Array.isArray(container)) return container.some((one) => equals(one, value));
      if (container instanceof Map) return hasKey(container, value);
      throw new EvalError(`no such overload: ${typeName(container)}`);
    },
  };
};

function hasKey(map: ReadonlyMap<unknown, unknown>, value: unknown): boolean {
  const key = attempt(() => keyFrom(value));
  return !(key instanceof EvalError) && map.has(key);
}

const operators: Readonly<Record<string, Operator>> = {
  '_&&_': logical('_&&_', false),
  '_||_': logical('_||_', true),
  '_?_:_': conditional,
  '_==_': equality('_==_', true),
  '_!=_': equality('_!=_', false),
  '@in': membership,
};
