// Holds a value against a schema, in the words of the validator that Kubernetes uses (kube-openapi).
// With an old value, what did not change is not judged again: objects stay writable after their schema has become stricter.
import { deepEqual } from '../../../base/data/memo.ts';
import { isObject, type JsonObject } from '../../../base/data/json-value.ts';
import { type FieldError, invalid, notSupported, required, tooMany, typeInvalid } from '../../meaning/field-error.ts';
import { isEmbedded, isIntOrString, itemKey, type JsonSchema, listTypeOf, mapKeysOf, schemaAt } from '../json-schema.ts';
import { checkNumber, checkString } from './validate-scalar.ts';

export interface Place {
  /** `spec.listeners[0]`; '' at the root. */
  readonly path: string;
  /** What stood there before; undefined when nothing did, or when it cannot be told. */
  readonly old?: unknown;
}

export const childPath = (path: string, key: string): string => (path ? `${path}.${key}` : key);

/** All complaints, each with the path of its field. Metadata at the root and in embedded objects is judged elsewhere. */
export function validateValue(value: unknown, schema: JsonSchema, place: Place = { path: '' }): FieldError[] {
  if (place.old !== undefined && deepEqual(place.old, value)) return [];
  if (value === null && schema.nullable) return [];
  const wrongType = checkType(value, schema, place.path);
  if (wrongType) return [wrongType];
  return [...checkEnum(value, schema, place.path), ...checkByType(value, schema, place), ...checkCombinations(value, schema, place)];
}

/** JSON's word for what a value is; whole numbers are integers. */
export function jsonType(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function checkType(value: unknown, schema: JsonSchema, path: string): FieldError | undefined {
  const found = jsonType(value);
  const wanted = isIntOrString(schema) ? 'integer,string' : schema.type;
  if (!wanted || found === wanted || (wanted === 'number' && found === 'integer')) return undefined;
  if (isIntOrString(schema) && (found === 'integer' || found === 'string')) return undefined;
  return typeInvalid(path, found, `${inBody(path)} must be of type ${wanted}: "${found}"`);
}

export const inBody = (path: string): string => `${path} in body`;

function checkEnum(value: unknown, schema: JsonSchema, path: string): FieldError[] {
  if (!schema.enum || schema.enum.some((one) => deepEqual(one, value))) return [];
  const error = notSupported(path, value, schema.enum.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))));
  return [error];
}

function checkByType(value: unknown, schema: JsonSchema, place: Place): FieldError[] {
  if (typeof value === 'string') return checkString(value, schema, place.path);
  if (typeof value === 'number') return checkNumber(value, schema, place.path);
  if (Array.isArray(value)) return checkList(value, schema, place);
  return isObject(value) ? checkObject(value, schema, place) : [];
}

function checkList(list: readonly unknown[], schema: JsonSchema, place: Place): FieldError[] {
  const { path } = place;
  const errors: FieldError[] = [];
  const { minItems, maxItems, uniqueItems, items } = schema;
  if (minItems !== undefined && list.length < minItems) errors.push(invalid(path, list.length, `${inBody(path)} should have at least ${minItems} items`));
  if (maxItems !== undefined && list.length > maxItems) errors.push(tooMany(path, list.length, maxItems));
  if (uniqueItems && list.some((item, i) => list.slice(0, i).some((other) => deepEqual(item, other)))) {
    errors.push(invalid(path, list, `${inBody(path)} shouldn't contain duplicates`));
  }
  if (!items) return errors;
  const oldOf = oldItems(schema, place.old);
  return [...errors, ...list.flatMap((item, i) => validateValue(item, items, { path: `${path}[${i}]`, old: oldOf(item) }))];
}

/** Finds what an item was before: only lists with keys can tell. */
export function oldItems(schema: JsonSchema, old: unknown): (item: unknown) => unknown {
  if (!Array.isArray(old) || listTypeOf(schema) !== 'map') return () => undefined;
  const keys = mapKeysOf(schema);
  const byKey = new Map(old.filter(isObject).map((item) => [itemKey(item, keys), item]));
  return (item) => (isObject(item) ? byKey.get(itemKey(item, keys)) : undefined);
}

function checkObject(object: JsonObject, schema: JsonSchema, place: Place): FieldError[] {
  const { path } = place;
  const { minProperties, maxProperties } = schema;
  const count = Object.keys(object).length;
  const errors: FieldError[] = [];
  if (minProperties !== undefined && count < minProperties) errors.push(invalid(path, count, `${inBody(path)} should have at least ${minProperties} properties`));
  if (maxProperties !== undefined && count > maxProperties) errors.push(tooMany(path, count, maxProperties));
  for (const key of schema.required ?? []) if (!Object.hasOwn(object, key)) errors.push(required(childPath(path, key)));
  return [...errors, ...checkFields(object, schema, place)];
}

function checkFields(object: JsonObject, schema: JsonSchema, place: Place): FieldError[] {
  const old = isObject(place.old) ? place.old : undefined;
  const isResource = place.path === '' || isEmbedded(schema);
  return Object.entries(object).flatMap(([key, value]) => {
    const inner = schemaAt(schema, key);
    if (!inner || value === undefined || (isResource && key === 'metadata' && place.path !== '')) return [];
    const before = old && Object.hasOwn(old, key) ? old[key] : undefined;
    return validateValue(value, inner, { path: childPath(place.path, key), old: before });
  });
}

// Alternatives say nothing about types and have no old value of their own: they hold or they do not.
const holds = (value: unknown, schema: JsonSchema, path: string): FieldError[] => validateValue(value, schema, { path });

const combined = (path: string, text: string): FieldError => invalid('<nil>', '', `${JSON.stringify(path)} ${text}`);

function checkCombinations(value: unknown, schema: JsonSchema, { path }: Place): FieldError[] {
  const { allOf, anyOf, oneOf, not } = schema;
  return [
    ...(anyOf ? checkAnyOf(anyOf.map((one) => holds(value, one, path)), path) : []),
    ...(oneOf ? checkOneOf(oneOf.map((one) => holds(value, one, path)), path) : []),
    ...(allOf ?? []).flatMap((one) => holds(value, one, path)),
    ...(not && holds(value, not, path).length === 0 ? [combined(path, 'must not validate the schema (not)')] : []),
  ];
}

/** The complaints of the alternative that came closest are told too. */
const closest = (tries: readonly FieldError[][]): FieldError[] => tries.toSorted((a, b) => a.length - b.length)[0] ?? [];

function checkAnyOf(tries: readonly FieldError[][], path: string): FieldError[] {
  if (tries.length === 0 || tries.some((errors) => errors.length === 0)) return [];
  return [combined(path, 'must validate at least one schema (anyOf)'), ...closest(tries)];
}

function checkOneOf(tries: readonly FieldError[][], path: string): FieldError[] {
  const valid = tries.filter((errors) => errors.length === 0).length;
  if (tries.length === 0 || valid === 1) return [];
  const found = valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`;
  const error = combined(path, `must validate one and only one schema (oneOf). ${found}`);
  return valid === 0 ? [error, ...closest(tries)] : [error];
}
