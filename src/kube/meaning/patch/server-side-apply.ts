// Server-side apply: a client says what it wants of an object, and the server remembers who wanted what.
// applyPatch serves PATCH with apply-patch+yaml; trackUpdate follows every other write, so that applies find its owner.
// Semantics are those of structured-merge-diff; a value that is already there, defaults included, makes no conflict.
import { deepEqual } from '../../../base/data/memo.ts';
import type { KubeObject } from '../../objects/meta.ts';
import { type Message, messageOf } from '../../schema/schema.ts';
import { ApiError } from '../api-error.ts';
import { layOver, takeOut } from './apply-merge.ts';
import type { ApplyType } from './apply-types.ts';
import { difference, intersection, isEmptySet, noFields, oneField, printFields, sameFields, union, unionOf, withoutSubtrees } from './field-set.ts';
import type { FieldSet } from './field-set.ts';
import { asksForReset, ownerKey, readOwners, withFewUpdaters, writeOwners } from './managed-fields.ts';
import type { Owned, Owner, Owners } from './managed-fields.ts';
import { compareObjects, fieldsOf, withNamedParents } from './owned-fields.ts';
import type { Differences } from './owned-fields.ts';

export interface Writer {
  /** The fieldManager parameter, else the client's name from its User-Agent. */
  manager: string;
  apiVersion: string;
  subresource?: string;
  now: Date;
  /** Of custom kinds, which the table does not know; `tracksStatus` when status is a subresource. */
  custom?: { message: Message; tracksStatus: boolean };
}

/**
 * The object after applying `wanted`, with its owners. `live` is absent when the apply creates.
 * Throws ApiError 409 with one cause per field that another manager owns, 400 for lists whose items lack their keys.
 */
export function applyPatch<T extends KubeObject>(live: T | undefined, wanted: KubeObject, writer: Writer & { force?: boolean }): T {
  const type = typeOf(wanted, writer);
  const before = live && withoutOwners(live);
  const known = live ? ownersBeforeApply(live, writer) : new Map<string, Owned>();
  const me: Owner = { manager: writer.manager, operation: 'Apply', apiVersion: writer.apiVersion, subresource: writer.subresource };
  const key = ownerKey(me);
  const fields = tracked(fieldsOf(withoutOwners(wanted), type, true), wanted, writer);
  const owners = new Map(known).set(key, { ...me, time: known.get(key)?.time, fields });
  const merged = layOver(before, withoutOwners(wanted), type);
  const next = prune(merged, { owners, last: known.get(key)?.fields ?? noFields, type });
  const changes = compareObjects(before ?? {}, next, type);
  const after = takeOwnership(owners, key, { changes: trackedChanges(changes, wanted, writer), force: writer.force ?? false });
  const changed = !deepEqual(before, next) || !sameOwners(known, after);
  const mine = after.get(key);
  if (mine && changed) after.set(key, { ...mine, time: printTime(writer.now) });
  return withOwners(next as T, after);
}

/**
 * The object with its owners after an update, or a create when `old` is absent: the writer owns what it changed.
 * managedFields that a client sends replace those kept (kubectl migrates owners that way); one empty entry forgets all.
 */
export function trackUpdate<T extends KubeObject>(old: T | undefined, next: T, writer: Writer): T {
  const sent = next.metadata.managedFields;
  if (asksForReset(sent)) return withOwners(next, new Map());
  const kept = readOwners(old?.metadata.managedFields) ?? new Map<string, Owned>();
  // A subresource is no place to write owners.
  const given = writer.subresource ? undefined : readOwners(sent);
  const owners = given?.size ? given : kept;
  // An object whose owners were never recorded stays so until someone applies.
  if (old && owners.size === 0) return withOwners(next, owners);
  return withOwners(next, updatedOwners(owners, { old, next }, writer));
}

function updatedOwners(owners: Owners, { old, next }: { old: KubeObject | undefined; next: KubeObject }, writer: Writer): Owners {
  const differences = compareObjects(old ? withoutOwners(old) : {}, withoutOwners(next), typeOf(next, writer));
  const changes = trackedChanges(differences, next, writer);
  const me: Owner = { manager: writer.manager, operation: 'Update', apiVersion: writer.apiVersion, subresource: writer.subresource };
  const key = ownerKey(me);
  const after = takeOwnership(owners, key, { changes, force: true });
  const written = union(changes.added, changes.modified);
  const before = owners.get(key);
  const fields = union(difference(before?.fields ?? noFields, changes.removed), written);
  after.set(key, { ...me, time: isEmptySet(written) ? before?.time : printTime(writer.now), fields });
  return withFewUpdaters(after);
}

const typeOf = ({ apiVersion, kind }: KubeObject, { custom }: Writer): ApplyType => ({ shape: { message: custom?.message ?? messageOf(apiVersion, kind) } });

const printTime = (now: Date) => `${now.toISOString().slice(0, 19)}Z`;

const ownedBy = (owned: Owned, fields: FieldSet): Owned => ({ ...owned, fields });

// Whoever wrote an object before owners were recorded gets one name together.
function ownersBeforeApply(live: KubeObject, { apiVersion, now, custom }: Writer): Owners {
  const owners = readOwners(live.metadata.managedFields) ?? new Map<string, Owned>();
  if (owners.size > 0) return owners;
  return updatedOwners(owners, { old: undefined, next: live }, { manager: 'before-first-apply', apiVersion, now, custom });
}

// What this manager applied last time and no longer names goes, unless another manager owns it.
function prune(merged: unknown, { owners, last, type }: { owners: Owners; last: FieldSet; type: ApplyType }): unknown {
  if (isEmptySet(last)) return merged;
  const named = (set: FieldSet) => withNamedParents(set, type);
  const all = named(fieldsOf(merged, type));
  // What the server writes is nobody's to remove: metadata that only this manager had filled keeps its name.
  const owned = named(unionOf([serverFields, ...Array.from(owners.values(), ({ fields }) => fields)]));
  const bare = takeOut(merged, named(last), type) ?? {};
  const withOwned = takeOut(merged, difference(all, union(named(fieldsOf(bare, type)), owned)), type) ?? {};
  const dangling = intersection(difference(all, named(fieldsOf(withOwned, type))), named(last));
  return takeOut(merged, dangling, type) ?? {};
}

/** Everyone else loses what changed; without force, losing is a conflict. */
function takeOwnership(owners: Owners, mine: string, { changes, force }: { changes: Differences; force: boolean }): Map<string, Owned> {
  const written = union(changes.added, changes.modified);
  const conflicts = new Map<string, FieldSet>();
  const after = new Map(owners);
  for (const [key, owned] of owners) {
    if (key === mine) continue;
    const lost = intersection(owned.fields, written);
    if (!isEmptySet(lost)) conflicts.set(key, lost);
    after.set(key, ownedBy(owned, difference(difference(owned.fields, lost), changes.removed)));
  }
  if (conflicts.size > 0 && !force) throw conflictError(conflicts, owners);
  return after;
}

function conflictError(conflicts: ReadonlyMap<string, FieldSet>, owners: Owners): ApiError {
  const found = Array.from(conflicts.keys()).toSorted().map((key) => ({ who: printOwner(owners.get(key)), fields: printFields(conflicts.get(key) ?? noFields) }));
  const causes = found.flatMap(({ who, fields }) =>
    fields.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${who}`, field })),
  );
  const one = causes.length === 1 ? `${causes[0]?.message}: ${causes[0]?.field}` : undefined;
  const many = found.map(({ who, fields }) => [`conflicts with ${who}:`, ...fields.map((field) => `- ${field}`)].join('\n')).join('\n');
  const text = one ? `Apply failed with 1 conflict: ${one}` : `Apply failed with ${causes.length} conflicts: ${many}`;
  return new ApiError(409, 'Conflict', text, { causes });
}

function printOwner(owner: Owner | undefined): string {
  const name = JSON.stringify(owner?.manager ?? '') + (owner?.subresource ? ` with subresource "${owner.subresource}"` : '');
  return owner?.operation === 'Update' ? `${name} using ${owner.apiVersion}` : name;
}

const pathsOnly = (...names: readonly string[]): FieldSet => ({
  member: false,
  children: new Map(names.map((name) => [`f:${name}`, oneField])),
});

const inMetadata = pathsOnly('name', 'namespace', 'creationTimestamp', 'selfLink', 'uid', 'generation', 'managedFields', 'resourceVersion');

// What the server writes belongs to nobody.
const serverFields: FieldSet = {
  member: false,
  children: new Map([...pathsOnly('apiVersion', 'kind').children, ['f:metadata', { member: true, children: inMetadata.children }]]),
};

/** Without what the server writes, and what this subresource may not write. */
function tracked(fields: FieldSet, object: KubeObject, { subresource, custom }: Writer): FieldSet {
  const hasStatus = custom?.tracksStatus ?? messageOf(object.apiVersion, object.kind)?.fields.has('status') ?? false;
  const reset = subresource === 'status' ? pathsOnly('spec') : !subresource && hasStatus ? pathsOnly('status') : noFields;
  return withoutSubtrees(difference(fields, serverFields), reset);
}

function trackedChanges(changes: Differences, object: KubeObject, writer: Writer): Differences {
  return {
    added: tracked(changes.added, object, writer),
    modified: tracked(changes.modified, object, writer),
    removed: tracked(changes.removed, object, writer),
  };
}

const sameOwners = (a: Owners, b: Owners) =>
  a.size === b.size && Array.from(a).every(([key, owned]) => sameFields(owned.fields, b.get(key)?.fields ?? noFields));

function withoutOwners<T extends KubeObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function withOwners<T extends KubeObject>(object: T, owners: Owners): T {
  const managedFields = writeOwners(owners);
  const bare = withoutOwners(object);
  return managedFields.length === 0 ? bare : { ...bare, metadata: { ...bare.metadata, managedFields } };
}
