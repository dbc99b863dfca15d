// What allOf, anyOf, oneOf and not may say: conditions on fields that the schema outside of them has introduced.
import { type FieldError, forbidden, required } from '../../meaning/field-error.ts';
import { isIntOrString, type JsonSchema, valueSchema } from '../json-schema.ts';

export function validateAlternatives(schema: JsonSchema, field: string): FieldError[] {
  return alternativesOf(schema).flatMap(([path, inner]) => validateAlternative(inner, { outer: schema, outerField: field, field: `${field}.${path}` }));
}

function alternativesOf({ allOf = [], anyOf = [], oneOf = [], not }: JsonSchema): [string, JsonSchema][] {
  return [
    ...allOf.map((one, i): [string, JsonSchema] => [`allOf[${i}]`, one]),
    ...anyOf.map((one, i): [string, JsonSchema] => [`anyOf[${i}]`, one]),
    ...oneOf.map((one, i): [string, JsonSchema] => [`oneOf[${i}]`, one]),
    ...(not ? [['not', not] as [string, JsonSchema]] : []),
  ];
}

interface Place {
  outer: JsonSchema;
  outerField: string;
  field: string;
}

// What describes a value rather than restricting it belongs outside.
const outsideOnly = [
  'title', 'description', 'default', 'additionalProperties', 'nullable', 'type',
  'x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource', 'x-kubernetes-int-or-string',
  'x-kubernetes-list-type', 'x-kubernetes-list-map-keys', 'x-kubernetes-map-type', 'x-kubernetes-validations',
] as const;

function validateAlternative(schema: JsonSchema, place: Place): FieldError[] {
  const { outer, outerField, field } = place;
  const errors = outsideOnly
    .filter((key) => schema[key] !== undefined && schema[key] !== '' && !(key === 'type' && isIntOrString(outer)))
    .map((key) => forbidden(`${field}.${key}`, 'must be empty to be structural'));
  const down = (path: string, inner: JsonSchema, outside: JsonSchema | undefined): FieldError[] => {
    const next = `${outerField}.${path}`;
    if (!outside) return [required(next, `because it is defined in ${field}.${path}`)];
    return validateAlternative(inner, { outer: outside, outerField: next, field: `${field}.${path}` });
  };
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    const outside = outer.properties?.[name] ?? valueSchema(outer);
    errors.push(...down(`properties[${name}]`, inner, outside));
  }
  if (schema.items) errors.push(...down('items', schema.items, outer.items));
  const nested = alternativesOf(schema).flatMap(([path, inner]) => validateAlternative(inner, { outer, outerField, field: `${field}.${path}` }));
  return [...errors, ...nested];
}
