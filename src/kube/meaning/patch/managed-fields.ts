// metadata.managedFields: which manager owns which fields, read and written.
// A manager is its name, how it wrote (Apply or Update), the subresource, and for updates the API version.
import type { ManagedFieldsEntry } from '../../objects/meta.ts';
import { decodeFields, encodeFields, isEmptySet, unionOf } from './field-set.ts';
import type { FieldSet } from './field-set.ts';

export interface Owner {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource?: string;
}

export interface Owned extends Owner {
  readonly time?: string;
  readonly fields: FieldSet;
}

/** By ownerKey. */
export type Owners = ReadonlyMap<string, Owned>;

// The order of its words is upstream's; conflicts are listed in the order of these keys.
export const ownerKey = ({ manager, operation, apiVersion, subresource }: Owner): string =>
  JSON.stringify({ manager, operation, ...(operation === 'Update' && { apiVersion }), ...(subresource && { subresource }) });

/** undefined when an entry cannot be read: then nothing of it can be trusted. */
export function readOwners(entries: readonly ManagedFieldsEntry[] | undefined): Owners | undefined {
  const found = new Map<string, Owned[]>();
  for (const entry of entries ?? []) {
    const fields = decodeFields(entry.fieldsV1 ?? {});
    const { manager = '', operation, apiVersion = '', time, subresource } = entry;
    if (!fields || entry.fieldsType !== 'FieldsV1' || (operation !== 'Apply' && operation !== 'Update')) return undefined;
    const owned = { manager, operation, apiVersion, subresource, time, fields };
    const key = ownerKey(owned);
    const known = found.get(key);
    if (known) known.push(owned);
    else found.set(key, [owned]);
  }
  return new Map(Array.from(found, ([key, entries]) => [key, joined(entries)]));
}

/** Entries of one owner; the last tells its time. */
const joined = (entries: readonly Owned[]): Owned => ({ ...entries.at(-1)!, fields: unionOf(entries.map(({ fields }) => fields)) });

/** One empty entry is how a client asks to forget all owners. */
export const asksForReset = (entries: readonly ManagedFieldsEntry[] | undefined): boolean =>
  entries?.length === 1 && Object.keys(entries[0] ?? {}).length === 0;

/** Owners of nothing are left out. */
export function writeOwners(owners: Owners): ManagedFieldsEntry[] {
  const owned = Array.from(owners.values()).filter(({ fields }) => !isEmptySet(fields));
  return owned.toSorted(byPrecedence).map(({ manager, operation, apiVersion, time, fields, subresource }) => ({
    manager,
    operation,
    apiVersion,
    ...(time && { time }),
    fieldsType: 'FieldsV1',
    fieldsV1: encodeFields(fields),
    ...(subresource && { subresource }),
  }));
}

// Appliers first, then the oldest.
function byPrecedence(a: Owned, b: Owned): number {
  const words = (owned: Owned) => [owned.operation, owned.time ?? '~', owned.manager, owned.apiVersion, owned.subresource ?? ''];
  const [left, right] = [words(a), words(b)];
  const at = left.findIndex((word, i) => word !== right[i]);
  if (at < 0) return 0;
  return (left[at] ?? '') < (right[at] ?? '') ? -1 : 1;
}

const maxUpdaters = 10;

/** The oldest updaters beyond ten are remembered together, one entry per API version. */
export function withFewUpdaters(owners: Owners): Owners {
  const updaters = Array.from(owners).filter(([, owned]) => owned.operation === 'Update');
  const surplus = updaters.length - maxUpdaters;
  if (surplus <= 0) return owners;
  const kept = new Map(owners);
  const oldest = updaters.toSorted(([, a], [, b]) => byPrecedence(a, b)).slice(0, surplus + 1);
  const ancient = new Map<string, Owned[]>();
  for (const [key, { apiVersion, time, fields }] of oldest) {
    kept.delete(key);
    const owned: Owned = { manager: 'ancient-changes', operation: 'Update', apiVersion, time, fields };
    const known = ancient.get(apiVersion);
    if (known) known.push(owned);
    else ancient.set(apiVersion, [owned]);
  }
  for (const entries of ancient.values()) kept.set(ownerKey(entries[0]!), joined(entries));
  return kept;
}
