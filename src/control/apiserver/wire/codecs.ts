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

export const applied = (current: KubeObject | undefined, patch: KubeObject, owner: FieldOwner & { force: boolean }): KubeObject =>
  applyPatch(current, patch, owner);
