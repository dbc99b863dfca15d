// A MutatingAdmissionPolicy as programs, and the patches that they make of one write. Pure; the patches are applied elsewhere,
// one after the other, each expression seeing what the one before has changed.
import type { Budget } from './cel/environment.ts';
import { environmentWith, type Program } from './cel.ts';
import { compile } from './cel/compile.ts';
import { type Functions } from './cel/environment.ts';
import { printDuration, printTimestamp } from './cel/library/time.ts';
import { CompileError } from './cel/syntax.ts';
import { plain } from './cel/types.ts';
import { Duration, EvalError, isOpaque, Optional, Timestamp, Uint } from './cel/values.ts';
import type { PolicyAnswer } from './policy-answer.ts';
import { attempt, compileSetting, conditionAnswers, type PolicyInput, policyValues, policyVariables, type PolicySetting } from './policy-setting.ts';
import type { MutatingAdmissionPolicy, Mutation } from '../objects/admission.ts';

const patchFields = new Set(['op', 'path', 'from', 'value']);
/** `Object`, `Object.spec`, …: any fields, the kinds are many; a patch has its own. */
const hasField = (type: string, field: string): boolean => (type === 'JSONPatch' ? patchFields.has(field) : /^Object(?:\.|$)/.test(type));

const escapeKey = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');
const string = plain('string');
const withPatches = (functions: Functions): Functions =>
  new Map(functions).set('jsonpatch.escapeKey', [{ params: [string], isMember: false, result: string, run: ([key]: [string]) => escapeKey(key) }]);

const environment = (() => {
  const usual = environmentWith(policyVariables);
  return { ...usual, functions: withPatches(usual.functions), hasField };
})();

/** Throws CompileError. */
export const compileMutation = (source: string): Program => compile(source, environment);

interface Compiled extends PolicySetting {
  readonly mutations: readonly { patchType: Mutation['patchType']; program: Program }[];
}

const known = new WeakMap<MutatingAdmissionPolicy, Compiled | CompileError>();

export function compiledMutations(policy: MutatingAdmissionPolicy): Compiled | CompileError {
  let programs = known.get(policy);
  if (!programs) known.set(policy, (programs = compileAll(policy)));
  return programs;
}

function compileAll({ spec }: MutatingAdmissionPolicy): Compiled | CompileError {
  try {
    const mutations = (spec.mutations ?? []).map(({ patchType, applyConfiguration, jsonPatch }) => ({ patchType, program: compileMutation((applyConfiguration ?? jsonPatch)?.expression ?? '') }));
    return { ...compileSetting(spec, compileMutation), mutations };
  } catch (error) {
    if (error instanceof CompileError) return error;
    throw error;
  }
}

/** What one expression of a policy asks for. */
export type ObjectPatch = { readonly type: 'ApplyConfiguration'; readonly wanted: Record<string, unknown> } | { readonly type: 'JSONPatch'; readonly operations: readonly unknown[] };

/** Whether the policy has anything to say: undefined, or its conditions' answer. */
export const mutationConditions = (programs: Compiled, input: PolicyInput, budget: Budget): PolicyAnswer[] | undefined =>
  conditionAnswers(programs, policyValues(programs, input, budget), budget);

/** The patch of one mutation, given the object as it is by now; an Error says why there is none. */
export function patchOf(programs: Compiled, at: number, input: PolicyInput, budget: Budget): ObjectPatch | Error {
  const { patchType, program } = programs.mutations[at]!;
  const found = attempt(() => readPatch(patchType, jsonOf(program.run(policyValues(programs, input, budget), budget))));
  return found as ObjectPatch | Error;
}

function readPatch(type: Mutation['patchType'], value: unknown): ObjectPatch {
  if (type === 'JSONPatch') {
    if (!Array.isArray(value)) throw new EvalError('type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch');
    return { type, operations: value };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new EvalError('type mismatch: ApplyConfiguration.expression should evaluate to Object');
  return { type, wanted: value as Record<string, unknown> };
}

/** A value of CEL as JSON. */
function jsonOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(jsonOf);
  if (value instanceof Map) return Object.fromEntries(Array.from(value, ([key, inner]) => [String(key), jsonOf(inner)]));
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? Number(value) : value;
  return jsonOfObject(value);
}

function jsonOfObject(value: object): unknown {
  if (value instanceof Uint) return Number(value.value);
  if (value instanceof Timestamp) return printTimestamp(value);
  if (value instanceof Duration) return printDuration(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Optional && value.isPresent) return jsonOf(value.value);
  throw new EvalError(`a ${isOpaque(value) ? value.typeName : 'value of this type'} cannot be part of an object`);
}
