// A structural schema as a CEL type, and JSON under it as CEL values: integers are int, times are timestamps, lists know
// how they merge. Names that CEL could not read are escaped.
import { isObject } from '../../../base/data/json-value.ts';
import { isEmbedded, isIntOrString, type JsonSchema, listTypeOf, mapKeysOf, valueSchema } from '../json-schema.ts';
import { parseDuration, parseTimestamp } from './library/time.ts';
import { type CelType, dyn, listOf, mapOf, plain } from './types.ts';
import { EvalError, type Key, mergeBy } from './values.ts';

const keywords = new Set(['true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while']);
const readable = /^[a-zA-Z_.\-/][a-zA-Z0-9_.\-/]*$/;
const escapes: Readonly<Record<string, string>> = { '__': '__underscores__', '.': '__dot__', '-': '__dash__', '/': '__slash__' };

/** `namespace` is `__namespace__` in a rule; undefined when no rule can name the field. */
export function escapeName(name: string): string | undefined {
  if (keywords.has(name)) return `__${name}__`;
  return readable.test(name) ? name.replaceAll(/__|[.\-/]/g, (part) => escapes[part]!) : undefined;
}

const string = plain('string');
const metadataType: CelType = { is: 'object', name: 'object', fields: new Map([['name', string], ['generateName', string]]) };
const resourceFields: readonly (readonly [string, CelType])[] = [['apiVersion', string], ['kind', string], ['metadata', metadataType]];

const types = new WeakMap<JsonSchema, CelType>();

/** undefined: values that rules cannot see. */
export function schemaType(schema: JsonSchema, isRoot = false): CelType | undefined {
  const known = types.get(schema);
  if (known) return known;
  const type = makeType(schema, isRoot || isEmbedded(schema));
  if (type) types.set(schema, type);
  return type;
}

function makeType(schema: JsonSchema, isResource: boolean): CelType | undefined {
  if (isIntOrString(schema)) return dyn;
  const { type, items } = schema;
  if (type === 'array') {
    const item = items && schemaType(items);
    return item && listOf(item);
  }
  if (type === 'object') return objectType(schema, isResource);
  return type === 'string' ? textType(schema) : scalarTypes[type ?? ''];
}

const scalarTypes: Readonly<Record<string, CelType>> = { boolean: plain('bool'), integer: plain('int'), number: plain('double') };

function textType({ format }: JsonSchema): CelType {
  if (format === 'byte') return plain('bytes');
  if (format === 'duration') return plain('duration');
  return format === 'date' || format === 'date-time' ? plain('timestamp') : string;
}

function objectType(schema: JsonSchema, isResource: boolean): CelType | undefined {
  const values = valueSchema(schema);
  if (values) {
    const value = schemaType(values);
    return value && mapOf(string, value);
  }
  const fields = new Map<string, CelType>();
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    const [escaped, type] = [escapeName(name), schemaType(inner)];
    if (escaped && type) fields.set(escaped, type);
  }
  for (const [name, type] of isResource ? resourceFields : []) fields.set(name, type);
  return { is: 'object', name: 'object', fields };
}


/** The value as rules see it. */
export function schemaValue(value: unknown, schema: JsonSchema, isRoot = false): unknown {
  if (value === null || value === undefined) return null;
  if (isIntOrString(schema)) return jsonValue(value);
  if (Array.isArray(value)) return listValue(value, schema);
  if (isObject(value)) return objectValue(value, schema, isRoot || isEmbedded(schema));
  if (typeof value === 'string') return textValue(value, schema);
  return typeof value === 'number' && schema.type === 'integer' ? jsonValue(value) : value;
}

function listValue(list: readonly unknown[], schema: JsonSchema): unknown[] {
  const items = list.map((item) => schemaValue(item, schema.items ?? {}));
  const kind = listTypeOf(schema);
  if (kind === 'set') mergeBy.set(items, 'set');
  if (kind === 'map') mergeBy.set(items, mapKeysOf(schema).map((key) => escapeName(key) ?? key));
  return items;
}

function objectValue(object: Readonly<Record<string, unknown>>, schema: JsonSchema, isResource: boolean): Map<Key, unknown> {
  const values = valueSchema(schema);
  if (values) return new Map(Object.entries(object).map(([key, value]) => [key, schemaValue(value, values)]));
  const { properties = {} } = schema;
  const fields = new Map<Key, unknown>();
  for (const [key, value] of Object.entries(object)) {
    const name = escapeName(key);
    if (name === undefined || value === undefined) continue;
    if (isResource && (key === 'metadata' || key === 'apiVersion' || key === 'kind')) fields.set(name, jsonValue(value));
    else if (Object.hasOwn(properties, key)) fields.set(name, schemaValue(value, properties[key]!));
  }
  return fields;
}

function textValue(text: string, { format }: JsonSchema): unknown {
  try {
    if (format === 'byte') return new Uint8Array(Buffer.from(text, 'base64'));
    if (format === 'duration') return parseDuration(text);
    if (format === 'date-time') return parseTimestamp(text);
    return format === 'date' ? parseTimestamp(`${text}T00:00:00Z`) : text;
  } catch (error) {
    // Its format is complained about elsewhere; a rule that looks at it finds a text where it wants a time.
    if (error instanceof EvalError) return text;
    throw error;
  }
}

/** JSON of which nothing is known: whole numbers are int. */
export function jsonValue(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(jsonValue);
  if (isObject(value)) return new Map<Key, unknown>(Object.entries(value).filter(([, inner]) => inner !== undefined).map(([key, inner]) => [key, jsonValue(inner)]));
  return value ?? null;
}
