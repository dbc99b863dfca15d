// The last changes, and those who wait for the next. One log a store; one bounded queue a watcher,
// so that a slow watcher is dropped (410, start again) and never slows the others.
import { expiredError } from '../meaning/api-error.ts';
import type { Kind } from '../kinds/kind.ts';
import { kindKey } from './state.ts';
import type { ChangeFeed, Follower, WatchEvent } from './store.ts';

interface Watcher {
  queue: WatchEvent[];
  overflowed: boolean;
  wake: () => void;
}

export interface WatchLog extends ChangeFeed {
  publish(event: WatchEvent): void;
  watch(kinds: readonly Kind[], since: number, stop: AbortSignal): AsyncIterable<WatchEvent>;
  /** Forgets everything up to a revision; whoever watches is dropped with 410 and must start again from a snapshot. */
  reset(revision: number): void;
}

export interface WatchLogLimits {
  /** Events remembered for late watchers and for lists at an old revision. */
  log: number;
  /** Events a watcher may lag behind. */
  queue: number;
}

export function createWatchLog(firstRevision: number, limits: WatchLogLimits = { log: 10_000, queue: 20_000 }): WatchLog {
  let log: WatchEvent[] = [];
  let oldest = firstRevision;
  let current = firstRevision;
  const watchers = new Map<string, Set<Watcher>>();
  const followers = new Map<string, Set<Follower>>();

  const since = (revision: number) => (revision < oldest ? undefined : log.slice(firstAfter(log, revision)));

  function publish(event: WatchEvent): void {
    log.push(event);
    current = event.revision;
    if (log.length > limits.log * 2) {
      log = log.slice(-limits.log);
      oldest = log[0]!.revision - 1;
    }
    const key = kindKey(event.kind);
    for (const follower of followers.get(key) ?? []) follower.change(event);
    for (const watcher of watchers.get(key) ?? []) {
      if (watcher.queue.length >= limits.queue) watcher.overflowed = true;
      else watcher.queue.push(event);
      watcher.wake();
    }
  }

  function reset(revision: number): void {
    log = [];
    oldest = revision;
    current = revision;
    for (const watcher of [...watchers.values()].flatMap((set) => [...set])) {
      watcher.overflowed = true;
      watcher.wake();
    }
    for (const follower of [...followers.values()].flatMap((set) => [...set])) follower.lost();
  }

  function follow(kind: Kind, follower: Follower): () => void {
    const set = enlist(followers, kindKey(kind)).add(follower);
    return () => set.delete(follower);
  }

  async function* watch(kinds: readonly Kind[], from: number, stop: AbortSignal): AsyncGenerator<WatchEvent> {
    const keys = new Set(kinds.map(kindKey));
    const missed = since(from);
    if (!missed) throw expiredError(`too old resource version: ${from} (${current})`);
    const watcher: Watcher = { queue: missed.filter((e) => keys.has(kindKey(e.kind))), overflowed: false, wake: () => {} };
    const onStop = () => watcher.wake();
    stop.addEventListener('abort', onStop);
    for (const key of keys) enlist(watchers, key).add(watcher);
    try {
      while (!stop.aborted) {
        yield* take(watcher, from, stop);
        if (watcher.overflowed) throw expiredError(`too old resource version: the watch fell behind revision ${current}`);
        if (watcher.queue.length === 0 && !stop.aborted) await new Promise<void>((resolve) => (watcher.wake = resolve));
      }
    } finally {
      stop.removeEventListener('abort', onStop);
      for (const key of keys) watchers.get(key)?.delete(watcher);
    }
  }

  return { publish, watch: (kinds, from, stop) => watch(kinds, from, stop), since, follow, reset };
}

/** Empties the queue. A future `from` waits silently for the revisions after it. */
function* take(watcher: Watcher, from: number, stop: AbortSignal): Generator<WatchEvent> {
  const batch = watcher.queue;
  watcher.queue = [];
  for (const event of batch) {
    if (stop.aborted) return;
    if (event.revision > from) yield event;
  }
}

function enlist<T>(sets: Map<string, Set<T>>, key: string): Set<T> {
  let set = sets.get(key);
  if (!set) sets.set(key, (set = new Set()));
  return set;
}

/** Index of the first event after a revision; the log is ordered. */
function firstAfter(log: readonly WatchEvent[], revision: number): number {
  let low = 0;
  let high = log.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (log[middle]!.revision <= revision) low = middle + 1;
    else high = middle;
  }
  return low;
}
