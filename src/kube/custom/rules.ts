// Judges objects by the rules of their schema (x-kubernetes-validations), in upstream's words. What one rule and what one
// request may cost is bounded, so no rule can hold the server up.
import { deepEqual } from '../../base/data/memo.ts';
import { isObject, type JsonObject, ownValue } from '../../base/data/json-value.ts';
import { duplicate, type FieldError, forbidden, invalid, required } from '../meaning/field-error.ts';
import type { KubeObject } from '../objects/meta.ts';
import { Budget } from './cel/environment.ts';
import { schemaValue } from './cel/schema-type.ts';
import { EvalError, none, Optional, OutOfBudget } from './cel/values.ts';
import type { JsonSchema, ValidationRule } from './json-schema.ts';
import { type RuledPlace, type RuleProgram, ruledPlace } from './rule-programs.ts';
import { childPath, oldItems } from './values/validate-value.ts';

export const hasRules = (schema: JsonSchema): boolean => ruledPlace(schema, true) !== undefined;

// Upstream's bounds; a unit is about one step of ours as of theirs.
const callBudget = 1_000_000;
const requestBudget = 10_000_000;

/** With an old object also the rules about changes. */
export function validateByRules(object: KubeObject, schema: JsonSchema, old?: KubeObject): FieldError[] {
  const place = ruledPlace(schema, true);
  if (!place) return [];
  const errors: FieldError[] = [];
  try {
    judge({ errors, left: requestBudget }, place, { path: '', value: object, isRoot: true, ...(old && { old }) });
  } catch (error) {
    if (!(error instanceof OutOfBudget)) throw error;
    errors.push(invalid('<nil>', 'object', 'validation failed due to running out of cost budget, no further validation rules will be run'));
  }
  return errors;
}

interface Judgement {
  errors: FieldError[];
  left: number;
}

interface Spot {
  path: string;
  value: unknown;
  old?: unknown;
  isRoot?: boolean;
}

function judge(judgement: Judgement, place: RuledPlace, spot: Spot): void {
  const { value } = spot;
  if (value === undefined || value === null) return;
  if (place.programs.length > 0) judgeHere(judgement, place, spot);
  if (Array.isArray(value)) judgeItems(judgement, place, { ...spot, value });
  else if (isObject(value)) judgeFields(judgement, place, { ...spot, value });
}

function judgeItems(judgement: Judgement, { items, schema }: RuledPlace, { path, value, old }: Spot & { value: readonly unknown[] }): void {
  if (!items) return;
  const oldOf = oldItems(schema, old);
  value.forEach((item, i) => judge(judgement, items, { path: `${path}[${i}]`, value: item, old: oldOf(item) }));
}

function judgeFields(judgement: Judgement, place: RuledPlace, { path, value, old }: Spot & { value: JsonObject }): void {
  for (const [key, inner] of Object.entries(value)) {
    const below = placeAt(place, key);
    if (below) judge(judgement, below, { path: childPath(path, key), value: inner, old: isObject(old) ? ownValue(old, key) : undefined });
  }
}

function placeAt({ properties, values, schema }: RuledPlace, key: string): RuledPlace | undefined {
  const isNamed = schema.properties !== undefined && Object.hasOwn(schema.properties, key);
  return isNamed ? properties.get(key) : values;
}

function judgeHere(judgement: Judgement, { schema, programs }: RuledPlace, { path, value, old, isRoot = false }: Spot): void {
  const isUnchanged = old !== undefined && deepEqual(old, value);
  const self = schemaValue(value, schema, isRoot);
  const oldSelf = old === undefined ? undefined : schemaValue(old, schema, isRoot);
  for (const program of programs) {
    const { rule, isTransition } = program;
    // What was wrong before may stay; but a rule about changes is about this change.
    if (isTransition ? oldSelf === undefined : isUnchanged && !rule.optionalOldSelf) continue;
    const values = { self, oldSelf: rule.optionalOldSelf ? (oldSelf === undefined ? none : new Optional(true, oldSelf)) : oldSelf };
    const error = run(judgement, program, { values, path, type: schema.type ?? 'string' });
    if (error) judgement.errors.push(error);
  }
}

interface Setting {
  values: Record<string, unknown>;
  path: string;
  type: string;
}

function run(judgement: Judgement, program: RuleProgram, { values, path, type }: Setting): FieldError | undefined {
  const { rule } = program;
  const limit = Math.min(callBudget, judgement.left);
  const budget = new Budget(limit);
  const at = path || '<nil>';
  try {
    if (program.program.run(values, budget) === true) return undefined;
    return failed(program, { at: joined(path, rule.fieldPath), type, message: messageOf(program, values, budget) });
  } catch (error) {
    if (error instanceof OutOfBudget && limit < callBudget) throw error;
    return broken(error, rule, { at, type });
  } finally {
    judgement.left -= limit - Math.max(budget.left, 0);
  }
}

const trimmed = (text: string | undefined): string => text?.trim() ?? '';

/** What a person reads instead of the rule. */
const ruleName = (rule: ValidationRule): string => trimmed(rule.message) || trimmed(rule.rule);

function broken(error: unknown, rule: ValidationRule, { at, type }: { at: string; type: string }): FieldError {
  if (error instanceof OutOfBudget) return invalid(at, type, `'${error.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${ruleName(rule)}`);
  if (!(error instanceof EvalError)) throw error;
  if (error.message.startsWith('no such overload')) return invalid(at, type, `'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${ruleName(rule)}`);
  return invalid(at, type, `${error.message} evaluating rule: ${ruleName(rule)}`);
}

const maxMessage = 5 * 1024;

function messageOf({ rule, message }: RuleProgram, values: Record<string, unknown>, budget: Budget): string {
  const otherwise = trimmed(rule.message) || `failed rule: ${trimmed(rule.rule)}`;
  if (!message) return otherwise;
  try {
    const text = message.run(values, budget);
    return typeof text === 'string' && text.trim() !== '' && !text.includes('\n') && text.length <= maxMessage ? text.trim() : otherwise;
  } catch (error) {
    // A message that cannot be made must not hide that the rule was broken.
    if (error instanceof EvalError || error instanceof OutOfBudget) return otherwise;
    throw error;
  }
}

const joined = (path: string, fieldPath: string | undefined): string => `${path}${fieldPath ?? ''}`.replace(/^\./, '') || '<nil>';

function failed({ rule }: RuleProgram, { at, type, message }: { at: string; type: string; message: string }): FieldError {
  if (rule.reason === 'FieldValueRequired') return required(at, message);
  if (rule.reason === 'FieldValueForbidden') return forbidden(at, message);
  return rule.reason === 'FieldValueDuplicate' ? duplicate(at, type) : invalid(at, type, message);
}
