// One watch stream on etcd, from a revision on, until it breaks or says that its past is gone.
import type { EtcdClient } from './etcd-client.ts';
import type { Keys } from './keys.ts';
import type { WatchResponse } from './messages.ts';

export interface WatchWish {
  client: EtcdClient;
  keys: Keys;
  /** First revision wanted. */
  from: number;
  stop: AbortSignal;
}

/** Rejects when the stream breaks. `begin anew`: what followed `from` cannot be had any more. */
export async function watchOnce({ client, keys, from, stop }: WatchWish, take: (response: WatchResponse) => void): Promise<'stopped' | 'begin anew'> {
  const { promise, resolve, reject } = Promise.withResolvers<'stopped' | 'begin anew'>();
  const stopped = () => resolve('stopped');
  stop.addEventListener('abort', stopped);
  const stream = client.watch();
  stream.on('error', reject);
  stream.on('end', () => reject(new Error('etcd ended the watch')));
  stream.on('data', (response: WatchResponse) => {
    if (response.compact_revision > 0) return resolve('begin anew');
    if (response.canceled) return reject(new Error(`etcd cancelled the watch: ${response.cancel_reason}`));
    // Restored from a back-up, its count went back: a watch from our revision would wait in silence.
    if (response.created && response.header.revision < from - 1) return resolve('begin anew');
    take(response);
  });
  stream.write({ create_request: { ...keys.range, start_revision: from } });
  try {
    return await promise;
  } finally {
    stop.removeEventListener('abort', stopped);
    stream.removeAllListeners('data');
    stream.cancel();
  }
}
