// Pruning: a custom object keeps only what its schema names. What falls away is reported, for strict and warning clients.
import { isObject, type JsonObject, setOwn } from '../../../base/data/json-value.ts';
import { isEmbedded, type JsonSchema, preservesUnknown, valueSchema } from '../json-schema.ts';

export interface Pruned<T> {
  /** The same value when nothing fell away. */
  value: T;
  /** Paths like `spec.rules[0].foo`. */
  unknown: string[];
}

const typeFields = new Set(['apiVersion', 'kind', 'metadata']);

/** `isRoot`: apiVersion, kind and metadata belong to it without being named. */
export function prune<T>(value: T, schema: JsonSchema, isRoot = true): Pruned<T> {
  const unknown: string[] = [];
  return { value: pruned({ unknown, path: '' }, value, { schema, isResource: isRoot }) as T, unknown };
}

interface Place {
  unknown: string[];
  path: string;
}

interface Rule {
  schema: JsonSchema;
  isResource: boolean;
}

const ruleFor = (schema: JsonSchema): Rule => ({ schema, isResource: isEmbedded(schema) });

function pruned(place: Place, value: unknown, { schema, isResource }: Rule): unknown {
  if (Array.isArray(value)) return prunedList(place, value, schema);
  return isObject(value) ? prunedObject(place, value, { schema, isResource }) : value;
}

function prunedList(place: Place, list: readonly unknown[], { items }: JsonSchema): readonly unknown[] {
  if (!items) return list;
  const kept = list.map((item, i) => pruned({ unknown: place.unknown, path: `${place.path}[${i}]` }, item, ruleFor(items)));
  return kept.every((item, i) => item === list[i]) ? list : kept;
}

function prunedObject(place: Place, object: JsonObject, { schema, isResource }: Rule): JsonObject {
  const kept: Record<string, unknown> = {};
  let changed = false;
  for (const [key, value] of Object.entries(object)) {
    const path = place.path ? `${place.path}.${key}` : key;
    if (isResource && typeFields.has(key)) setOwn(kept, key, value);
    else if (keeps(schema, key)) {
      const inner = innerSchema(schema, key);
      const next = inner ? pruned({ unknown: place.unknown, path }, value, ruleFor(inner)) : value;
      changed ||= next !== value;
      setOwn(kept, key, next);
    } else {
      changed = true;
      place.unknown.push(path);
    }
  }
  return changed ? kept : object;
}

const isNamed = ({ properties }: JsonSchema, key: string): boolean => properties !== undefined && Object.hasOwn(properties, key);

const keeps = (schema: JsonSchema, key: string): boolean =>
  isNamed(schema, key) || Boolean(schema.additionalProperties) || preservesUnknown(schema);

const innerSchema = (schema: JsonSchema, key: string): JsonSchema | undefined =>
  isNamed(schema, key) ? schema.properties![key] : valueSchema(schema);
