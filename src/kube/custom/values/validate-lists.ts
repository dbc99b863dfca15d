// Lists that a schema calls sets or maps hold every item, or every key, once.
import { isObject, type JsonObject } from '../../../base/data/json-value.ts';
import type { FieldError } from '../../meaning/field-error.ts';
import { duplicate } from '../../meaning/field-error.ts';
import { itemKey, type JsonSchema, listTypeOf, mapKeysOf, schemaAt } from '../json-schema.ts';
import { childPath } from './validate-value.ts';

export function validateLists(value: unknown, schema: JsonSchema, path = ''): FieldError[] {
  if (Array.isArray(value)) {
    const { items } = schema;
    const inner = items ? value.flatMap((item, i) => validateLists(item, items, `${path}[${i}]`)) : [];
    return [...checkUnique(value, schema, path), ...inner];
  }
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const inner = schemaAt(schema, key);
    return inner ? validateLists(item, inner, childPath(path, key)) : [];
  });
}

function checkUnique(list: readonly unknown[], schema: JsonSchema, path: string): FieldError[] {
  const kind = listTypeOf(schema);
  if (kind === 'atomic') return [];
  const keys = mapKeysOf(schema);
  const seen = new Set<string>();
  return list.flatMap((item, i) => {
    const name = kind === 'map' && isObject(item) ? itemKey(item, keys) : canonical(item);
    if (!seen.has(name)) return (seen.add(name), []);
    return [kind === 'map' && isObject(item) ? duplicateKeys(`${path}[${i}]`, item, keys) : duplicate(`${path}[${i}]`, item)];
  });
}

/** Equal values give equal texts, whatever the order of their keys. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) => (isObject(inner) ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1))) : inner));

/** As Go prints a map: `Duplicate value: map[string]interface {}{"name":"a"}`. */
function duplicateKeys(field: string, item: JsonObject, keys: readonly string[]): FieldError {
  const shown = keys.filter((key) => Object.hasOwn(item, key)).toSorted().map((key) => `${JSON.stringify(key)}:${JSON.stringify(item[key])}`);
  return { field, reason: 'FieldValueDuplicate', message: `Duplicate value: map[string]interface {}{${shown.join(', ')}}` };
}
