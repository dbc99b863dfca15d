// Wakes a loop at every change of some kinds, until told to stop: how each part follows the store.
import type { Loop } from '../../base/run/loop.ts';
import { ApiError } from '../meaning/api-error.ts';
import type { Kind } from '../kinds/kind.ts';
import type { ObjectStore } from './store.ts';

/** Wakes once at the start. A watcher that fell behind loses nothing: each turn looks at a whole snapshot. */
export function wakeOnChange(store: Pick<ObjectStore, 'watch' | 'snapshot'>, kinds: readonly Kind[], loop: Pick<Loop, 'wake'>): () => void {
  const stop = new AbortController();
  void (async () => {
    while (!stop.signal.aborted) {
      const since = store.snapshot().revision;
      loop.wake();
      try {
        for await (const _ of store.watch(kinds, since, stop.signal)) loop.wake();
      } catch (error) {
        // Fell too far behind (410): watch again from now; the next turn's snapshot holds what was missed.
        if (!(error instanceof ApiError && error.code === 410)) throw error;
      }
    }
  })();
  return () => stop.abort();
}
