// What nobody owns any more goes: objects whose owners are all gone, and the two finalizers that say how an owner's
// end treats its dependents (foreground: they first; orphan: they stay and forget it).
import { memoLast } from '../../base/data/memo.ts';
import type { Kind } from '../../kube/kinds/kind.ts';
import { createKindIndex } from '../../kube/kinds/kind-index.ts';
import type { KubeObject, OwnerReference } from '../../kube/objects/meta.ts';
import type { Snapshot, Write } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';
import { remove, update } from './writes.ts';

const foreground = 'foregroundDeletion';
const orphan = 'orphan';

/** What one kind's list says about ownership; made again only when the list changes. */
interface Ledger {
  /** By uid of the owner; the reference as the first dependent writes it. */
  readonly owners: ReadonlyMap<string, { readonly reference: OwnerReference; readonly dependents: readonly KubeObject[] }>;
  /** Being deleted, and waiting for this controller. */
  readonly ending: readonly KubeObject[];
}

function keepLedger(): (list: readonly KubeObject[]) => Ledger {
  return memoLast((list: readonly KubeObject[]) => {
    const owners = new Map<string, { reference: OwnerReference; dependents: KubeObject[] }>();
    for (const object of list) {
      for (const reference of object.metadata.ownerReferences ?? []) {
        const entry = owners.get(reference.uid);
        if (entry) entry.dependents.push(object);
        else owners.set(reference.uid, { reference, dependents: [object] });
      }
    }
    const ending = list.filter(({ metadata }) => metadata.deletionTimestamp && metadata.finalizers?.some((name) => name === foreground || name === orphan));
    return { owners, ending };
  });
}

export function createGarbageCollector(kinds: readonly Kind[]): Controller {
  const kindOf = createKindIndex(kinds);
  const books = kinds.map((kind) => ({ kind, read: keepLedger() }));

  /** Absent only when we would know it: owners of kinds that are not served count as there. */
  function ownerOf({ apiVersion, kind: name, name: ownerName, uid }: OwnerReference, dependent: KubeObject, seen: Snapshot): KubeObject | 'unknown' | undefined {
    const kind = kindOf(apiVersion, name);
    if (!kind) return 'unknown';
    const owner = seen.get(kind, ownerName, kind.namespaced ? dependent.metadata.namespace : undefined);
    return owner?.metadata.uid === uid ? owner : undefined;
  }

  /** Dependents of whom an owner is gone. The first dependent speaks for all: a uid has one name and place. */
  const bereaved = (ledger: Ledger, seen: Snapshot): KubeObject[] => [
    ...new Set([...ledger.owners.values()].flatMap(({ reference, dependents }) => (ownerOf(reference, dependents[0]!, seen) === undefined ? dependents : []))),
  ];

  function settle(object: KubeObject, seen: Snapshot): Write[] {
    if (object.metadata.deletionTimestamp) return [];
    const references = object.metadata.ownerReferences ?? [];
    const living = references.filter((reference) => ownerOf(reference, object, seen) !== undefined);
    if (living.length === 0) return [remove(object, { propagationPolicy: 'Background' })];
    return living.length < references.length ? [update({ ...object, metadata: { ...object.metadata, ownerReferences: living } })] : [];
  }

  return {
    name: 'garbage-collector',
    reads: kinds,
    decide(seen) {
      const ledgers = books.map(({ kind, read }) => read(seen.list(kind)));
      const dependentsOf = (owner: KubeObject) => ledgers.flatMap(({ owners }) => owners.get(owner.metadata.uid ?? '')?.dependents ?? []);
      return ledgers.flatMap((ledger) => [
        ...bereaved(ledger, seen).flatMap((object) => settle(object, seen)),
        ...ledger.ending.flatMap((owner) => endOwner(owner, dependentsOf(owner), dependentsOf)),
      ]);
    },
  };
}

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
