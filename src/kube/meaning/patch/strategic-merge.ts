// Strategic merge patch: a merge patch that knows lists. `kubectl apply`, `edit` and `rollout` speak it.
// Lists merge by the key their field names in the schema; directives ($patch, $retainKeys, $setElementOrder/…,
// $deleteFromPrimitiveList/…) say the rest. Pure: inputs are never changed. Refusals are ApiErrors 400.
import { isObject, ownValue, setOwn } from '../../../base/data/json-value.ts';
import type { JsonObject } from '../../../base/data/json-value.ts';
import type { KubeObject } from '../../objects/meta.ts';
import { messageOf } from '../../schema/schema.ts';
import type { Field } from '../../schema/schema.ts';
import { fieldAt, shapeAt } from '../../schema/shape.ts';
import type { Shape } from '../../schema/shape.ts';
import { badRequest } from '../api-error.ts';
import { asData, deletePrefix, isDirective, orderPrefix, unknownDirective, withoutDirectives } from './directives.ts';
import { checkOrder, orderItems } from './element-order.ts';
import { mergeLists } from './strategic-lists.ts';

/** The object after the patch. `kind` names the type whose merge keys count. */
export function strategicMergePatch<T extends KubeObject>(kind: { apiVersion: string; kind: string }, object: T, patch: unknown): T {
  if (!isObject(patch)) throw badRequest('json: cannot unmarshal the patch into a map');
  const shape = { message: messageOf(kind.apiVersion, kind.kind) };
  return mergeObject(object as unknown as JsonObject, patch, shape) as unknown as T;
}

function mergeObject(original: JsonObject, patch: JsonObject, shape: Shape): JsonObject {
  const directive = ownValue(patch, '$patch');
  if (directive === 'replace') return withoutDirectives(patch);
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'merge') throw unknownDirective(directive, patch);
  const merged = keepRetained(original, patch);
  const ordered = mergeOrderedLists(merged, patch, shape);
  // Removals first: what a patch both removes from a list and adds to it shall be there.
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(deletePrefix)) removeScalars(merged, key.slice(deletePrefix.length), value);
  }
  for (const [key, value] of Object.entries(patch)) {
    if (!isDirective(key) && !ordered.has(key)) mergeKey(merged, key, { value, shape });
  }
  return merged;
}

function mergeKey(merged: Record<string, unknown>, key: string, patch: { value: unknown; shape: Shape }): void {
  const { value, shape } = patch;
  if (value === null) {
    delete merged[key];
    return;
  }
  setOwn(merged, key, mergeValues(ownValue(merged, key), value, { field: fieldAt(shape, key), shape: shapeAt(shape, key) }));
}

interface ValueType {
  field: Field | undefined;
  /** Of the value, or of a list's items. */
  shape: Shape;
}

function mergeValues(old: unknown, value: unknown, type: ValueType): unknown {
  if (isObject(old) && isObject(value) && !type.field?.replaced) return mergeObject(old, value, type.shape);
  if (Array.isArray(value) && type.field?.mergeKey !== undefined) {
    return mergeLists(Array.isArray(old) ? old : [], value, { mergeKey: type.field.mergeKey, shape: type.shape, mergeObject });
  }
  return asData(value);
}

/** A copy of the original with only the keys that $retainKeys names, where the patch has it. */
function keepRetained(original: JsonObject, patch: JsonObject): Record<string, unknown> {
  const retained = ownValue(patch, '$retainKeys');
  if (retained === undefined) return { ...original };
  const named = new Set(Array.isArray(retained) ? retained : []);
  const stray = (key: string) => !key.startsWith('$') && patch[key] !== null && !named.has(key);
  if (!Array.isArray(retained) || Object.keys(patch).some(stray)) throw badRequest('invalid patch format of retainKeys');
  return Object.fromEntries(Object.entries(original).filter(([key]) => named.has(key)));
}

/** Merges every list that $setElementOrder orders; returns their keys, which are then done. */
function mergeOrderedLists(merged: Record<string, unknown>, patch: JsonObject, shape: Shape): ReadonlySet<string> {
  const done = new Set<string>();
  for (const [directive, wanted] of Object.entries(patch)) {
    if (!directive.startsWith(orderPrefix)) continue;
    if (!Array.isArray(wanted)) throw badRequest('invalid patch format of setElementOrder list');
    const key = directive.slice(orderPrefix.length);
    const added = ownValue(patch, key) ?? [];
    // Anything but a list replaces it and is no matter of order.
    if (!Array.isArray(added) || patch[key] === null) continue;
    const ordered = mergeInOrder(ownValue(merged, key), { added, wanted }, { field: fieldAt(shape, key), shape: shapeAt(shape, key) });
    if (ordered) setOwn(merged, key, ordered);
    done.add(key);
  }
  return done;
}

interface OrderedPatch {
  added: readonly unknown[];
  wanted: readonly unknown[];
}

function mergeInOrder(old: unknown, patch: OrderedPatch, type: ValueType): unknown[] | undefined {
  const mergeKey = type.field?.mergeKey || undefined;
  checkOrder(patch.added, patch.wanted, mergeKey);
  if (!Array.isArray(old) && patch.added.length === 0) return undefined;
  const before = Array.isArray(old) ? old : [];
  const items = patch.added.length === 0 ? before : (mergeValues(before, patch.added, type) as unknown[]);
  return orderItems(items, { wanted: patch.wanted, before, mergeKey });
}

function removeScalars(merged: Record<string, unknown>, key: string, unwanted: unknown): void {
  const old = ownValue(merged, key);
  if (!Array.isArray(unwanted)) throw badRequest('invalid patch format of primitive list');
  const named = new Set(unwanted);
  if (Array.isArray(old)) setOwn(merged, key, old.filter((item) => !named.has(item)));
}
