// How server-side apply sees a value: as one leaf, as a map of fields, or as a list whose items have names.
// Follows the schema's list types; what has no schema is granular in maps and atomic in lists.
import { isObject } from '../../../base/data/json-value.ts';
import type { JsonObject } from '../../../base/data/json-value.ts';
import type { Field } from '../../schema/schema.ts';
import { fieldAt, shapeAt } from '../../schema/shape.ts';
import type { Shape } from '../../schema/shape.ts';
import { badRequest } from '../api-error.ts';
import { fieldStep, itemByKeys, itemByValue } from './field-set.ts';

export interface ApplyType {
  readonly shape: Shape;
  /** The field that holds the value; absent for list items and map values. */
  readonly field?: Field;
}

export type View =
  | { readonly as: 'leaf' }
  | { readonly as: 'map'; readonly value: JsonObject }
  /** Items by their step; of items with equal names the first counts. */
  | { readonly as: 'list'; readonly items: ReadonlyMap<string, unknown> };

const leaf: View = { as: 'leaf' };

export const present = (value: unknown): boolean => value !== undefined && value !== null;

/** `strict` refuses lists whose items lack keys or repeat them: a client's; stored ones are taken as they are. */
export function viewOf(value: unknown, type: ApplyType, strict = false): View {
  if (Array.isArray(value)) return viewList(value, type, strict);
  return isObject(value) && !isAtomic(type) ? { as: 'map', value } : leaf;
}

// Of a map the field decides, of a struct its type too; raw JSON is nobody's struct.
function isAtomic({ field, shape }: ApplyType): boolean {
  if (field?.holds === 'map') return field.apply === 'atomic';
  return shape.message?.atomic === true || field?.apply === 'atomic' || field?.scalar !== undefined;
}

function viewList(list: readonly unknown[], type: ApplyType, strict: boolean): View {
  const apply = type.field?.holds === 'list' ? type.field.apply : 'atomic';
  if (apply === 'atomic' || apply === 'granular') return leaf;
  const items = new Map<string, unknown>();
  for (const item of list) {
    const step = apply === 'set' ? itemByValue(item) : itemByKeys(keysOf(item, apply, { type, strict }));
    if (!items.has(step)) items.set(step, item);
    else if (strict) throw badRequest(`duplicate entries for key ${step.slice(2)}`);
  }
  return { as: 'list', items };
}

// A key that is left out but has a default counts with it (`protocol` of a port is TCP).
function keysOf(item: unknown, keys: readonly string[], about: { type: ApplyType; strict: boolean }): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const key of keys) {
    const given = isObject(item) ? item[key] : undefined;
    const value = given ?? about.type.shape.message?.fields.get(key)?.keyDefault;
    if (value !== undefined) found[key] = value;
    else if (about.strict) {
      throw badRequest(`associative list with keys has an element that omits key field "${key}" (and doesn't have default value)`);
    }
  }
  return found;
}

export const stepTo = fieldStep;

export function typeAt(type: ApplyType, key: string): ApplyType {
  return { shape: shapeAt(type.shape, key), field: fieldAt(type.shape, key) };
}

/** The type of a list's items. */
export const itemType = (type: ApplyType): ApplyType => ({ shape: type.shape });

/**
 * What stands for a field that JSON leaves out though Go has it: a struct by value, or a list or map that is
 * printed even when empty. Writing into it does not make the field itself anyone's.
 */
export function implicitValue({ field }: ApplyType): unknown {
  if (!field || field.pointer) return undefined;
  if (field.holds !== 'one') return field.always ? (field.holds === 'list' ? [] : {}) : undefined;
  return field.message ? {} : undefined;
}
