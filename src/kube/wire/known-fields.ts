// What of an object is stored: the fields that its kind has. Unknown ones have been complained of by then (check-fields.ts).
// A field that is null is a field that is not there: Go's clients write `creationTimestamp: null` and mean nothing by it.
// Left in, such a null would make equal things look different (a template that `kubectl rollout undo` brings back).
import { isObject } from '../../base/data/json-value.ts';
import { type Field, type Message, messageOf } from '../schema/schema.ts';

/** The same object when there is nothing to leave out. A type that we have no schema of is kept whole: there null may be a value. */
export function knownFields<T extends object>(type: { apiVersion: string; kind: string }, object: T): T {
  const message = messageOf(type.apiVersion, type.kind);
  return message ? (clean(object, message) as T) : object;
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
  const { message, holds } = field ?? {};
  if (!message) return value;
  if (holds === 'one') return clean(value, message);
  if (Array.isArray(value)) {
    const items = value.map((item) => clean(item, message));
    return items.every((item, i) => item === value[i]) ? value : items;
  }
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, clean(item, message)] as const);
  return entries.every(([key, item]) => item === value[key]) ? value : Object.fromEntries(entries);
}
