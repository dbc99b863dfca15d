// Brings this server's copy up to what etcd holds now: a read that must see every write of every server goes this way.
// One linearizable read serves all who ask while it has not begun.
import { type Clock, sleep } from '../../../base/run/clock.ts';
import type { EtcdClient } from './etcd-client.ts';
import type { Keys } from './keys.ts';
import type { Replica } from './replica.ts';

export interface FreshnessParts {
  client: EtcdClient;
  keys: Keys;
  replica: Replica;
  clock: Clock;
}

export interface Freshness {
  /** Resolves once the copy holds every write acknowledged before the call. */
  latest(stop: AbortSignal): Promise<void>;
}

/** The watch normally brings a revision within this time; if not, it was caused outside our prefix. */
const quietMs = 20;

export function createFreshness({ client, keys, replica, clock }: FreshnessParts): Freshness {
  let running: Promise<number> | undefined;
  let next: Promise<number> | undefined;

  const newest = async () => (await client.range({ key: keys.mark, count_only: true })).header.revision;

  /** A read that begins after the call; those who come while one is under way share the one after it. */
  function newestSince(): Promise<number> {
    if (!running) {
      running = newest().finally(() => (running = undefined));
      return running;
    }
    next ??= running.catch(() => 0).then(() => {
      next = undefined;
      return newestSince();
    });
    return next;
  }

  /** Our watch never tells of others' keys; a mark of our own comes in order behind them. */
  async function mark(): Promise<number> {
    const put = { request_put: { key: keys.mark, value: Buffer.alloc(0) } };
    return (await client.txn({ compare: [], success: [put] })).header.revision;
  }

  return {
    async latest(stop) {
      const revision = await newestSince();
      if (replica.state().revision >= revision) return;
      const arrived = replica.reached(revision, stop);
      const quiet = new AbortController();
      await Promise.race([arrived, sleep(clock, quietMs, quiet.signal)]);
      quiet.abort();
      if (replica.state().revision < revision && replica.connected()) await mark();
      await arrived;
    },
  };
}
