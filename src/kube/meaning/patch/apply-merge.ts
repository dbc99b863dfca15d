// The two operations of server-side apply on an object: lay a partial object over it, take a set of fields out of it.
import { isObject, setOwn } from '../../../base/data/json-value.ts';
import type { JsonObject } from '../../../base/data/json-value.ts';
import { itemType, present, stepTo, typeAt, viewOf } from './apply-types.ts';
import type { ApplyType } from './apply-types.ts';
import { isEmptySet } from './field-set.ts';
import type { FieldSet } from './field-set.ts';

/** `over` wins leaf by leaf; what it does not name stays. Throws ApiError 400 for list items without their keys. */
export function layOver(base: unknown, over: unknown, type: ApplyType): unknown {
  const top = viewOf(over, type, true);
  const bottom = present(base) ? viewOf(base, type) : undefined;
  if (top.as === 'map') return layMap(bottom?.as === 'map' ? bottom.value : {}, top.value, type);
  if (top.as === 'list') return layList(bottom?.as === 'list' ? bottom.items : new Map(), top.items, type);
  return over;
}

function layMap(base: JsonObject, over: JsonObject, type: ApplyType): JsonObject {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (value === null || value === undefined) delete merged[key];
    else setOwn(merged, key, layOver(Object.hasOwn(base, key) ? base[key] : undefined, value, typeAt(type, key)));
  }
  return merged;
}

// The order is that of the upper list; items that only the lower one has stay in front of the shared item they preceded.
function layList(base: ReadonlyMap<string, unknown>, over: ReadonlyMap<string, unknown>, type: ApplyType): unknown[] {
  const lower = [...base.keys()];
  const shared = [...over.keys()].filter((step) => base.has(step));
  const merged: unknown[] = [];
  let at = 0;
  let nextShared = 0;
  const takeLowerUntil = (stop: string | undefined) => {
    for (; at < lower.length && lower[at] !== stop; at += 1) if (!over.has(lower[at] ?? '')) merged.push(base.get(lower[at] ?? ''));
  };
  for (const [step, item] of over) {
    takeLowerUntil(shared[nextShared]);
    if (step === shared[nextShared]) {
      nextShared += 1;
      if (lower[at] === step) at += 1;
    }
    merged.push(layOver(base.get(step), item, itemType(type)));
  }
  takeLowerUntil(undefined);
  return merged;
}

/** The value without the members of a set; undefined when nothing is left of it that way. */
export function takeOut(value: unknown, unwanted: FieldSet, type: ApplyType): unknown {
  if (isEmptySet(unwanted)) return value;
  const view = present(value) ? viewOf(value, type) : undefined;
  if (view?.as === 'list') {
    const kept = Array.from(view.items).flatMap(([step, item]) => takeOutItem(item, unwanted.children.get(step), itemType(type)));
    return kept.length === 0 ? undefined : kept;
  }
  if (view?.as !== 'map') return value;
  const kept: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(view.value)) {
    const [left] = takeOutItem(item, unwanted.children.get(stepTo(key)), typeAt(type, key));
    if (left !== undefined) setOwn(kept, key, left);
  }
  return Object.keys(kept).length === 0 ? undefined : kept;
}

function takeOutItem(item: unknown, unwanted: FieldSet | undefined, type: ApplyType): unknown[] {
  if (!unwanted) return [item];
  if (unwanted.member) return [];
  const left = takeOut(item, unwanted, type);
  return left === undefined && isObject(item) ? [] : [left];
}
