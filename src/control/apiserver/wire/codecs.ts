// Who owns which field, and which fields a kind does not know: where the API server meets those two codecs.
import { applyPatch, trackUpdate } from '../../../kube/meaning/patch/server-side-apply.ts';
import type { Writer } from '../../../kube/meaning/patch/server-side-apply.ts';
import { checkFields } from '../../../kube/wire/check-fields.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import type { Resource } from '../registry.ts';

export type FieldOwner = Writer;

/** Whoever writes an object of this resource now. */
export function ownerOf({ kind }: Resource, manager: string, about: { now: Date; subresource?: string }): FieldOwner {
  const { apiVersion, ownFields, subresources = [] } = kind;
  const custom = ownFields && { message: ownFields.message, tracksStatus: subresources.includes('status') };
  return { manager, apiVersion, ...about, ...(custom && { custom }) };
}

/** `unknown`: paths that are known already not to be of the object's kind. */
export function fieldComplaints(object: KubeObject, { unknown = [], text }: { unknown?: readonly string[]; text?: string }): string[] {
  return [...unknown.map((path) => `unknown field "${path}"`), ...checkFields(object, object, text)];
}

export const ownedUpdate = (old: KubeObject | undefined, next: KubeObject, owner: FieldOwner): KubeObject => trackUpdate(old, next, owner);

/** `asked` is what the client's words make of `old`, `wished` what admission made of that; `settled`: the owners in `asked` are right. */
export function ownedAfterAdmission(old: KubeObject | undefined, { asked, wished, settled = false }: { asked: KubeObject; wished: KubeObject; settled?: boolean }, owner: FieldOwner): KubeObject {
  if (!settled) return ownedUpdate(old, wished, owner);
  // Of an apply the owners are known, but not of what policies added to it.
  return wished === asked ? asked : ownedUpdate(asked, wished, owner);
}

export const applied = (current: KubeObject | undefined, patch: KubeObject, owner: FieldOwner & { force: boolean }): KubeObject =>
  applyPatch(current, patch, owner);
