// The object store on etcd: what lets several API servers serve one cluster.
//
//   write ─▶ applyWrite on this server's copy ─▶ one transaction, only if nothing it relied on has moved ─▶ etcd
//     ▲                                                 │ moved: catch up, decide again                      │
//     └── answered when the copy holds it ◀── watch ◀───┴────────────────────────────────────────────────────┘
//
// A refusal is given only by a copy that is as new as the write: an older one first catches up.
import { type Clock, realClock } from '../../../base/run/clock.ts';
import type { Kind } from '../../kinds/kind.ts';
import { pastSnapshot } from '../past-snapshot.ts';
import { type ChangeFeed, keyOf, type ObjectStore, type Snapshot, type Write } from '../store.ts';
import { StoreError } from '../store-error.ts';
import type { WatchLogLimits } from '../watch-log.ts';
import { keepCompacted } from './compaction.ts';
import { createEtcdClient, EtcdError, type EtcdOptions } from './etcd-client.ts';
import { apiErrorOf, timedOut } from './errors.ts';
import { createFreshness } from './freshness.ts';
import { defaultPrefix, guardOf, keysUnder } from './keys.ts';
import { createKeyedQueue } from './keyed-queue.ts';
import { openReplica } from './replica.ts';
import { createWriter } from './writer.ts';

export interface EtcdStore extends ObjectStore {
  readonly feed: ChangeFeed;
  /** The past, as far as the watch log reaches. Throws ApiError 410 (compacted) or 504 (not yet). */
  snapshotAt(revision: number): Snapshot;
  /** As new as every write that anyone, on any server, was answered before the call. Throws ApiError 504. */
  latest(): Promise<Snapshot>;
  /** Resolves when the snapshot is at least at this revision; rejects when `stop` aborts. */
  reached(revision: number, stop: AbortSignal): Promise<void>;
  /** False while etcd is away: reads from memory go on, writes do not. */
  connected(): boolean;
  close(): Promise<void>;
}

export interface EtcdStoreOptions extends EtcdOptions {
  kindOf(apiVersion: string, kind: string): Kind | undefined;
  /** What all keys begin with; /registry when absent. */
  prefix?: string;
  /** Between compactions of etcd's history; five minutes when absent, 0 for never. */
  compactEveryMs?: number;
  clock?: Clock;
  limits?: WatchLogLimits;
}

/** How long a write may take before nobody waits for it any more. */
const patienceMs = 15_000;

/** Reads all objects first. Throws StoreError when no endpoint answers, or when the prefix holds what is not ours. */
export async function openEtcdStore(options: EtcdStoreOptions): Promise<EtcdStore> {
  const { kindOf, prefix = defaultPrefix, clock = realClock, compactEveryMs = 300_000, limits } = options;
  const keys = keysUnder(prefix);
  const client = createEtcdClient(options);
  const replica = await openReplica({ client, keys, kindOf, clock, ...(limits && { limits }) }).catch((error: unknown) => {
    client.close();
    if (error instanceof EtcdError) throw new StoreError(`etcd at ${options.endpoints.join(', ')} does not answer: ${error.message}`);
    throw error;
  });
  const fresh = createFreshness({ client, keys, replica, clock });
  const decide = createWriter({ client, keys, replica, fresh, kindOf, clock });
  const endCompaction = keepCompacted({ client, key: keys.compaction, everyMs: compactEveryMs, clock });
  const queue = createKeyedQueue();
  const closing = new AbortController();

  /** Waits no longer than our patience; etcd's troubles become answers that clients understand. */
  async function bounded<T>(work: (stop: AbortSignal) => Promise<T>): Promise<T> {
    const stop = AbortSignal.any([closing.signal, AbortSignal.timeout(patienceMs)]);
    try {
      return await work(stop);
    } catch (error) {
      if (closing.signal.aborted) throw new Error('the store is closed', { cause: error });
      throw stop.aborted ? timedOut() : apiErrorOf(error);
    }
  }

  return {
    write: (write) => bounded((stop) => queue.run(queueKey(write, kindOf), () => decide(write, stop))),
    snapshot: replica.snapshot,
    snapshotAt(revision) {
      const state = replica.state();
      return revision === state.revision ? replica.snapshot() : pastSnapshot(state, revision, replica.log.since(revision));
    },
    async latest() {
      await bounded((stop) => fresh.latest(stop));
      return replica.snapshot();
    },
    reached: replica.reached,
    watch: replica.log.watch,
    feed: replica.log,
    connected: replica.connected,
    async close() {
      closing.abort();
      endCompaction();
      await replica.close();
      client.close();
    },
  };
}

/** Writes to one object, and writes that share a guard, follow each other: racing with oneself only costs. */
function queueKey(write: Write, kindOf: EtcdStoreOptions['kindOf']): string {
  const named = write.verb === 'delete' ? write.target : write.object;
  // Custom kinds are known by the objects of the store, and share no guard.
  const kind = kindOf(named.apiVersion, named.kind);
  const { name, namespace } = write.verb === 'delete' ? write.target : write.object.metadata;
  const guard = write.verb === 'delete' || !kind ? undefined : guardOf(kind);
  return guard ?? `${named.apiVersion}/${named.kind}/${keyOf(name, namespace)}`;
}
