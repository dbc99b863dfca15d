// How far each kind's watch has come, and who waits for more. Serves mirror.ts: a write resolves when it can be read.
import type { Kind } from '../kinds/kind.ts';

export interface Arrivals {
  /** The kind's stream has shown everything up to this version; NaN says only that something came. */
  reached(kind: Kind, version: number): void;
  /** Resolves when `isMet` holds, asked now and whenever the kind moves on; or when closed. */
  until(kind: Kind, isMet: (reached: number) => boolean): Promise<void>;
  close(): void;
}

interface Waiter {
  isMet(reached: number): boolean;
  resolve(): void;
}

export function createArrivals(): Arrivals {
  const versions = new Map<Kind, number>();
  const waiters = new Map<Kind, Set<Waiter>>();
  let open = true;
  const versionOf = (kind: Kind): number => versions.get(kind) ?? 0;

  return {
    reached(kind, version) {
      if (version > versionOf(kind)) versions.set(kind, version);
      const waiting = waiters.get(kind) ?? new Set();
      for (const waiter of [...waiting].filter(({ isMet }) => isMet(versionOf(kind)))) {
        waiting.delete(waiter);
        waiter.resolve();
      }
    },
    until(kind, isMet) {
      if (!open || isMet(versionOf(kind))) return Promise.resolve();
      return new Promise((resolve) => {
        const waiting = waiters.get(kind) ?? new Set();
        waiters.set(kind, waiting.add({ isMet, resolve }));
      });
    },
    close() {
      open = false;
      for (const waiting of waiters.values()) for (const { resolve } of waiting) resolve();
      waiters.clear();
    },
  };
}
