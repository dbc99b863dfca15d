// Walking an object together with its type: what a value is, one step down from its parent.
// Values without a type (custom resources without a schema) have the shape 'unknown' all the way down.
import type { Field, Message } from './schema.ts';

/** The type of a value that is no list: a message, a map whose values are of one type, or not known. */
export interface Shape {
  readonly message?: Message;
  /** The field whose map this is. */
  readonly mapOf?: Field;
}

export const unknownShape: Shape = {};

/** The shape of a field's value; of a list, that of its items. */
export function shapeOf(field: Field | undefined): Shape {
  if (!field) return unknownShape;
  return field.holds === 'map' ? { mapOf: field } : { message: field.message };
}

/** The field behind a key of an object; undefined for map keys and for what the type does not know. */
export const fieldAt = (shape: Shape, key: string): Field | undefined => shape.message?.fields.get(key);

/** One step down: the shape of the value (of a list: its items) under a key. */
export function shapeAt(shape: Shape, key: string): Shape {
  if (shape.mapOf) return { message: shape.mapOf.message };
  return shapeOf(fieldAt(shape, key));
}
