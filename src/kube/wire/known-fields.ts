// What of an object is stored: the fields that its kind has. Unknown ones have been complained of by then (check-fields.ts).
// A field that is null is a field that is not there: Go's clients write `creationTimestamp: null` and mean nothing by it.
// Left in, such a null would make equal things look different (a template that `kubectl rollout undo` brings back).
import { isObject } from '../../base/data/json-value.ts';
import { type Field, type Message, messageNamed, messageOf, type Scalar } from '../schema/schema.ts';

/** The same object when there is nothing to leave out. Of a type that we have no schema of only the metadata are known: elsewhere null may be a value. */
export function knownFields<T extends object>(type: { apiVersion: string; kind: string }, object: T): T {
  const message = messageOf(type.apiVersion, type.kind);
  if (message) return clean(object, message) as T;
  const { metadata } = object as { metadata?: unknown };
  const known = clean(metadata, messageNamed('meta/v1.ObjectMeta')!);
  return known === metadata ? object : { ...object, metadata: known };
}

function clean(value: unknown, message: Message): unknown {
  if (!isObject(value)) return value;
  const entries = Object.entries(value);
  const isKnown = (key: string) => message.fields.has(key) || (message.typed && (key === 'apiVersion' || key === 'kind'));
  const kept = entries.filter(([key, inner]) => inner !== null && isKnown(key)).map(([key, inner]) => [key, cleanField(inner, message.fields.get(key))] as const);
  const isSame = kept.length === entries.length && kept.every(([key, inner]) => inner === value[key]);
  return isSame ? value : Object.fromEntries(kept);
}

function cleanField(value: unknown, field: Field | undefined): unknown {
  if (!field || field.holds === 'one') return field?.message ? clean(value, field.message) : value;
  if (Array.isArray(value)) {
    const items = value.map((item) => cleanItem(item, field));
    return items.every((item, i) => item === value[i]) ? value : items;
  }
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, cleanItem(item, field)] as const);
  return entries.every(([key, item]) => item === value[key]) ? value : Object.fromEntries(entries);
}

/** A null item takes its place in the list, as Go reads it: empty. */
function cleanItem(item: unknown, { message, scalar }: Field): unknown {
  if (message) return clean(item ?? {}, message);
  return item === null && scalar && Object.hasOwn(emptyScalars, scalar) ? emptyScalars[scalar] : item;
}

const emptyScalars: Partial<Record<Scalar, unknown>> = { string: '', bytes: '', int32: 0, int64: 0, double: 0, bool: false, quantity: '0', strings: [] };
