// What nobody owns any more goes: objects whose owners are all gone, and the two finalizers that say how an owner's
// end treats its dependents (foreground: they first; orphan: they stay and forget it).
import { type Difference, listDifference } from '../../base/data/list-difference.ts';
import { patchedKeys, patchMap } from '../../base/data/patched-map.ts';
import { customKinds } from '../../kube/custom/custom-kinds.ts';
import type { Kind } from '../../kube/kinds/kind.ts';
import type { KubeObject, OwnerReference } from '../../kube/objects/meta.ts';
import { kindKey } from '../../kube/store/state.ts';
import type { Snapshot, Write } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';
import { type Groups, groupKeeping, groupOf } from './keep-lists.ts';
import { remove, update } from './writes.ts';

const foreground = 'foregroundDeletion';
const orphan = 'orphan';

type Uids = ReadonlyMap<string, true>;

/** Of a kind that nobody serves. */
const unknown: Uids = new Map();

const uidOf = ({ metadata }: KubeObject): string => metadata.uid ?? '';

/** The same map while the same objects are there, whatever changed in them. */
function keepUids(): (list: readonly KubeObject[]) => Uids {
  let before: { list: readonly KubeObject[]; uids: Uids } | undefined;
  return (list) => {
    const change = before && listDifference(before.list, list);
    const uids = before && change ? amendUids(before.uids, change) : new Map(list.map((object) => [uidOf(object), true as const]));
    before = { list, uids };
    return uids;
  };
}

function amendUids(uids: Uids, { removed, added }: Difference<KubeObject>): Uids {
  const changes = new Map<string, true | undefined>(removed.map((object) => [uidOf(object), undefined]));
  for (const object of added) changes.set(uidOf(object), true);
  for (const [uid, isThere] of changes) if (uids.get(uid) === isThere) changes.delete(uid);
  return changes.size === 0 ? uids : patchMap(uids, changes);
}

/** What one kind's objects say about ownership, kept from snapshot to snapshot. */
interface Ledger {
  readonly kind: Kind;
  byOwner(list: readonly KubeObject[]): Groups<KubeObject>;
  ending(list: readonly KubeObject[]): Groups<KubeObject>;
  uids(list: readonly KubeObject[]): Uids;
  /** The last search for orphans, and what it was told: by whom it asked, who is there. */
  searched?: { groups: Groups<KubeObject>; asked: ReadonlyMap<string, Uids>; found: Groups<KubeObject> };
}

const keepLedger = (kind: Kind): Ledger => ({
  kind,
  byOwner: groupKeeping((object: KubeObject) => object.metadata.ownerReferences?.map(({ uid }) => uid)),
  ending: groupKeeping(({ metadata }: KubeObject) => (metadata.deletionTimestamp ? metadata.finalizers?.find((name) => name === foreground || name === orphan) : undefined)),
  uids: keepUids(),
});

export function createGarbageCollector(kinds: readonly Kind[]): Controller {
  // By group and kind. A custom kind's ledger stays when its definition goes: its objects went first, so no owner lives.
  const ledgers = new Map(kinds.map((kind) => [kindKey(kind), keepLedger(kind)]));

  function openLedgers(seen: Snapshot): void {
    for (const kind of customKinds(seen).stored) if (!ledgers.has(kindKey(kind))) ledgers.set(kindKey(kind), keepLedger(kind));
  }

  function uidsIn(key: string, seen: Snapshot): Uids {
    const ledger = ledgers.get(key);
    return ledger ? ledger.uids(seen.list(ledger.kind)) : unknown;
  }

  /** False only when we would know: owners of kinds that were never served count as there. */
  function lives(reference: OwnerReference, seen: Snapshot, asked?: Map<string, Uids>): boolean {
    const key = kindKey(reference);
    const uids = uidsIn(key, seen);
    asked?.set(key, uids);
    return uids === unknown || uids.has(reference.uid);
  }

  const stillTrue = (searched: Ledger['searched'], seen: Snapshot): Ledger['searched'] =>
    searched && [...searched.asked].every(([key, uids]) => uidsIn(key, seen) === uids) ? searched : undefined;

  /** Dependents of whom an owner is gone, by that owner. The first dependent speaks for all: a uid has one kind. */
  function bereaved(ledger: Ledger, groups: Groups<KubeObject>, seen: Snapshot): Groups<KubeObject> {
    const last = stillTrue(ledger.searched, seen);
    if (last?.groups === groups) return last.found;
    // Owners are who they were: only those whose dependents changed need a look.
    const touched = last && patchedKeys(last.groups, groups);
    const asked = new Map(touched && last?.asked);
    const found = new Map(touched && last?.found);
    const isOrphaned = (uid: string, dependents: readonly KubeObject[]) => dependents.length > 0 && !lives(referenceTo(uid, dependents[0]!), seen, asked);
    for (const uid of touched ?? groups.keys()) {
      const dependents = groupOf(groups, uid);
      if (isOrphaned(uid, dependents)) found.set(uid, dependents);
      else found.delete(uid);
    }
    ledger.searched = { groups, asked, found };
    return found;
  }

  function settle(object: KubeObject, seen: Snapshot): Write[] {
    if (object.metadata.deletionTimestamp) return [];
    const references = object.metadata.ownerReferences ?? [];
    const living = references.filter((reference) => lives(reference, seen));
    if (living.length === 0) return [remove(object, { propagationPolicy: 'Background' })];
    return living.length < references.length ? [update({ ...object, metadata: { ...object.metadata, ownerReferences: living } })] : [];
  }

  return {
    name: 'garbage-collector',
    reads: kinds,
    alsoReads: (seen) => customKinds(seen).stored,
    decide(seen) {
      openLedgers(seen);
      const books = [...ledgers.values()].map((ledger) => ({
        ledger,
        groups: ledger.byOwner(seen.list(ledger.kind)),
        ending: [...ledger.ending(seen.list(ledger.kind)).values()].flat(),
      }));
      const dependentsOf = (owner: KubeObject) => books.flatMap(({ groups }) => groupOf(groups, owner.metadata.uid));
      return books.flatMap(({ ledger, groups, ending }) => [
        ...[...new Set([...bereaved(ledger, groups, seen).values()].flat())].flatMap((object) => settle(object, seen)),
        ...ending.flatMap((owner) => endOwner(owner, dependentsOf(owner), dependentsOf)),
      ]);
    },
  };
}

const referenceTo = (uid: string, { metadata }: KubeObject): OwnerReference => metadata.ownerReferences!.find((one) => one.uid === uid)!;

type Dependents = readonly KubeObject[];

function endOwner(owner: KubeObject, dependents: Dependents, dependentsOf: (owner: KubeObject) => Dependents): Write[] {
  if (owner.metadata.finalizers?.includes(orphan)) return dependents.length > 0 ? dependents.map((object) => forget(object, owner)) : [release(owner, orphan)];
  const doomed = dependents.filter(({ metadata }) => !metadata.deletionTimestamp);
  // A dependent that has dependents goes the same way: its own come first.
  const writes = doomed.map((object) => remove(object, { propagationPolicy: dependentsOf(object).length > 0 ? 'Foreground' : 'Background' }));
  return dependents.some((object) => holdsBack(object, owner)) ? writes : [...writes, release(owner, foreground)];
}

const holdsBack = ({ metadata }: KubeObject, owner: KubeObject): boolean =>
  metadata.ownerReferences?.some(({ uid, blockOwnerDeletion }) => uid === owner.metadata.uid && blockOwnerDeletion) === true;

function forget(object: KubeObject, owner: KubeObject): Write {
  const ownerReferences = object.metadata.ownerReferences?.filter(({ uid }) => uid !== owner.metadata.uid);
  return update({ ...object, metadata: { ...object.metadata, ownerReferences: ownerReferences?.length ? ownerReferences : undefined } });
}

const release = (owner: KubeObject, finalizer: string): Write =>
  update({ ...owner, metadata: { ...owner.metadata, finalizers: owner.metadata.finalizers?.filter((name) => name !== finalizer) } });
