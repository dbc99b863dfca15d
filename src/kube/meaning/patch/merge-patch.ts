// JSON merge patch (RFC 7386): objects merge, null removes, everything else replaces.
import { isObject, ownValue, setOwn } from '../../../base/data/json-value.ts';
import type { JsonObject } from '../../../base/data/json-value.ts';
import type { KubeObject } from '../../objects/meta.ts';
import { badRequest } from '../api-error.ts';

/** The object after the patch; the input is not changed. Throws ApiError 400 for a patch that is no object. */
export function mergePatch<T extends KubeObject>(object: T, patch: unknown): T {
  if (!isObject(patch)) throw badRequest('json: cannot unmarshal the patch into a map');
  return mergeValue(object, patch) as T;
}

function mergeValue(old: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: Record<string, unknown> = isObject(old) ? { ...old } : {};
  const before: JsonObject = isObject(old) ? old : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else setOwn(merged, key, mergeValue(ownValue(before, key), value));
  }
  return merged;
}
