// What the expressions of every admission policy see, whether it judges or changes: the write, parameters, and variables
// that are made when they are asked for; and the conditions that decide whether the policy has anything to say.
import type { PolicyAnswer } from './policy-answer.ts';
import { compileExpression, type Program } from './cel.ts';
import type { Budget } from './cel/environment.ts';
import { jsonValue } from './cel/schema-type.ts';
import { type CelType, dyn } from './cel/types.ts';
import { EvalError, OutOfBudget } from './cel/values.ts';
import type { NamedExpression } from '../objects/admission.ts';

/** What expressions of a policy may name; their types are not known beforehand. */
export const policyVariables: ReadonlyMap<string, CelType> = new Map(
  ['object', 'oldObject', 'request', 'params', 'namespaceObject', 'variables'].map((name) => [name, dyn]),
);

export interface PolicyInput {
  object?: unknown;
  oldObject?: unknown;
  request: object;
  params?: unknown;
  namespaceObject?: unknown;
}

type Named = readonly (readonly [name: string, program: Program])[];

/** The programs that all policies have. */
export interface PolicySetting {
  readonly variables: Named;
  readonly conditions: Named;
}

/** Throws CompileError. */
export function compileSetting({ variables = [], matchConditions = [] }: { variables?: NamedExpression[]; matchConditions?: NamedExpression[] }, compile = (source: string): Program => compileExpression(source, policyVariables)): PolicySetting {
  const all = (list: readonly NamedExpression[]): Named => list.map(({ name, expression }) => [name, compile(expression)] as const);
  return { variables: all(variables), conditions: all(matchConditions) };
}

export type PolicyValues = Record<string, unknown>;

export function policyValues({ variables }: PolicySetting, input: PolicyInput, budget: Budget): PolicyValues {
  const values: PolicyValues = { params: null, namespaceObject: null };
  for (const [name, value] of Object.entries(input)) values[name] = jsonValue(value);
  values['object'] ??= null;
  values['oldObject'] ??= null;
  values['variables'] = new LazyVariables(variables, (program) => program.run(values, budget));
  return values;
}

/** undefined: all conditions hold, so the policy counts. A false one outweighs those that fail. */
export function conditionAnswers({ conditions }: PolicySetting, values: PolicyValues, budget: Budget): PolicyAnswer[] | undefined {
  const found = conditions.map(([name, program]) => ({ name, value: attempt(() => program.run(values, budget)) }));
  if (found.some(({ value }) => value === false)) return [];
  const failed = found.find(({ value }) => value !== true);
  if (!failed) return undefined;
  const why = failed.value instanceof Error ? failed.value.message : 'it is no bool';
  return [{ error: true, message: `matchCondition '${failed.name}' resulted in error: ${why}` }];
}

/** The value, or the error that came instead. */
export function attempt(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    if (error instanceof EvalError || error instanceof OutOfBudget) return error;
    throw error;
  }
}

// A map whose values are made when they are asked for: a variable that nobody uses costs nothing and cannot fail.
class LazyVariables extends Map<string, unknown> {
  readonly #programs: ReadonlyMap<string, Program>;
  readonly #run: (program: Program) => unknown;

  constructor(programs: Named, run: (program: Program) => unknown) {
    super();
    this.#programs = new Map(programs);
    this.#run = run;
  }

  override get(name: string): unknown {
    const program = this.#programs.get(name);
    if (!super.has(name) && program) {
      // Until it is made it is absent, so that a variable cannot wait for itself.
      super.set(name, undefined);
      super.set(name, this.#run(program));
    }
    return super.get(name);
  }
}
