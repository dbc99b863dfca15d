// Whole objects inside of a custom object (x-kubernetes-embedded-resource): they say what they are and have metadata.
import { isObject, type JsonObject } from '../../../base/data/json-value.ts';
import { type FieldError, required, typeInvalid } from '../../meaning/field-error.ts';
import { isEmbedded, type JsonSchema, schemaAt } from '../json-schema.ts';
import { childPath } from './validate-value.ts';

export function validateEmbedded(value: unknown, schema: JsonSchema, path = ''): FieldError[] {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items ? value.flatMap((item, i) => validateEmbedded(item, items, `${path}[${i}]`)) : [];
  }
  if (!isObject(value)) return [];
  const inner = Object.entries(value).flatMap(([key, item]) => {
    const below = schemaAt(schema, key);
    return below ? validateEmbedded(item, below, childPath(path, key)) : [];
  });
  return isEmbedded(schema) ? [...validateResource(value, path), ...inner] : inner;
}

function validateResource({ apiVersion, kind, metadata }: JsonObject, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of [['apiVersion', apiVersion], ['kind', kind]] as const) {
    if (value === undefined || value === '') errors.push(required(childPath(path, key), 'must not be empty'));
  }
  if (metadata !== undefined && !isObject(metadata)) errors.push(typeInvalid(childPath(path, 'metadata'), metadata, 'must be an object'));
  return errors;
}
