// Whether a schema is structural: every field has one type, stated outside of allOf, anyOf, oneOf and not, so that
// pruning and defaulting know what to do. https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
import { isObject } from '../../../base/data/json-value.ts';
import { type FieldError, forbidden, invalid, notSupported, required } from '../../meaning/field-error.ts';
import { isEmbedded, isIntOrString, type JsonSchema, preservesUnknown, valueSchema } from '../json-schema.ts';
import { validateAlternatives } from './alternatives.ts';
import { validateListType } from './lists.ts';
import { validateDefault } from './defaults.ts';
import { compilePattern } from '../values/pattern.ts';

type Level = 'root' | 'field' | 'items';

const typeMissing: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  field: 'must not be empty for specified object fields',
  items: 'must not be empty for specified array items',
};

/** All complaints; [] for a schema that this room can work with. `field` is where the schema stands in the definition. */
export function validateStructure(schema: JsonSchema, field: string): FieldError[] {
  const errors = structure(schema, field, 'root');
  if (schema.type && schema.type !== 'object') errors.push(invalid(`${field}.type`, schema.type, 'must be object at the root'));
  return errors.length > 0 ? errors : validateDefault(schema, field);
}

function structure(schema: JsonSchema, field: string, level: Level): FieldError[] {
  if (!isObject(schema)) return [invalid(field, schema, 'must be a schema')];
  return [
    ...checkType(schema, field, level),
    ...checkForbidden(schema, field),
    ...checkValues(schema, field),
    ...checkExtensions(schema, field),
    ...validateListType(schema, field),
    ...validateAlternatives(schema, field),
    ...children(schema).flatMap(([path, inner, inside]) => structure(inner, `${field}.${path}`, inside)),
    ...(level === 'root' || isEmbedded(schema) ? checkMetadata(schema, field) : []),
  ];
}

function children(schema: JsonSchema): [string, JsonSchema, Level][] {
  const { properties = {}, items } = schema;
  const values = valueSchema(schema);
  return [
    ...Object.entries(properties).map(([name, inner]): [string, JsonSchema, Level] => [`properties[${name}]`, inner, 'field']),
    ...(values ? [['additionalProperties', values, 'field'] as [string, JsonSchema, Level]] : []),
    ...(items && !Array.isArray(items) ? [['items', items, 'items'] as [string, JsonSchema, Level]] : []),
  ];
}

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];

function checkType(schema: JsonSchema, field: string, level: Level): FieldError[] {
  const { type } = schema;
  if (isIntOrString(schema)) return type ? [invalid(`${field}.type`, type, 'must be empty if x-kubernetes-int-or-string is true')] : [];
  if (!type) return preservesUnknown(schema) && level !== 'root' ? [] : [required(`${field}.type`, typeMissing[level])];
  return types.includes(type) ? [] : [notSupported(`${field}.type`, type, types)];
}

// Parts of JSON Schema that have no meaning here.
const unsupported = ['$ref', 'definitions', 'dependencies', 'deprecated', 'discriminator', 'id', 'patternProperties', 'readOnly', 'writeOnly', 'xml', 'additionalItems'];

function checkForbidden(schema: JsonSchema, field: string): FieldError[] {
  const found = unsupported.filter((key) => (schema as Record<string, unknown>)[key] !== undefined);
  const errors = found.map((key) => forbidden(`${field}.${key}`, `${key} is not supported`));
  if (schema.uniqueItems) errors.push(forbidden(`${field}.uniqueItems`, 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'));
  if (schema.additionalProperties === false) errors.push(forbidden(`${field}.additionalProperties`, 'additionalProperties cannot be set to false'));
  if (schema.additionalProperties && schema.properties && Object.keys(schema.properties).length > 0) {
    errors.push(forbidden(`${field}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'));
  }
  if (Array.isArray(schema.items)) errors.push(forbidden(`${field}.items`, 'items must be a schema object and not an array'));
  else if (schema.type === 'array' && !schema.items) errors.push(required(`${field}.items`, 'must be specified'));
  return errors;
}

function checkValues({ pattern, enum: choices, nullable }: JsonSchema, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (pattern !== undefined) {
    const why = patternError(pattern);
    if (why) errors.push(invalid(`${field}.pattern`, pattern, `must be a valid regular expression, but isn't: ${why}`));
  }
  if (nullable && choices && !choices.includes(null)) errors.push(forbidden(`${field}.enum`, 'must contain null if nullable is true'));
  return errors;
}

function patternError(pattern: string): string | undefined {
  try {
    compilePattern(pattern);
    return undefined;
  } catch (error) {
    // What is wrong with it is exactly what is asked.
    return (error as Error).message;
  }
}

function checkExtensions(schema: JsonSchema, field: string): FieldError[] {
  const kept = schema['x-kubernetes-preserve-unknown-fields'] === false;
  return [
    ...(kept ? [invalid(`${field}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined')] : []),
    ...(isEmbedded(schema) ? checkEmbedded(schema, field) : []),
    ...checkMapType(schema, field),
  ];
}

function checkEmbedded(schema: JsonSchema, field: string): FieldError[] {
  const errors = schema.type === 'object' ? [] : [invalid(`${field}.type`, schema.type ?? '', 'must be object if x-kubernetes-embedded-resource is true')];
  if (preservesUnknown(schema) || Object.keys(schema.properties ?? {}).length > 0) return errors;
  return [...errors, required(`${field}.properties`, 'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields')];
}

const mapTypes = ['atomic', 'granular'];

function checkMapType({ type, 'x-kubernetes-map-type': mapType }: JsonSchema, field: string): FieldError[] {
  if (mapType === undefined) return [];
  const errors = mapTypes.includes(mapType) ? [] : [notSupported(`${field}.x-kubernetes-map-type`, mapType, mapTypes)];
  return type === 'object' ? errors : [...errors, invalid(`${field}.type`, type ?? '', 'must be object if x-kubernetes-map-type is specified')];
}

/** Metadata is the server's; a schema may only narrow how objects are named. */
function checkMetadata({ properties = {} }: JsonSchema, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const key of ['apiVersion', 'kind'] as const) {
    const { type } = properties[key] ?? {};
    if (type && type !== 'string') errors.push(invalid(`${field}.properties[${key}].type`, type, 'must be string'));
  }
  const { metadata } = properties;
  if (!metadata) return errors;
  if (metadata.type !== 'object') errors.push(invalid(`${field}.properties[metadata].type`, metadata.type ?? '', 'must be object'));
  const extra = Object.keys(metadata.properties ?? {}).some((key) => key !== 'name' && key !== 'generateName');
  if (extra) errors.push(forbidden(`${field}.properties[metadata]`, 'must not specify anything other than name and generateName, but metadata is implicitly specified'));
  return errors;
}
