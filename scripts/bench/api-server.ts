// The API server of `bench -- api`, in a process of its own so that its CPU time and memory are its own: on SQLite, in the
// folder given. Sends how to reach it, then answers each message with what it has used.
import { join } from 'node:path';
import { hostSockets } from '../../src/base/run/sockets.ts';
import { openCertificates } from '../../src/control/apiserver/identity/certificates.ts';
import { createApiServer } from '../../src/control/apiserver/server.ts';
import { defaultClusterConfig } from '../../src/kube/kinds/cluster-config.ts';
import { createKindIndex } from '../../src/kube/kinds/kind-index.ts';
import { createKinds } from '../../src/kube/kinds/kinds.ts';
import { createEmbeddedStore } from '../../src/kube/store/embedded.ts';
import { openSqliteJournal } from '../../src/kube/store/journal-sqlite.ts';

const folder = process.argv[2]!;
const kinds = createKinds(defaultClusterConfig);
const store = createEmbeddedStore({ kindOf: createKindIndex(kinds), journal: openSqliteJournal(join(folder, 'state.db')) });
for (const name of ['default', 'many']) await store.write({ verb: 'create', object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } } });
await store.write({ verb: 'create', object: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'many' } } });
const certificates = await openCertificates({ folder: join(folder, 'pki'), servingNames: ['127.0.0.1'] });
const client = await certificates.issueClient('bench', ['system:masters']);
const port = await createApiServer({ store, kinds, certificates }).listen(hostSockets, { address: '127.0.0.1', port: 0 });
process.send!({ port, ca: certificates.ca.cert, ...client });
process.on('message', (asked) => {
  // What is forced upon the server is no cost of what it did.
  if (asked === 'memory') globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  const { heapUsed, external } = process.memoryUsage();
  process.send!({ cpuUs: user + system, bytes: heapUsed + external });
});
