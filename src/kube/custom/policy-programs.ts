// A ValidatingAdmissionPolicy as programs, and what they say about one write. Pure: which policies apply is decided elsewhere.
import { messageOrUndefined, type PolicyAnswer } from './policy-answer.ts';
import { compileExpression, type Program } from './cel.ts';
import { Budget } from './cel/environment.ts';
import { jsonValue } from './cel/schema-type.ts';
import { CompileError } from './cel/syntax.ts';
import { type CelType, dyn } from './cel/types.ts';
import { EvalError, OutOfBudget } from './cel/values.ts';
import type { ValidatingAdmissionPolicy } from '../objects/admission.ts';

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

interface Compiled {
  variables: readonly (readonly [name: string, program: Program])[];
  conditions: readonly (readonly [name: string, program: Program])[];
  validations: readonly { program: Program; message?: Program }[];
}

const known = new WeakMap<ValidatingAdmissionPolicy, Compiled | CompileError>();

function compiled(policy: ValidatingAdmissionPolicy): Compiled | CompileError {
  const before = known.get(policy);
  if (before) return before;
  const programs = compileAll(policy);
  known.set(policy, programs);
  return programs;
}

function compileAll({ spec }: ValidatingAdmissionPolicy): Compiled | CompileError {
  const one = (expression: string) => compileExpression(expression, policyVariables);
  try {
    return {
      variables: (spec.variables ?? []).map(({ name, expression }) => [name, one(expression)] as const),
      conditions: (spec.matchConditions ?? []).map(({ name, expression }) => [name, one(expression)] as const),
      validations: (spec.validations ?? []).map(({ expression, messageExpression }) => ({ program: one(expression), ...(messageExpression && { message: one(messageExpression) }) })),
    };
  } catch (error) {
    // A policy that was stored before its language was known: it fails like one that cannot be evaluated.
    if (error instanceof CompileError) return error;
    throw error;
  }
}

const budgetPerPolicy = 10_000_000;

/** What the policy says against the write; [] when nothing. An `error` falls under its failurePolicy. */
export function evaluatePolicy(policy: ValidatingAdmissionPolicy, input: PolicyInput): PolicyAnswer[] {
  const programs = compiled(policy);
  if (programs instanceof CompileError) return [{ error: true, message: `compilation error: ${programs.message}` }];
  const budget = new Budget(budgetPerPolicy);
  const values: Record<string, unknown> = { params: null, namespaceObject: null };
  for (const [name, value] of Object.entries(input)) values[name] = jsonValue(value);
  values['object'] ??= null;
  values['oldObject'] ??= null;
  values['variables'] = new LazyVariables(programs.variables, (program) => program.run(values, budget));
  const skipped = conditionAnswers(programs, values, budget);
  if (skipped) return skipped;
  return programs.validations.flatMap(({ program, message }, i): PolicyAnswer[] => {
    const said = policy.spec.validations![i]!;
    const found = attempt(() => program.run(values, budget));
    if (found === true) return [];
    if (found instanceof Error) return [{ error: true, message: `expression '${said.expression}' resulted in error: ${found.message}` }];
    const text = message && messageOrUndefined(attempt(() => message.run(values, budget)));
    return [{ error: false, message: text ?? (said.message?.trim() || `failed expression: ${said.expression.trim()}`), ...(said.reason && { reason: said.reason }) }];
  });
}

/** undefined: all conditions hold, so the validations count. A false one outweighs those that fail. */
function conditionAnswers({ conditions }: Compiled, values: Record<string, unknown>, budget: Budget): PolicyAnswer[] | undefined {
  const found = conditions.map(([name, program]) => ({ name, value: attempt(() => program.run(values, budget)) }));
  if (found.some(({ value }) => value === false)) return [];
  const failed = found.find(({ value }) => value !== true);
  if (!failed) return undefined;
  const why = failed.value instanceof Error ? failed.value.message : 'it is no bool';
  return [{ error: true, message: `matchCondition '${failed.name}' resulted in error: ${why}` }];
}

function attempt(run: () => unknown): unknown {
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

  constructor(programs: readonly (readonly [string, Program])[], run: (program: Program) => unknown) {
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
