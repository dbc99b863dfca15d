// Strategic merge of one list: items of maps meet by their merge key, scalars by themselves.
import { isObject, printGoValue } from '../../../base/data/json-value.ts';
import type { JsonObject } from '../../../base/data/json-value.ts';
import type { Shape } from '../../schema/shape.ts';
import { badRequest } from '../api-error.ts';
import { unknownDirective, withoutDirectives } from './directives.ts';
import { orderItems } from './element-order.ts';

export interface ListType {
  /** '' for a set of scalars. */
  mergeKey: string;
  /** Of the items. */
  shape: Shape;
  mergeObject(old: JsonObject, patch: JsonObject, shape: Shape): JsonObject;
}

/** Items the patch names keep their places or, when new, stand in front; the rest keep theirs. */
export function mergeLists(old: readonly unknown[], patch: readonly unknown[], type: ListType): unknown[] {
  const { mergeKey } = type;
  if (!mergeKey) return orderItems([...new Set([...old, ...patch])], { wanted: patch, before: old });
  const items = patch.map((item) => asItem(item));
  const changes = items.filter((item) => !('$patch' in item) || item['$patch'] === 'merge');
  if (items.some((item) => item['$patch'] === 'replace')) return changes.map(withoutDirectives);
  const kept = withoutDeleted(old, items, mergeKey);
  const merged = mergeItems(kept, changes, type);
  return orderItems(merged, { wanted: changes, before: kept, mergeKey });
}

function asItem(item: unknown): JsonObject {
  if (!isObject(item)) throw badRequest(`expected a map in a list that merges by key, found: ${printGoValue(item)}`);
  return item;
}

function withoutDeleted(old: readonly unknown[], items: readonly JsonObject[], mergeKey: string): readonly unknown[] {
  // By what they print: comparing each with each would cost the product of both lists.
  const deleted = new Set<string>();
  for (const item of items) {
    const directive = item['$patch'] ?? 'merge';
    if (directive !== 'delete' && directive !== 'merge') throw unknownDirective(directive, item);
    const value = keyOf(item, mergeKey);
    if (directive === 'delete') deleted.add(printJson(value));
  }
  return deleted.size === 0 ? old : old.filter((one) => !isObject(one) || !deleted.has(printJson(one[mergeKey])));
}

const printJson = (value: unknown): string => JSON.stringify(value) ?? '';

function keyOf(item: JsonObject, mergeKey: string): unknown {
  if (Object.hasOwn(item, mergeKey)) return item[mergeKey];
  throw badRequest(`map: ${printGoValue(item)} does not contain declared merge key: ${mergeKey}`);
}

function mergeItems(old: readonly unknown[], changes: readonly JsonObject[], type: ListType): unknown[] {
  const { mergeKey, shape, mergeObject } = type;
  const merged = [...old];
  // By the printed value, so that a list of many items does not cost the square of it.
  const places = new Map<string, number>();
  old.forEach((one, i) => isObject(one) && !places.has(printGoValue(one[mergeKey])) && places.set(printGoValue(one[mergeKey]), i));
  for (const change of changes) {
    const name = printGoValue(keyOf(change, mergeKey));
    const place = places.get(name);
    const before = place === undefined ? undefined : merged[place];
    if (place !== undefined && isObject(before)) merged[place] = mergeObject(before, change, shape);
    else {
      places.set(name, merged.length);
      merged.push(withoutDirectives(change));
    }
  }
  return merged;
}
