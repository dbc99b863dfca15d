// A ValidatingAdmissionPolicy as programs, and what they say about one write. Pure: which policies apply is decided elsewhere.
import { messageOrUndefined, type PolicyAnswer } from './policy-answer.ts';
import { compileExpression, type Program } from './cel.ts';
import { Budget } from './cel/environment.ts';
import { CompileError } from './cel/syntax.ts';
import { attempt, compileSetting, conditionAnswers, type PolicyInput, policyValues, policyVariables, type PolicySetting } from './policy-setting.ts';
import type { ValidatingAdmissionPolicy } from '../objects/admission.ts';

interface Compiled extends PolicySetting {
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
      ...compileSetting(spec),
      validations: (spec.validations ?? []).map(({ expression, messageExpression }) => ({ program: one(expression), ...(messageExpression && { message: one(messageExpression) }) })),
    };
  } catch (error) {
    // A policy that was stored before its language was known: it fails like one that cannot be evaluated.
    if (error instanceof CompileError) return error;
    throw error;
  }
}

export const budgetPerPolicy = 10_000_000;

/** What the policy says against the write; [] when nothing. An `error` falls under its failurePolicy. */
export function evaluatePolicy(policy: ValidatingAdmissionPolicy, input: PolicyInput): PolicyAnswer[] {
  const programs = compiled(policy);
  if (programs instanceof CompileError) return [{ error: true, message: `compilation error: ${programs.message}` }];
  const budget = new Budget(budgetPerPolicy);
  const values = policyValues(programs, input, budget);
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
