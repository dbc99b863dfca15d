// From objects to sets of fields: what an applied object names, and how two objects differ.
import { deepEqual } from '../../../base/data/memo.ts';
import { isObject } from '../../../base/data/json-value.ts';
import { implicitValue, itemType, present, stepTo, typeAt, viewOf } from './apply-types.ts';
import type { ApplyType } from './apply-types.ts';
import { addField, draftFields, noFields } from './field-set.ts';
import type { FieldSet, FieldSetDraft } from './field-set.ts';

/** Every field an object names. `strict` refuses list items without keys (ApiError 400). */
export function fieldsOf(object: unknown, type: ApplyType, strict = false): FieldSet {
  const set = draftFields();
  collect({ set, path: [], strict }, object, type);
  return set;
}

interface Collector {
  set: FieldSetDraft;
  path: string[];
  strict: boolean;
}

function collect(into: Collector, value: unknown, type: ApplyType): void {
  const view = viewOf(value, type, into.strict);
  if (view.as === 'leaf') return addField(into.set, into.path);
  if (view.as === 'list') {
    for (const [step, item] of view.items) below(into, step, () => (collect(into, item, itemType(type)), addField(into.set, into.path)));
    return;
  }
  for (const [key, item] of Object.entries(view.value)) {
    if (item === undefined) continue;
    const inner = typeAt(type, key);
    // A declared field is named by what is in it; a map key, or a field with nothing in it, by itself.
    const itself = !inner.field || !present(item) || (isObject(item) && Object.keys(item).length === 0);
    below(into, stepTo(key), () => {
      collect(into, item, inner);
      if (itself) addField(into.set, into.path);
    });
  }
}

function below(walk: { path: string[] }, step: string, visit: () => void): void {
  walk.path.push(step);
  visit();
  walk.path.pop();
}

export interface Differences {
  added: FieldSet;
  modified: FieldSet;
  removed: FieldSet;
}

interface Comparison {
  added: FieldSetDraft;
  modified: FieldSetDraft;
  removed: FieldSetDraft;
  path: string[];
}

/** How `now` differs from `old`, field by field. */
export function compareObjects(old: unknown, now: unknown, type: ApplyType): Differences {
  const comparison = { added: draftFields(), modified: draftFields(), removed: draftFields(), path: [] };
  compare(comparison, { old, now }, type);
  return comparison;
}

interface Pair {
  old: unknown;
  now: unknown;
}

function compare(into: Comparison, pair: Pair, type: ApplyType): void {
  const { old, now } = pair;
  if (old === now || (!present(old) && !present(now))) return;
  if (!present(old)) addField(into.added, into.path);
  else if (!present(now)) addField(into.removed, into.path);
  const as = viewOf(present(now) ? now : old, type).as;
  const changedForm = present(old) && present(now) && viewOf(old, type).as !== as;
  if (as === 'leaf' || changedForm) compareLeaf(into, pair);
  else if (as === 'list') compareItems(into, pair, type);
  else compareKeys(into, pair, type);
}

function compareLeaf(into: Comparison, { old, now }: Pair): void {
  if (present(old) && present(now) && !deepEqual(old, now)) addField(into.modified, into.path);
}

function compareItems(into: Comparison, { old, now }: Pair, type: ApplyType): void {
  const items = (list: unknown) => {
    const view = present(list) ? viewOf(list, type) : undefined;
    return view?.as === 'list' ? view.items : new Map<string, unknown>();
  };
  const [before, after] = [items(old), items(now)];
  for (const step of new Set([...before.keys(), ...after.keys()])) {
    below(into, step, () => compare(into, { old: before.get(step), now: after.get(step) }, itemType(type)));
  }
}

function compareKeys(into: Comparison, { old, now }: Pair, type: ApplyType): void {
  const [before, after] = [isObject(old) ? old : undefined, isObject(now) ? now : undefined];
  for (const key of new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])) {
    const inner = typeAt(type, key);
    const value = (object: typeof before) => object && (Object.hasOwn(object, key) ? object[key] : implicitValue(inner));
    below(into, stepTo(key), () => compare(into, { old: value(before), now: value(after) }, inner));
  }
}

/** Declared fields with members below them become members: removing all that is in a struct may remove the struct. */
export function withNamedParents(set: FieldSet, type: ApplyType): FieldSet {
  const children = new Map<string, FieldSet>();
  for (const [step, child] of set.children) {
    const inner = step.startsWith('f:') ? typeAt(type, step.slice(2)) : itemType(type);
    const named = withNamedParents(child, inner);
    children.set(step, step.startsWith('f:') && inner.field ? { member: true, children: named.children } : named);
  }
  return children.size === 0 && !set.member ? noFields : { member: set.member, children };
}
