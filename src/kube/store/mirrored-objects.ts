// What a mirror holds: objects put as they come from the server, under the server's own revisions as far as they are numbers.
import type { Kind } from '../kinds/kind.ts';
import type { KubeObject } from '../objects/meta.ts';
import { emptyState, findObject, snapshotOf, type StoreState, withObject } from './state.ts';
import { objectKey, type ObjectStore, type WatchEvent } from './store.ts';
import { createWatchLog } from './watch-log.ts';

export interface MirroredObjects extends Pick<ObjectStore, 'snapshot' | 'watch'> {
  find(kind: Kind, key: string): KubeObject | undefined;
  put(kind: Kind, object: KubeObject, gone: boolean): void;
  /** Makes the kind's list this one. */
  replace(kind: Kind, items: readonly KubeObject[]): void;
  /** Nothing more is to come up to this revision. */
  reached(revision: number): void;
}

/** A server's versions are numbers that grow (Kubernetes promises so since 1.35); of others nothing is known: NaN. */
export const versionNumber = (version: string | undefined): number => (version !== undefined && /^\d+$/.test(version) ? Number(version) : NaN);

export const versionOf = ({ metadata }: KubeObject): number => versionNumber(metadata.resourceVersion);

export function createMirroredObjects(): MirroredObjects {
  let state: StoreState = emptyState;
  let snapshot = snapshotOf(state);
  const log = createWatchLog(0);

  function put(kind: Kind, object: KubeObject, gone: boolean): void {
    const key = objectKey(object);
    const old = findObject(state, kind, key);
    if (gone ? !old : old?.metadata.resourceVersion === object.metadata.resourceVersion) return;
    // Each kind comes on a stream of its own: what comes late, or without a number, gets the next one.
    const version = versionOf(object);
    const revision = version > state.revision ? version : state.revision + 1;
    state = withObject(state, revision, { kind, key, ...(!gone && { object }) });
    snapshot = snapshotOf(state);
    const type: WatchEvent['type'] = gone ? 'DELETED' : old ? 'MODIFIED' : 'ADDED';
    log.publish({ type, kind, object, ...(old && { old }), revision });
  }

  return {
    snapshot: () => snapshot,
    watch: log.watch,
    find: (kind, key) => findObject(state, kind, key),
    put,
    replace(kind, items) {
      const listed = new Set(items.map(objectKey));
      for (const item of items.toSorted((a, b) => versionOf(a) - versionOf(b))) put(kind, item, false);
      for (const known of snapshot.list(kind)) if (!listed.has(objectKey(known))) put(kind, known, true);
    },
    reached(revision) {
      if (revision > state.revision) snapshot = snapshotOf((state = { ...state, revision }));
    },
  };
}
