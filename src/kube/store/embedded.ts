// The store of the stand-alone cluster: all objects in memory, made durable by a journal.
// Writes that arrive together share one transaction (group commit); readers and watchers see a write only after it is durable.
import { randomUUID } from 'node:crypto';
import { createKindIndex } from '../kinds/kind-index.ts';
import type { Kind } from '../kinds/kind.ts';
import type { KubeObject } from '../objects/meta.ts';
import { applyWrite, type WriteContext } from './apply-write.ts';
import type { Journal } from './journal-sqlite.ts';
import { pastSnapshot } from './past-snapshot.ts';
import { emptyState, snapshotOf, stateOf, type StoreState } from './state.ts';
import { writeStateFile } from './state-file.ts';
import type { ChangeFeed, ObjectStore, Snapshot, WatchEvent, Write } from './store.ts';
import { createWatchLog, type WatchLogLimits } from './watch-log.ts';

export interface EmbeddedStore extends ObjectStore {
  readonly feed: ChangeFeed;
  /** The past, as far as the watch log reaches. Throws ApiError 410 (compacted) or 504 (not yet). */
  snapshotAt(revision: number): Snapshot;
  /** A copy of everything at this moment, into a new file, while writes go on. */
  backup(file: string): Promise<void>;
  /** Waits for writes under way, then closes the journal. */
  close(): Promise<void>;
}

export interface EmbeddedStoreOptions {
  kindOf(apiVersion: string, kind: string): Kind | undefined;
  /** Absent: memory only. */
  journal?: Journal;
  now?: () => Date;
  limits?: WatchLogLimits;
}

interface Pending {
  write: Write;
  resolve(object: KubeObject): void;
  reject(error: unknown): void;
}

/** A store that forgets everything when the process ends. */
export const createMemoryStore = (kinds: readonly Kind[], now?: () => Date): EmbeddedStore =>
  createEmbeddedStore({ kindOf: createKindIndex(kinds), ...(now && { now }) });

export function createEmbeddedStore({ kindOf, journal, now = () => new Date(), limits }: EmbeddedStoreOptions): EmbeddedStore {
  const loaded = journal?.load();
  let state = loaded ? stateOf(loaded.revision, loaded.objects) : emptyState;
  let snapshot = snapshotOf(state);
  const log = createWatchLog(state.revision, limits);
  const context = (): WriteContext => ({ kindOf, now: now(), newUid: randomUUID });
  let pending: Pending[] = [];
  let closed = false;

  function flush(): void {
    const batch = pending;
    pending = [];
    const outcome = applyBatch(state, batch, context());
    try {
      if (outcome.events.length > 0) journal?.commit(outcome.events);
    } catch (error) {
      for (const { reject } of batch) reject(error);
      return;
    }
    if (outcome.state !== state) snapshot = snapshotOf(outcome.state);
    state = outcome.state;
    for (const event of outcome.events) log.publish(event);
    for (const settle of outcome.settle) settle();
  }

  return {
    write(write) {
      if (closed) return Promise.reject(new Error('the store is closed'));
      return new Promise((resolve, reject) => {
        if (pending.length === 0) setImmediate(flush);
        pending.push({ write, resolve, reject });
      });
    },
    snapshot: () => snapshot,
    snapshotAt: (revision) => (revision === state.revision ? snapshot : pastSnapshot(state, revision, log.since(revision))),
    watch: log.watch,
    feed: log,
    backup: (file) => writeStateFile(file, state),
    async close() {
      closed = true;
      if (pending.length > 0) flush();
      journal?.close();
    },
  };
}

interface BatchOutcome {
  state: StoreState;
  events: WatchEvent[];
  settle: (() => void)[];
}

/** Each write sees what the writes before it in the batch did; a refused one changes nothing. */
function applyBatch(start: StoreState, batch: readonly Pending[], context: WriteContext): BatchOutcome {
  const outcome: BatchOutcome = { state: start, events: [], settle: [] };
  for (const { write, resolve, reject } of batch) {
    try {
      const { state, event, object } = applyWrite(outcome.state, write, context);
      outcome.state = state;
      if (event) outcome.events.push(event);
      outcome.settle.push(() => resolve(object));
    } catch (error) {
      // Refusals (ApiError) and bugs alike go to the one who asked; the others' writes go on.
      outcome.settle.push(() => reject(error));
    }
  }
  return outcome;
}
