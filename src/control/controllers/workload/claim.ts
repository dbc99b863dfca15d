// Adoption: an owner takes what its selector matches and nobody manages, and lets go what no longer matches.
import { controllerReference } from '../../../kube/meaning/owner-references.ts';
import { matchesSelector } from '../../../kube/meaning/label-selector.ts';
import type { KubeObject, LabelSelector } from '../../../kube/objects/meta.ts';
import type { Write } from '../../../kube/store/store.ts';
import { update } from '../writes.ts';

type Owner = KubeObject & { spec: { selector: LabelSelector } };

export interface Claims<T> {
  /** Owned and matching. Adopted ones join in the next snapshot. */
  readonly owned: readonly T[];
  readonly writes: readonly Write[];
}

function withOwner<T extends KubeObject>(object: T, owner: Owner): T {
  const others = (object.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid);
  return { ...object, metadata: { ...object.metadata, ownerReferences: [...others, controllerReference(owner)] } };
}

function withoutOwner<T extends KubeObject>(object: T, owner: Owner): T {
  const others = (object.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid);
  return { ...object, metadata: { ...object.metadata, ownerReferences: others.length > 0 ? others : undefined } };
}

/** `held` are controlled by the owner already; `free` are those of its namespace that nobody controls. */
export function claim<T extends KubeObject>(owner: Owner, held: readonly T[], free: readonly T[]): Claims<T> {
  const { selector } = owner.spec;
  const matches = (object: T) => matchesSelector(selector, object.metadata.labels);
  if (owner.metadata.deletionTimestamp) return { owned: held.filter(matches), writes: [] };
  const adopted = free.filter((object) => !object.metadata.deletionTimestamp && matches(object));
  const released = held.filter((object) => !object.metadata.deletionTimestamp && !matches(object));
  const writes = [...adopted.map((object) => update(withOwner(object, owner))), ...released.map((object) => update(withoutOwner(object, owner)))];
  return { owned: held.filter(matches), writes };
}
