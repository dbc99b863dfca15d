// Work that shares a key is done one after the other; work under different keys at the same time.

export interface KeyedQueue {
  run<T>(key: string, work: () => Promise<T>): Promise<T>;
}

export function createKeyedQueue(): KeyedQueue {
  const last = new Map<string, Promise<unknown>>();
  return {
    run(key, work) {
      const before = last.get(key);
      const done = before ? before.then(work, work) : work();
      const tail = done.catch(() => {}).then(() => {
        if (last.get(key) === tail) last.delete(key);
      });
      last.set(key, tail);
      return done;
    },
  };
}
