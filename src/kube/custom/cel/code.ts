// The smallest pieces of compiled expressions: literals, optional access, and calls whose overload is chosen when they run.
import { found, raise } from './access.ts';
import type { Frame, Overload } from './environment.ts';
import type { Expr } from './syntax.ts';
import { type CelType, optionalOf, plain } from './types.ts';
import { isOf, none, Optional, TypeValue, Uint } from './values.ts';

export type Run = (frame: Frame) => unknown;

export interface Code {
  readonly type: CelType;
  readonly run: Run;
}

/** Chooses among overloads by what the arguments are; one that is certain needs no choice. */
export function runOverload(overloads: readonly Overload[], args: readonly Code[]): Run {
  const [only] = overloads;
  const certain = overloads.length === 1 && args.every(({ type }, i) => type.is !== 'dyn' || only!.params[i]!.is === 'dyn' || only!.params[i]!.is === 'param');
  const runs = args.map(({ run }) => run);
  if (certain) {
    const { run } = only!;
    return (frame) => {
      const values = runs.map((one) => one(frame));
      frame.budget.spend(1);
      return run(values, frame.budget);
    };
  }
  return (frame) => {
    const values = runs.map((one) => one(frame));
    frame.budget.spend(1);
    const chosen = overloads.find(({ params }) => values.every((value, i) => isOf(value, params[i]!)));
    if (!chosen) return raise(`no such overload`);
    return chosen.run(values, frame.budget);
  };
}

const literalTypes: Readonly<Record<string, CelType>> = { bigint: plain('int'), number: plain('double'), string: plain('string'), boolean: plain('bool') };

export function literal(value: Extract<Expr, { is: 'literal' }>['value']): Code {
  const simple = literalTypes[typeof value];
  if (simple) return { type: simple, run: () => value };
  if (value === null) return { type: plain('null'), run: () => null };
  if (value instanceof Uint8Array) return { type: plain('bytes'), run: () => value };
  const uint = new Uint((value as { uint: bigint }).uint);
  return { type: plain('uint'), run: () => uint };
}

export const typeLiteral = (name: string): Code => {
  const value = new TypeValue(name);
  return { type: plain('type'), run: () => value };
};

export function optionalAccess(of: Code, { type, find }: { type: CelType; find(value: unknown, frame: Frame): unknown }): Code {
  return {
    type: optionalOf(type),
    run(frame) {
      const value = of.run(frame);
      frame.budget.spend(1);
      if (value instanceof Optional) return value.isPresent ? found(find(value.value, frame)) : none;
      return found(find(value, frame));
    },
  };
}
