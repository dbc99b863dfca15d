// The one place where the API server meets the codecs: protobuf, patches, field ownership, field checks.
import { ApiError } from '../../../kube/meaning/api-error.ts';
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

export function mergePatched(current: KubeObject, patch: unknown): KubeObject {
  return merge(current, patch) as KubeObject;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function merge(current: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result = { ...(isRecord(current) ? current : {}) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value);
  }
  return result;
}

export function strategicallyPatched(current: KubeObject, patch: Record<string, unknown>): KubeObject {
  return mergePatched(current, patch);
}

export function jsonPatched(_current: KubeObject, _patch: readonly unknown[]): KubeObject {
  throw new ApiError(415, 'UnsupportedMediaType', 'JSON patches cannot be read yet');
}

export function applied(current: KubeObject | undefined, patch: KubeObject, _owner: FieldOwner & { force: boolean }): KubeObject {
  return current ? mergePatched(current, patch) : patch;
}
