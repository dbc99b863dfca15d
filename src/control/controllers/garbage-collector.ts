// What nobody owns any more goes: objects whose owners are all gone, and the two finalizers that say how an owner's
// end treats its dependents (foreground: they first; orphan: they stay and forget it).
import { memoLast } from '../../base/data/memo.ts';
import { patchedKeys } from '../../base/data/patched-map.ts';
import type { Kind } from '../../kube/kinds/kind.ts';
import { createKindIndex } from '../../kube/kinds/kind-index.ts';
import type { KubeObject, OwnerReference } from '../../kube/objects/meta.ts';
import type { Snapshot, Write } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';
import { type Groups, groupKeeping, groupOf, sameItems } from './keep-lists.ts';
import { remove, update } from './writes.ts';

const foreground = 'foregroundDeletion';
const orphan = 'orphan';

type Uids = ReadonlySet<string>;

/** The same set while the same objects are there, whatever changed in them. */
function keepUids(): (list: readonly KubeObject[]) => Uids {
  let before: { uids: readonly string[]; set: Uids } | undefined;
  return memoLast((list: readonly KubeObject[]) => {
    const uids = list.map(({ metadata }) => metadata.uid ?? '');
    if (!before || !sameItems(before.uids, uids)) before = { uids, set: new Set(uids) };
    return before.set;
  });
}

/** What one kind's objects say about ownership, kept from snapshot to snapshot. */
interface Ledger {
  byOwner(list: readonly KubeObject[]): Groups<KubeObject>;
  ending(list: readonly KubeObject[]): Groups<KubeObject>;
  uids(list: readonly KubeObject[]): Uids;
  /** The last search for orphans, and what it was told: by whom it asked, who is there. */
  searched?: { groups: Groups<KubeObject>; asked: ReadonlyMap<Kind, Uids>; found: Groups<KubeObject> };
}

const keepLedger = (): Ledger => ({
  byOwner: groupKeeping((object: KubeObject) => object.metadata.ownerReferences?.map(({ uid }) => uid)),
  ending: groupKeeping(({ metadata }: KubeObject) => (metadata.deletionTimestamp ? metadata.finalizers?.find((name) => name === foreground || name === orphan) : undefined)),
  uids: keepUids(),
});

export function createGarbageCollector(kinds: readonly Kind[]): Controller {
  const kindOf = createKindIndex(kinds);
  const ledgers = new Map(kinds.map((kind) => [kind, keepLedger()]));
  const uidsIn = (kind: Kind, seen: Snapshot): Uids => ledgers.get(kind)!.uids(seen.list(kind));

  /** False only when we would know: owners of kinds that are not served count as there. */
  function lives({ apiVersion, kind: name, uid }: OwnerReference, seen: Snapshot, asked?: Map<Kind, Uids>): boolean {
    const kind = kindOf(apiVersion, name);
    if (!kind) return true;
    const uids = uidsIn(kind, seen);
    asked?.set(kind, uids);
    return uids.has(uid);
  }

  const stillTrue = (searched: Ledger['searched'], seen: Snapshot): Ledger['searched'] =>
    searched && [...searched.asked].every(([kind, uids]) => uidsIn(kind, seen) === uids) ? searched : undefined;

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
    decide(seen) {
      const books = [...ledgers].map(([kind, ledger]) => ({ ledger, groups: ledger.byOwner(seen.list(kind)), ending: [...ledger.ending(seen.list(kind)).values()].flat() }));
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
