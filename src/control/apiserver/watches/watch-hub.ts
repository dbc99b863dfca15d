// All watches of the API server, and what they share: the turn of the event loop in which they are told, and one timer for
// the bookmarks. A thousand watchers of one change cost one verdict, one encoding and a thousand writes of the same bytes.
//
//   the store's feed ─▶ pending changes of a kind ─▶ groups they may concern ─▶ encoded once ─▶ every member's connection
import { kindKey } from '../../../kube/store/state.ts';
import type { ChangeFeed, Snapshot } from '../../../kube/store/store.ts';
import { type KindWatches, type Watch, watchesOfKind } from './kind-watches.ts';

export interface WatchHub {
  /** Resolves when `stop` aborts. Rejects with ApiError 410 when the past is gone or the reader fell too far behind. */
  follow(watch: Watch, stop: AbortSignal): Promise<void>;
}

export interface WatchHubOptions {
  store: { readonly feed: ChangeFeed; snapshot(): Snapshot };
  bookmarkEveryMs: number;
  /** How many changes a watcher may lag behind. */
  mostBehind?: number;
}

export function createWatchHub({ store, bookmarkEveryMs, mostBehind = 20_000 }: WatchHubOptions): WatchHub {
  const byKind = new Map<string, KindWatches>();
  const due = new Set<KindWatches>();
  let timer: NodeJS.Timeout | undefined;
  const revision = () => store.snapshot().revision;

  function deliverDue(): void {
    const all = [...due];
    due.clear();
    for (const watches of all) watches.deliver();
  }

  function bookmarkAll(): void {
    for (const watches of byKind.values()) watches.bookmark();
  }

  function enter({ kind }: Watch): KindWatches {
    const key = kindKey(kind);
    const known = byKind.get(key);
    if (known) return known;
    const watches: KindWatches = watchesOfKind({
      kind,
      feed: store.feed,
      revision,
      mostBehind,
      onPending() {
        if (due.size === 0) setImmediate(deliverDue);
        due.add(watches);
      },
    });
    timer ??= setInterval(bookmarkAll, bookmarkEveryMs).unref();
    byKind.set(key, watches);
    return watches;
  }

  function tidy({ kind }: Watch, watches: KindWatches): void {
    if (!watches.isEmpty()) return;
    watches.stop();
    byKind.delete(kindKey(kind));
    if (byKind.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  return {
    async follow(watch, stop) {
      const watches = enter(watch);
      try {
        const failed = Promise.withResolvers<never>();
        const { leave } = watches.join(watch, failed.reject);
        try {
          await Promise.race([aborted(stop), failed.promise]);
        } finally {
          leave();
        }
      } finally {
        tidy(watch, watches);
      }
    },
  };
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
