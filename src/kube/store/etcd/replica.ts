// This server's copy of what etcd holds: loaded once, then kept by one watch over the whole prefix. All reads are served
// from it. A broken watch goes on where it stood; one whose past is compacted away begins anew, and every watcher with it.
import { backoffMs } from '../../../base/run/loop.ts';
import { type Clock, sleep } from '../../../base/run/clock.ts';
import { logFor } from '../../../base/run/log.ts';
import type { Kind } from '../../kinds/kind.ts';
import { emptyState, snapshotOf, stateOf, type StoreState, withObject } from '../state.ts';
import { objectKey, type Snapshot, type WatchEvent } from '../store.ts';
import { createWatchLog, type WatchLog, type WatchLogLimits } from '../watch-log.ts';
import type { EtcdClient } from './etcd-client.ts';
import type { Keys } from './keys.ts';
import { loadAll } from './load.ts';
import type { WatchResponse } from './messages.ts';
import { createReader, type Guards } from './reader.ts';
import { createWaiters } from './waiters.ts';
import { watchOnce } from './watch-stream.ts';

export interface Replica {
  state(): StoreState;
  snapshot(): Snapshot;
  readonly log: WatchLog;
  /** How often a guard was put, as far as this copy knows. */
  guardVersion(name: string): number;
  /** Resolves once this copy holds everything up to a revision; rejects when `stop` aborts. */
  reached(revision: number, stop: AbortSignal): Promise<void>;
  /** False while the watch is broken: what is read then may be old. */
  connected(): boolean;
  close(): Promise<void>;
}

export interface ReplicaOptions {
  client: EtcdClient;
  keys: Keys;
  kindOf(apiVersion: string, kind: string): Kind | undefined;
  clock: Clock;
  limits?: WatchLogLimits;
}

const log = logFor('etcd');

export async function openReplica(options: ReplicaOptions): Promise<Replica> {
  const copy = createCopy(options);
  await copy.load();
  const stop = new AbortController();
  const { connected, done } = follow(options, copy, stop.signal);
  return {
    ...copy,
    connected,
    async close() {
      stop.abort();
      await done;
    },
  };
}

type Copy = ReturnType<typeof createCopy>;

/** The copy itself: what it holds and how it takes in what etcd tells. */
function createCopy({ client, keys, kindOf, limits }: ReplicaOptions) {
  let state: StoreState = emptyState;
  let snapshot = snapshotOf(state);
  let guards: Guards = new Map();
  const watchLog = createWatchLog(0, limits);
  const waiters = createWaiters();
  const reader = createReader(keys, kindOf);

  function move(next: StoreState, changes: readonly WatchEvent[]): void {
    state = next;
    snapshot = snapshotOf(state);
    for (const change of changes) watchLog.publish(change);
    waiters.release(state.revision);
  }

  return {
    state: () => state,
    snapshot: () => snapshot,
    log: watchLog,
    guardVersion: (name: string) => guards.get(name) ?? 0,
    reached: (revision: number, stop: AbortSignal) => waiters.reached(revision, state.revision, stop),
    /** Nothing changes if it fails. Whoever watched must begin anew as well. */
    async load(): Promise<void> {
      const { revision, kvs } = await loadAll(client, keys);
      const read = reader.all(kvs);
      guards = read.guards;
      watchLog.reset(revision);
      move(stateOf(revision, read.objects), []);
    },
    take({ events }: WatchResponse): void {
      let next = state;
      const changes: WatchEvent[] = [];
      for (const event of events) {
        const change = reader.change(event, next, guards);
        if (!change) continue;
        const { kind, object, revision, type } = change;
        next = withObject(next, revision, { kind, key: objectKey(object), ...(type !== 'DELETED' && { object }) });
        changes.push(change);
      }
      // A guard or a mark moves the revision without changing an object.
      const revision = events.at(-1)?.kv.mod_revision;
      if (revision) move({ ...next, revision }, changes);
    },
  };
}

/** Keeps the copy up to date until it is told to stop. */
function follow({ client, keys, clock }: ReplicaOptions, copy: Copy, stop: AbortSignal) {
  let failures = 0;
  let connected = false;

  async function once(): Promise<void> {
    const outcome = await watchOnce({ client, keys, from: copy.state().revision + 1, stop }, (response) => {
      failures = 0;
      connected = true;
      copy.take(response);
    });
    if (outcome === 'stopped') return;
    log.warn({ revision: copy.state().revision }, 'etcd has forgotten what followed this revision: reading everything again');
    await copy.load();
  }

  async function run(): Promise<void> {
    while (!stop.aborted) {
      try {
        await once();
      } catch (err) {
        // The endpoint is away: the client goes to the next, and the watch goes on where it stood.
        if (stop.aborted) return;
        connected = false;
        failures += 1;
        log.warn({ why: (err as Error).message, failures }, 'the watch on etcd broke');
        await sleep(clock, backoffMs(failures, Math.random, 50, 2_000), stop);
      }
    }
  }

  return { connected: () => connected, done: run() };
}
