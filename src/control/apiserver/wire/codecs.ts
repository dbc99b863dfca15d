// Who owns which field, and which fields a kind does not know: where the API server meets those two codecs.
import { mergePatch } from '../../../kube/meaning/patch/merge-patch.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';

export interface FieldOwner {
  manager: string;
  apiVersion: string;
  subresource?: string;
  now: Date;
}

export function fieldComplaints(_object: KubeObject, _text?: string): string[] {
  return [];
}

export function ownedUpdate(_old: KubeObject | undefined, next: KubeObject, _owner: FieldOwner): KubeObject {
  return next;
}

export function applied(current: KubeObject | undefined, patch: KubeObject, _owner: FieldOwner & { force: boolean }): KubeObject {
  return current ? mergePatch(current, patch) : patch;
}
