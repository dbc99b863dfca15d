// What makes a list a set or a map: items that can be told apart.
import { duplicate, type FieldError, forbidden, invalid, notSupported, required } from '../../meaning/field-error.ts';
import { isIntOrString, type JsonSchema } from '../json-schema.ts';

const listTypes = ['atomic', 'map', 'set'];

export function validateListType(schema: JsonSchema, field: string): FieldError[] {
  const kind = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (kind === undefined) return keys.length > 0 ? [required(`${field}.x-kubernetes-list-type`, keysAreForMaps)] : [];
  if (!listTypes.includes(kind)) return [notSupported(`${field}.x-kubernetes-list-type`, kind, listTypes)];
  const errors = schema.type === 'array' ? [] : [invalid(`${field}.type`, schema.type ?? '', 'must be array if x-kubernetes-list-type is specified')];
  if (kind === 'map') return [...errors, ...validateMapKeys(schema, keys, field)];
  if (keys.length > 0) errors.push(invalid(`${field}.x-kubernetes-list-type`, kind, keysAreForMaps));
  return kind === 'set' && schema.items ? [...errors, ...validateSetItems(schema.items, `${field}.items`)] : errors;
}

const keysAreForMaps = 'must be map if x-kubernetes-list-map-keys is non-empty';

const scalars = ['boolean', 'integer', 'number', 'string'];

/** Items of a set are compared as a whole, so nothing may be merged inside of them. */
function validateSetItems(items: JsonSchema, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (items.nullable) errors.push(forbidden(`${field}.nullable`, 'cannot be nullable when x-kubernetes-list-type is set'));
  if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic') {
    errors.push(invalid(`${field}.x-kubernetes-map-type`, items['x-kubernetes-map-type'] ?? null, 'must be atomic as item of a list with x-kubernetes-list-type=set'));
  }
  const inner = items['x-kubernetes-list-type'];
  if (items.type === 'array' && inner !== undefined && inner !== 'atomic') {
    errors.push(invalid(`${field}.x-kubernetes-list-type`, inner, 'must be atomic as item of a list with x-kubernetes-list-type=set'));
  }
  return errors;
}

function validateMapKeys({ items }: JsonSchema, keys: readonly string[], field: string): FieldError[] {
  const keysField = `${field}.x-kubernetes-list-map-keys`;
  if (keys.length === 0) return [required(keysField, 'must not be empty if x-kubernetes-list-type is map')];
  if (!items || items.type !== 'object') return [invalid(`${field}.items.type`, items?.type ?? '', 'must be object if parent array\'s x-kubernetes-list-type is map')];
  const errors = keys.flatMap((key, i) => (keys.indexOf(key) === i ? [] : [duplicate(`${keysField}[${i}]`, key)]));
  if (items.nullable) errors.push(forbidden(`${field}.items.nullable`, 'cannot be nullable when x-kubernetes-list-type is map'));
  return [...errors, ...keys.flatMap((key, i) => validateMapKey(items, key, { field, keyField: `${keysField}[${i}]` }))];
}

function validateMapKey(items: JsonSchema, key: string, { field, keyField }: { field: string; keyField: string }): FieldError[] {
  const schema = items.properties && Object.hasOwn(items.properties, key) ? items.properties[key] : undefined;
  if (!schema) return [invalid(keyField, key, 'entries must all be names of item properties')];
  const where = `${field}.items.properties[${key}]`;
  const errors: FieldError[] = [];
  if (!scalars.includes(schema.type ?? '') && !isIntOrString(schema)) {
    errors.push(invalid(`${where}.type`, schema.type ?? '', 'must be a scalar type if parent array\'s x-kubernetes-list-type is map'));
  }
  if (schema.default === undefined && !items.required?.includes(key)) {
    errors.push(required(`${where}.default`, "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"));
  }
  if (schema.nullable) errors.push(forbidden(`${where}.nullable`, 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable'));
  return errors;
}
