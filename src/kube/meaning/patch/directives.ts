// The words of a strategic merge patch that are no data, and what a patch is once they are gone.
import { isObject, printGoValue, setOwn } from '../../../base/data/json-value.ts';
import type { JsonObject } from '../../../base/data/json-value.ts';
import { badRequest } from '../api-error.ts';

/** `$setElementOrder/ports`: the wanted order of the list `ports` beside it. */
export const orderPrefix = '$setElementOrder/';
/** `$deleteFromPrimitiveList/finalizers`: scalars to take out of the list `finalizers`. */
export const deletePrefix = '$deleteFromPrimitiveList/';

export const isDirective = (key: string): boolean =>
  key === '$patch' || key === '$retainKeys' || key.startsWith(orderPrefix) || key.startsWith(deletePrefix);

export const unknownDirective = (directive: unknown, patch: JsonObject) =>
  badRequest(`unknown patch type: ${printGoValue(directive)} in map: ${printGoValue(patch)}`);

/** What a patch means where nothing was: no directives, no nulls, no items that only delete. */
export function withoutDirectives(patch: JsonObject): JsonObject {
  const clean: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(patch)) {
    if (!isDirective(key) && value !== null) setOwn(clean, key, asData(value));
  }
  return clean;
}

/** A value of a patch that replaces or adds. */
export function asData(value: unknown): unknown {
  if (isObject(value)) return withoutDirectives(value);
  if (!Array.isArray(value)) return value;
  return value.filter((item) => !isObject(item) || (item['$patch'] ?? 'merge') === 'merge').map(asData);
}
