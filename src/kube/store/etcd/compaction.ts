// Lets etcd forget old revisions, so that its file does not grow for ever. Each server tries every few minutes; a key
// that they all compare lets one of them succeed. What is compacted is what was newest one round earlier.
import type { Clock } from '../../../base/run/clock.ts';
import { logFor } from '../../../base/run/log.ts';
import type { EtcdClient } from './etcd-client.ts';

export interface CompactionParts {
  client: EtcdClient;
  key: Buffer;
  /** 0: never. */
  everyMs: number;
  clock: Clock;
}

interface Round {
  /** How often the key had been put, and etcd's revision then. */
  version: number;
  revision: number;
}

const log = logFor('etcd');

/** One round: takes the turn if nobody else has since the last one. */
export async function compactOnce({ client, key }: Pick<CompactionParts, 'client' | 'key'>, last: Round): Promise<Round> {
  const { succeeded, header, responses } = await client.txn({
    compare: [{ target: 'VERSION', key, version: last.version }],
    success: [{ request_put: { key, value: Buffer.from(String(last.revision)) } }],
    failure: [{ request_range: { key } }],
  });
  if (!succeeded) return { version: responses[0]?.response_range?.kvs[0]?.version ?? 0, revision: header.revision };
  if (last.revision > 0) await client.compact({ revision: last.revision });
  return { version: last.version + 1, revision: header.revision };
}

/** Returns what ends it. */
export function keepCompacted(parts: CompactionParts): () => void {
  const { everyMs, clock } = parts;
  if (everyMs === 0) return () => {};
  let last: Round = { version: 0, revision: 0 };
  let ended = false;
  let cancel = clock.after(everyMs, () => void round());

  async function round(): Promise<void> {
    try {
      last = await compactOnce(parts, last);
    } catch (err) {
      // Away, or compacted further by somebody else: the next round tries again.
      log.debug({ err }, 'etcd was not compacted');
    }
    if (!ended) cancel = clock.after(everyMs, () => void round());
  }

  return () => {
    ended = true;
    cancel();
  };
}
