// The objects as they were at an earlier revision: the newest state with later changes taken back.
import { expiredError, futureVersionError } from '../meaning/api-error.ts';
import { snapshotOf, type StoreState, undo } from './state.ts';
import type { Snapshot, WatchEvent } from './store.ts';

/** `since`: the changes after the revision, undefined when they are forgotten. Throws ApiError 410 or 504. */
export function pastSnapshot(state: StoreState, revision: number, since: readonly WatchEvent[] | undefined): Snapshot {
  if (revision > state.revision) throw futureVersionError(revision, state.revision);
  if (!since) throw expiredError('The resourceVersion for the provided list is too old.');
  return snapshotOf({ ...since.toReversed().reduce(undo, state), revision });
}
