// Who owns which field, and which fields a kind does not know: where the API server meets those two codecs.
import { applyPatch, trackUpdate } from '../../../kube/meaning/patch/server-side-apply.ts';
import type { Writer } from '../../../kube/meaning/patch/server-side-apply.ts';
import { checkFields } from '../../../kube/wire/check-fields.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';

export type FieldOwner = Writer;

export const fieldComplaints = (object: KubeObject, text?: string): string[] => checkFields(object, object, text);

export const ownedUpdate = (old: KubeObject | undefined, next: KubeObject, owner: FieldOwner): KubeObject => trackUpdate(old, next, owner);

export const applied = (current: KubeObject | undefined, patch: KubeObject, owner: FieldOwner & { force: boolean }): KubeObject =>
  applyPatch(current, patch, owner);
