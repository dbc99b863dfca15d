// Whether the rules of a schema can be compiled and paid for, in upstream's words: a definition with a wrong rule is
// refused.
import { schemaType } from '../cel/schema-type.ts';
import { CompileError } from '../cel/syntax.ts';
import type { CelType } from '../cel/types.ts';
import { checkCost, checkTotal, type CostTotal, noCost, type Places, placesBelow } from '../cost/limits.ts';
import { type FieldError, invalid, notSupported, required } from '../../meaning/field-error.ts';
import { isEmbedded, type JsonSchema, listTypeOf, type ValidationRule, valueSchema } from '../json-schema.ts';
import { parseJsonPath } from '../json-path.ts';
import { compileRule, type RuleProgram } from '../rule-programs.ts';

interface Place {
  field: string;
  isRoot?: boolean;
  /** Where the old value of an item can no longer be told: the list that is to blame. */
  lost?: string;
  places: Places;
  /** Absent: what rules cost is nobody's concern. */
  total: CostTotal | undefined;
}

/** For a schema whose structure is right. What was accepted before may cost what it did. */
export function validateRules(schema: JsonSchema, field: string, { isOld = false } = {}): FieldError[] {
  const total = isOld ? undefined : noCost();
  const errors = check(schema, { field, isRoot: true, places: 1, total });
  return total ? [...errors, ...checkTotal(total, field)] : errors;
}

function check(schema: JsonSchema, place: Place): FieldError[] {
  const { field, lost, total, places } = place;
  const { properties = {}, items, maxItems, maxProperties } = schema;
  const values = valueSchema(schema);
  const inner = lost ?? (schema.type === 'array' && listTypeOf(schema) !== 'map' ? field : undefined);
  const below = (path: string, more: Places): Place => ({ field: `${field}.${path}`, places: more, total, ...(inner && { lost: inner }) });
  return [
    ...checkHere(schema, place),
    ...Object.entries(properties).flatMap(([name, one]) => check(one, below(`properties[${name}]`, places))),
    ...(values ? check(values, below('additionalProperties', placesBelow(places, maxProperties))) : []),
    ...(items ? check(items, below('items', placesBelow(places, maxItems))) : []),
  ];
}

function checkHere(schema: JsonSchema, { field, isRoot = false, lost, places, total }: Place): FieldError[] {
  const rules = schema['x-kubernetes-validations'] ?? [];
  const self = rules.length > 0 ? schemaType(schema, isRoot || isEmbedded(schema)) : undefined;
  return rules.flatMap((rule, i) => {
    const at = `${field}.x-kubernetes-validations[${i}]`;
    const said = checkTexts(rule, at, schema);
    if (said.length > 0 || !self) return said;
    const wrongs = checkProgram(rule, self, { at, lost });
    return wrongs.length > 0 || !total ? wrongs : checkCost(rule, at, { schema, self, places, total });
  });
}

const reasons = ['FieldValueInvalid', 'FieldValueForbidden', 'FieldValueRequired', 'FieldValueDuplicate'];
const maxMessage = 2048;

function checkTexts(rule: ValidationRule, at: string, schema: JsonSchema): FieldError[] {
  const { reason, fieldPath } = rule;
  return [
    ...(rule.rule?.trim() ? [] : [required(`${at}.rule`, 'rule is not specified')]),
    ...checkMessage(rule, `${at}.message`),
    ...(reason !== undefined && !reasons.includes(reason) ? [notSupported(`${at}.reason`, reason, reasons)] : []),
    ...(fieldPath && !leadsSomewhere(schema, fieldPath) ? [invalid(`${at}.fieldPath`, fieldPath, 'fieldPath must be a valid path: does not refer to a valid field')] : []),
  ];
}

function checkMessage({ rule, message, messageExpression }: ValidationRule, at: string): FieldError[] {
  if (!message) return !messageExpression && rule?.trim().includes('\n') ? [required(at, 'message must be specified if rule contains line breaks')] : [];
  if (message.trim() === '') return [invalid(at, message, 'message must be non-empty if specified')];
  const errors = message.trim().includes('\n') ? [invalid(at, message, 'message must not contain line breaks')] : [];
  return message.length > maxMessage ? [...errors, invalid(at, `${message.slice(0, 10)}...`, `message must have a maximum length of ${maxMessage} characters`)] : errors;
}

function leadsSomewhere(schema: JsonSchema, path: string): boolean {
  const steps = parseJsonPath(path);
  let at: JsonSchema | undefined = schema;
  for (const step of steps ?? []) {
    if (step.take !== 'key' || !at) return false;
    at = at.properties && Object.hasOwn(at.properties, step.key) ? at.properties[step.key] : valueSchema(at);
  }
  return steps !== undefined && steps.length > 0 && at !== undefined;
}

/** As Go prints the rule. */
function printRule({ rule, message = '', messageExpression = '', reason, fieldPath = '', optionalOldSelf }: ValidationRule): string {
  const pointer = (type: string, value: unknown) => `(*${type})(${value === undefined ? 'nil' : '0xc000000000'})`;
  return `apiextensions.ValidationRule{Rule:${JSON.stringify(rule)}, Message:${JSON.stringify(message)}, MessageExpression:${JSON.stringify(messageExpression)}, Reason:${pointer('apiextensions.FieldValueErrorReason', reason)}, FieldPath:${JSON.stringify(fieldPath)}, OptionalOldSelf:${pointer('bool', optionalOldSelf)}}`;
}

function wrong(field: string, rule: ValidationRule, why: string): FieldError {
  return { field, reason: 'FieldValueInvalid', message: `Invalid value: ${printRule(rule)}: ${why}` };
}

function checkProgram(rule: ValidationRule, self: CelType, { at, lost }: { at: string; lost: string | undefined }): FieldError[] {
  const compiled = compiledRule(rule, self);
  if (typeof compiled === 'string') return [wrong(`${at}.rule`, rule, `compilation failed: ${compiled}`)];
  const { program, message } = compiled;
  const errors: FieldError[] = [];
  if (program.type.is !== 'bool' && program.type.is !== 'dyn') errors.push(wrong(`${at}.rule`, rule, 'cel expression must evaluate to a bool'));
  if (message && message.type.is !== 'string' && message.type.is !== 'dyn') errors.push(wrong(`${at}.messageExpression`, rule, 'messageExpression must evaluate to a string'));
  const usesOld = program.uses.has('oldSelf');
  if (lost && usesOld) errors.push(invalid(`${at}.rule`, rule.rule, `oldSelf cannot be used on the uncorrelatable portion of the schema within ${lost}`));
  if (rule.optionalOldSelf !== undefined && !usesOld) errors.push(invalid(`${at}.optionalOldSelf`, rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule'));
  return errors;
}

function compiledRule(rule: ValidationRule, self: CelType): RuleProgram | string {
  try {
    return compileRule(rule, self);
  } catch (error) {
    if (error instanceof CompileError) return error.message;
    throw error;
  }
}
