// The measured side of the dns bench: our server alone in a process, over a zone of many Services. Says its port when it serves.
import { hostSockets } from '../../src/base/run/sockets.ts';
import { snapshotOf, stateOf } from '../../src/kube/store/state.ts';
import type { ObjectStore } from '../../src/kube/store/store.ts';
import { startClusterDns } from '../../src/serve/dns/cluster-dns.ts';
import { manyServices, scope } from './many-services.ts';

const [port = 0, services = 0] = process.argv.slice(2).map(Number);
const snapshot = snapshotOf(stateOf(1, manyServices(services, 1)));

/** Nothing ever happens in it. */
const store: ObjectStore = {
  snapshot: () => snapshot,
  write: () => Promise.reject(new Error('this store only reads')),
  // oxlint-disable-next-line require-yield -- it waits for its end and has nothing to tell before
  watch: async function* (_kinds, _since, stop) {
    await new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve()));
  },
};

const dns = startClusterDns({ store, scope });
await dns.settled(1);
await dns.listen(hostSockets, { address: '127.0.0.1', port });
process.send!(port);
