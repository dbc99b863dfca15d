// JSON patch (RFC 6902) with the bounds a server needs: how many operations, and how much `copy` may multiply.
// The operations themselves are fast-json-patch's; it refuses to write to prototypes.
import jsonpatch from 'fast-json-patch';
import type { Operation } from 'fast-json-patch';
import { isObject } from '../../../base/data/json-value.ts';
import type { KubeObject } from '../../objects/meta.ts';
import { ApiError, badRequest } from '../api-error.ts';

const maxOperations = 10_000;
// Ten thousand copies of a copy would double an object ten thousand times; upstream allows one body's worth.
const maxCopiedBytes = 3 * 1024 * 1024;

// Any operation that cannot be done, a failed test among them, is answered with these words.
const refused = () => new ApiError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});

/** The object after all operations; the input is not changed. Throws ApiError 400 (no patch), 413 (too many), 422 (cannot be done). */
export function jsonPatch<T extends KubeObject>(object: T, patch: unknown): T {
  const operations = asOperations(patch);
  let document: unknown = structuredClone(object);
  let copiedBytes = 0;
  for (const operation of operations) {
    if (operation.op === 'copy') copiedBytes += sizeAt(document, operation.from);
    if (copiedBytes > maxCopiedBytes) throw refused();
    document = applyOne(document, operation);
  }
  if (!isObject(document)) throw refused();
  return document as unknown as T;
}

function asOperations(patch: unknown): readonly Operation[] {
  if (!Array.isArray(patch) || !patch.every(isObject)) throw badRequest('json: cannot unmarshal the patch into a list of operations');
  if (patch.length > maxOperations) {
    const text = `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`;
    throw new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: ${text}`);
  }
  return patch as unknown as readonly Operation[];
}

function sizeAt(document: unknown, pointer: string): number {
  try {
    return JSON.stringify(jsonpatch.getValueByPointer(document, pointer))?.length ?? 0;
  } catch {
    // A pointer to nothing: applying the operation will say so.
    return 0;
  }
}

function applyOne(document: unknown, operation: Operation): unknown {
  try {
    return jsonpatch.applyOperation(document, operation, true, true).newDocument;
  } catch (error) {
    if (error instanceof Error) throw refused();
    throw error;
  }
}
