// How one write reaches etcd: decided on this server's copy, stored only if nothing it relied on has moved meanwhile.
import { randomUUID } from 'node:crypto';
import { deepEqual } from '../../../base/data/memo.ts';
import { type Clock, sleep } from '../../../base/run/clock.ts';
import type { Kind } from '../../kinds/kind.ts';
import type { KubeObject } from '../../objects/meta.ts';
import { applyWrite, withMeta, type WriteResult } from '../apply-write.ts';
import { findObject, type StoreState } from '../state.ts';
import { objectKey, type WatchEvent, type Write } from '../store.ts';
import { type EtcdClient, EtcdError } from './etcd-client.ts';
import type { Freshness } from './freshness.ts';
import { guardOf, type Keys } from './keys.ts';
import { printObject } from './load.ts';
import type { Compare, RequestOp } from './messages.ts';
import type { Replica } from './replica.ts';

export interface WriterParts {
  client: EtcdClient;
  keys: Keys;
  replica: Replica;
  fresh: Freshness;
  kindOf(apiVersion: string, kind: string): Kind | undefined;
  clock: Clock;
}

/** Between tries while no endpoint answers. */
const awayMs = 200;

const isAway = (error: unknown): boolean => error instanceof EtcdError && error.unavailable;

/** Rejects with ApiError (refused), EtcdError (etcd refuses), or whatever aborted `stop`. */
export function createWriter(parts: WriterParts): (write: Write, stop: AbortSignal) => Promise<KubeObject> {
  const { replica, fresh, kindOf, clock } = parts;

  async function catchUp(stop: AbortSignal): Promise<void> {
    for (;;) {
      stop.throwIfAborted();
      try {
        return await fresh.latest(stop);
      } catch (error) {
        // Between two leaders, or restarting: patience is bounded by `stop`.
        if (!isAway(error)) throw error;
        await sleep(clock, awayMs, stop);
      }
    }
  }

  return async (write, stop) => {
    // What was sent without an answer may have been carried out all the same.
    const unanswered: WatchEvent[] = [];
    // A refusal counts only when the copy was as new as the write itself.
    for (let certain = false; ; certain = true) {
      const state = replica.state();
      const mine = unanswered.find((event) => isStored(state, event));
      if (mine) return findObject(state, mine.kind, objectKey(mine.object)) ?? mine.object;
      const outcome = attempt(() => applyWrite(state, write, { kindOf, now: clock.now(), newUid: randomUUID }));
      const event = 'refusal' in outcome ? undefined : outcome.event;
      if (event) {
        const revision = await commit(parts, event, unanswered);
        if (revision !== undefined) return stored(replica, { ...event, revision }, stop);
      } else if (certain) return settle(outcome);
      await catchUp(stop);
    }
  };
}

/** The revision it was stored at; undefined when something it relied on has moved, or nobody answered. */
async function commit({ client, keys, replica }: WriterParts, event: WatchEvent, unanswered: WatchEvent[]): Promise<number | undefined> {
  const { type, kind, object, old } = event;
  const key = keys.object(kind, objectKey(object));
  const compare: Compare[] = [{ target: 'MOD', key, mod_revision: Number(old?.metadata.resourceVersion ?? 0) }];
  const success: RequestOp[] = [type === 'DELETED' ? { request_delete_range: { key } } : { request_put: { key, value: printObject(object) } }];
  const guard = type === 'DELETED' ? undefined : guardOf(kind);
  if (guard) {
    compare.push({ target: 'VERSION', key: keys.guard(guard), version: replica.guardVersion(guard) });
    success.push({ request_put: { key: keys.guard(guard), value: Buffer.alloc(0) } });
  }
  try {
    const { succeeded, header } = await client.txn({ compare, success });
    return succeeded ? header.revision : undefined;
  } catch (error) {
    if (!isAway(error)) throw error;
    unanswered.push(event);
    return undefined;
  }
}

/** Waits until readers of this server see it; answers the very object that they see. */
async function stored(replica: Replica, { type, kind, object, revision }: WatchEvent, stop: AbortSignal): Promise<KubeObject> {
  await replica.reached(revision, stop);
  const version = String(revision);
  const now = findObject(replica.state(), kind, objectKey(object));
  if (type !== 'DELETED' && now?.metadata.resourceVersion === version) return now;
  return withMeta(object, { resourceVersion: version });
}

type Outcome = WriteResult | { refusal: unknown };

function attempt(apply: () => WriteResult): Outcome {
  try {
    return apply();
  } catch (refusal) {
    // Kept until it is certain that the copy was new enough to refuse.
    return { refusal };
  }
}

function settle(outcome: Outcome): KubeObject {
  if ('refusal' in outcome) throw outcome.refusal;
  return outcome.object;
}

/** True when the copy shows this very change; uids and times make objects unlike any other's. */
function isStored(state: StoreState, { type, kind, object }: WatchEvent): boolean {
  const found = findObject(state, kind, objectKey(object));
  if (type === 'DELETED') return found?.metadata.uid !== object.metadata.uid;
  const bare = (each: KubeObject) => JSON.parse(JSON.stringify(withMeta(each, { resourceVersion: undefined }))) as KubeObject;
  return found !== undefined && deepEqual(bare(found), bare(object));
}
