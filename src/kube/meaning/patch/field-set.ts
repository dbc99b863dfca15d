// A set of fields of an object: who owns what in server-side apply. Its JSON form is meta/v1 FieldsV1.
// A tree whose edges are path elements as FieldsV1 spells them:
//   f:name (a field or map key)   k:{"port":80} (a list item by its keys)   v:"x" (an item of a set)   i:0 (by place)
// Operations never change their inputs. Difference and the like compare members, not subtrees, unless they say so.
import { isObject } from '../../../base/data/json-value.ts';

export interface FieldSet {
  /** The path up to here is itself a member. */
  readonly member: boolean;
  readonly children: ReadonlyMap<string, FieldSet>;
}

export const noFields: FieldSet = { member: false, children: new Map() };
export const oneField: FieldSet = { member: true, children: new Map() };

/** A set under construction. */
export interface FieldSetDraft {
  member: boolean;
  readonly children: Map<string, FieldSetDraft>;
}

export const draftFields = (): FieldSetDraft => ({ member: false, children: new Map() });

export function addField(draft: FieldSetDraft, path: readonly string[]): void {
  let node = draft;
  for (const step of path) {
    let child = node.children.get(step);
    if (!child) node.children.set(step, (child = draftFields()));
    node = child;
  }
  node.member = true;
}

export const isEmptySet = (set: FieldSet): boolean => !set.member && set.children.size === 0;

// Branches without members are dropped, so that an empty set is always `noFields`-shaped.
// None of these costs more than its smaller input allows: objects with thousands of owners are met field by field.

/** All at once: one after the other would copy what is there already again and again. */
export function union(...sets: readonly FieldSet[]): FieldSet {
  return unionOf(sets);
}

export function unionOf(sets: readonly FieldSet[]): FieldSet {
  const some = sets.filter((set) => !isEmptySet(set));
  if (some.length < 2) return some[0] ?? noFields;
  const below = new Map<string, FieldSet[]>();
  for (const { children } of some) {
    for (const [step, child] of children) {
      const known = below.get(step);
      if (known) known.push(child);
      else below.set(step, [child]);
    }
  }
  const children = new Map<string, FieldSet>();
  for (const [step, list] of below) {
    const child = unionOf(list);
    if (!isEmptySet(child)) children.set(step, child);
  }
  return { member: some.some(({ member }) => member), children };
}

export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(b)) return a;
  const children = new Map<string, FieldSet>();
  for (const [step, child] of a.children) {
    const other = b.children.get(step);
    const kept = other ? difference(child, other) : child;
    if (!isEmptySet(kept)) children.set(step, kept);
  }
  return { member: a.member && !b.member, children };
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const [fewer, more] = a.children.size <= b.children.size ? [a, b] : [b, a];
  const children = new Map<string, FieldSet>();
  for (const [step, child] of fewer.children) {
    const other = more.children.get(step);
    const shared = other ? intersection(child, other) : noFields;
    if (!isEmptySet(shared)) children.set(step, shared);
  }
  return { member: a.member && b.member, children };
}

/** Without the members of `b` and all that is below them. */
export function withoutSubtrees(a: FieldSet, b: FieldSet): FieldSet {
  if (b.member) return noFields;
  const children = new Map<string, FieldSet>();
  for (const [step, child] of a.children) {
    const other = b.children.get(step);
    const kept = other ? withoutSubtrees(child, other) : child;
    if (!isEmptySet(kept)) children.set(step, kept);
  }
  return { member: a.member, children };
}

export function sameFields(a: FieldSet, b: FieldSet): boolean {
  if (a.member !== b.member || a.children.size !== b.children.size) return false;
  return Array.from(a.children).every(([step, child]) => sameFields(child, b.children.get(step) ?? noFields));
}

/** The FieldsV1 form. `.` stands for the field itself where it has owned fields below it. */
export function encodeFields(set: FieldSet): Record<string, unknown> {
  const encoded: Record<string, unknown> = {};
  if (set.member && set.children.size > 0) encoded['.'] = {};
  for (const step of Array.from(set.children.keys()).toSorted()) encoded[step] = encodeFields(set.children.get(step) ?? noFields);
  return encoded;
}

const maxDepth = 64;

/** Reads FieldsV1; undefined when it is none. */
export function decodeFields(fields: unknown, depth = 0): FieldSet | undefined {
  if (!isObject(fields) || depth > maxDepth) return undefined;
  const children = new Map<string, FieldSet>();
  for (const [step, below] of Object.entries(fields)) {
    if (step === '.') continue;
    const known = canonicalStep(step);
    const child = decodeFields(below, depth + 1);
    if (!known || !child) return undefined;
    children.set(known, child.children.size === 0 ? oneField : child);
  }
  return { member: '.' in fields, children };
}

function canonicalStep(step: string): string | undefined {
  const value = step.slice(2);
  if (step.startsWith('f:')) return step;
  if (/^i:\d+$/.test(step)) return step;
  try {
    if (step.startsWith('v:')) return itemByValue(JSON.parse(value));
    const keys: unknown = step.startsWith('k:') ? JSON.parse(value) : undefined;
    return isObject(keys) ? itemByKeys(keys) : undefined;
  } catch {
    // Not JSON: the caller refuses the whole set.
    return undefined;
  }
}

export const fieldStep = (name: string): string => `f:${name}`;
export const itemByValue = (value: unknown): string => `v:${JSON.stringify(value)}`;
export function itemByKeys(keys: Readonly<Record<string, unknown>>): string {
  const sorted = Object.keys(keys).toSorted();
  return `k:${JSON.stringify(Object.fromEntries(sorted.map((key) => [key, keys[key]])))}`;
}

/** Every member as people read it: `.spec.ports[port=80,protocol="TCP"].name`. */
export function printFields(set: FieldSet, above = ''): string[] {
  const below = Array.from(set.children.keys()).toSorted();
  return [...(set.member ? [above] : []), ...below.flatMap((step) => printFields(set.children.get(step) ?? noFields, above + printStep(step)))];
}

function printStep(step: string): string {
  const value = step.slice(2);
  if (step.startsWith('f:')) return `.${value}`;
  if (step.startsWith('v:')) return `[=${value}]`;
  if (step.startsWith('i:')) return `[${value}]`;
  const keys = Object.entries(JSON.parse(value) as object).map(([key, one]) => `${key}=${JSON.stringify(one)}`);
  return `[${keys.join(',')}]`;
}
