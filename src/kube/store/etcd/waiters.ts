// Those who wait until a growing number has reached theirs.

export interface Waiters {
  reached(wanted: number, now: number, stop: AbortSignal): Promise<void>;
  release(now: number): void;
}

export function createWaiters(): Waiters {
  const waiting = new Set<{ wanted: number; go(): void }>();
  return {
    reached(wanted, now, stop) {
      if (now >= wanted) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const giveUp = () => {
          waiting.delete(waiter);
          reject(stop.reason as Error);
        };
        const waiter = {
          wanted,
          go() {
            waiting.delete(waiter);
            stop.removeEventListener('abort', giveUp);
            resolve();
          },
        };
        if (stop.aborted) return giveUp();
        stop.addEventListener('abort', giveUp);
        waiting.add(waiter);
      });
    },
    release(now) {
      for (const waiter of waiting) if (waiter.wanted <= now) waiter.go();
    },
  };
}
