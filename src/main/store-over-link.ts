// A store at the other end of a link that may be down: then writes fail, watches are silent and the last snapshot stays,
// as for a client of an API server that cannot be reached. Serves nodes of the stand-alone cluster, which share its process.
import { type Clock, sleep } from '../base/run/clock.ts';
import type { ObjectStore, Snapshot } from '../kube/store/store.ts';

const lookEveryMs = 250;

export interface LinkedStoreOptions {
  store: ObjectStore;
  isConnected(): boolean;
  clock: Clock;
}

export function storeOverLink({ store, isConnected, clock }: LinkedStoreOptions): ObjectStore {
  let seen: Snapshot = store.snapshot();
  return {
    write: (change) => (isConnected() ? store.write(change) : Promise.reject(new Error('the API server cannot be reached: a link is down'))),
    snapshot: () => (isConnected() ? (seen = store.snapshot()) : seen),
    async *watch(kinds, since, stop) {
      for await (const event of store.watch(kinds, since, stop)) {
        // Held, not lost: what came meanwhile is told when the link is up again, or is too much and ends in a 410.
        while (!isConnected() && !stop.aborted) await sleep(clock, lookEveryMs, stop);
        yield event;
      }
    },
  };
}
