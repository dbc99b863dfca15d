// Wakes a loop at every change of some kinds, until told to stop: how each part follows the store.
// Events only say that there is something new; what it is, each turn reads from a whole snapshot, so nothing can be missed.
import { type Clock, realClock, sleep } from '../../base/run/clock.ts';
import { logFor } from '../../base/run/log.ts';
import type { Loop } from '../../base/run/loop.ts';
import { ApiError } from '../meaning/api-error.ts';
import type { Kind } from '../kinds/kind.ts';
import type { ObjectStore } from './store.ts';

const log = logFor('watch');
const pauseMs = 100;

/**
 * Wakes once at the start, and whenever the watch begins again: also when `kinds` answers another list than before.
 * Returns how to stop.
 */
export function wakeOnChange(store: Pick<ObjectStore, 'watch' | 'snapshot'>, kinds: readonly Kind[] | (() => readonly Kind[]), loop: Pick<Loop, 'wake'>, clock: Clock = realClock): () => void {
  const stop = new AbortController();
  const wanted = () => (typeof kinds === 'function' ? kinds() : kinds);
  void (async () => {
    while (!stop.signal.aborted) {
      const since = store.snapshot().revision;
      const watched = wanted();
      loop.wake();
      try {
        if (await follow(watched, since)) continue;
      } catch (error) {
        // Fell too far behind (410): once more from now. Anything else, an API that is gone for instance, may pass as well:
        // what was applied last goes on working meanwhile.
        if (error instanceof ApiError && error.code === 410) continue;
        if (!stop.signal.aborted) log.warn({ err: error }, 'the watch broke and starts again');
      }
      await sleep(clock, pauseMs, stop.signal);
    }
  })();
  /** True when it ended because there are other kinds to watch. */
  async function follow(watched: readonly Kind[], since: number): Promise<boolean> {
    for await (const _ of store.watch(watched, since, stop.signal)) {
      loop.wake();
      if (wanted() !== watched) return true;
    }
    return false;
  }
  return () => stop.abort();
}
