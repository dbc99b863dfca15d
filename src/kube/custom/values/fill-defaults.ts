// Defaults of a schema, filled into what a client sent and into what is read back after a schema has gained some.
import { isObject, type JsonObject, setOwn } from '../../../base/data/json-value.ts';
import { type JsonSchema, valueSchema } from '../json-schema.ts';

/**
 * The value with its defaults, and without nulls where null is no value; the same value when nothing was missing.
 * An object that is absent is not made up only because something inside it has a default.
 */
export function fillDefaults(value: unknown, schema: JsonSchema): unknown {
  if (Array.isArray(value)) return filledList(value, schema);
  return isObject(value) ? filledObject(value, schema) : value;
}

function filledList(list: readonly unknown[], { items }: JsonSchema): readonly unknown[] {
  if (!items) return list;
  const filled = list.map((item) => (item === null && items.default !== undefined && !items.nullable ? items.default : fillDefaults(item, items)));
  return filled.every((item, i) => item === list[i]) ? list : filled;
}

function filledObject(object: JsonObject, schema: JsonSchema): JsonObject {
  const changes = new Map<string, unknown>();
  for (const [key, inner] of Object.entries(schema.properties ?? {})) {
    const given = Object.hasOwn(object, key) ? object[key] : undefined;
    const next = filledField(given, inner);
    if (next !== given) changes.set(key, next);
  }
  const others = valueSchema(schema);
  for (const [key, given] of others ? Object.entries(object) : []) {
    const next = filledField(given, others!);
    if (next !== given) changes.set(key, next);
  }
  return changes.size === 0 ? object : changed(object, changes);
}

/** undefined: the field is left out. */
function filledField(given: unknown, schema: JsonSchema): unknown {
  const absent = given === undefined || (given === null && !schema.nullable);
  const value = absent ? schema.default : given;
  return value === undefined ? undefined : fillDefaults(value, schema);
}

function changed(object: JsonObject, changes: ReadonlyMap<string, unknown>): JsonObject {
  const next: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(object)) if (!changes.has(key)) setOwn(next, key, value);
  for (const [key, value] of changes) if (value !== undefined) setOwn(next, key, value);
  return next;
}
