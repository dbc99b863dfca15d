// Resource versions in reads: decimal, one growing counter for all kinds. A read may ask for a version not reached yet;
// it waits a little, then answers 504 so that the client tries again.
import { ApiError, badRequest, futureVersionError } from '../../../kube/meaning/api-error.ts';
import type { Snapshot } from '../../../kube/store/store.ts';
import type { Api, ApiStore } from '../api.ts';

/** undefined where none was given; throws ApiError where it is no number. */
export function readVersion(text: string | null | undefined): number | undefined {
  if (!text) return undefined;
  if (!/^\d{1,19}$/.test(text)) throw badRequest(`resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

const patienceMs = 3000;

/** The newest snapshot, once it is at least at `version`. Throws ApiError 504 when that takes too long. */
export async function reachVersion(api: Api, version: number, stop: AbortSignal): Promise<Snapshot> {
  const { store, registry } = api;
  const seen = store.snapshot();
  if (seen.revision >= version) return seen;
  if (store.reached) return reachShared(store, version, AbortSignal.any([stop, AbortSignal.timeout(patienceMs)]));
  const kinds = [...new Set(registry.resources().map(({ stored }) => stored))];
  const enough = AbortSignal.any([stop, AbortSignal.timeout(patienceMs)]);
  for await (const { revision } of store.watch(kinds, seen.revision, enough)) {
    if (revision >= version) return store.snapshot();
  }
  throw futureVersionError(version, store.snapshot().revision);
}

/** A version that another server told the client: ours may come to it without any change to an object. */
async function reachShared(store: ApiStore, version: number, enough: AbortSignal): Promise<Snapshot> {
  await store.reached!(version, enough).catch(() => {
    throw futureVersionError(version, store.snapshot().revision);
  });
  return store.snapshot();
}

/** The snapshot at exactly `version`. Throws ApiError 410 when it is forgotten, 504 when it is in the future. */
export async function snapshotAt(api: Api, version: number, stop: AbortSignal): Promise<Snapshot> {
  const seen = await reachVersion(api, version, stop);
  if (seen.revision === version) return seen;
  const { store } = api;
  if (!store.snapshotAt) throw new ApiError(410, 'Expired', 'The resourceVersion for the provided list is too old.');
  return store.snapshotAt(version);
}
