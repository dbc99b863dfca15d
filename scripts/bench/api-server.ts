// The API server of `bench -- api`, in a process of its own so that its CPU time and memory are its own. Arguments: a folder,
// and the endpoint of an etcd; without that it keeps its objects in SQLite, in the folder.
import { join } from 'node:path';
import { hostSockets } from '../../src/base/run/sockets.ts';
import { openCertificates } from '../../src/control/apiserver/identity/certificates.ts';
import { createApiServer } from '../../src/control/apiserver/server.ts';
import { defaultClusterConfig } from '../../src/kube/kinds/cluster-config.ts';
import { createKindIndex } from '../../src/kube/kinds/kind-index.ts';
import { createKinds } from '../../src/kube/kinds/kinds.ts';
import { createEmbeddedStore } from '../../src/kube/store/embedded.ts';
import { openEtcdStore } from '../../src/kube/store/etcd/etcd-store.ts';
import { openSqliteJournal } from '../../src/kube/store/journal-sqlite.ts';
import { answerUsage } from './api-ask.ts';

const [folder = '', etcd] = process.argv.slice(2);
const kinds = createKinds(defaultClusterConfig);
const kindOf = createKindIndex(kinds);
const store = etcd ? await openEtcdStore({ kindOf, endpoints: [etcd] }) : createEmbeddedStore({ kindOf, journal: openSqliteJournal(join(folder, 'state.db')) });
for (const name of ['default', 'many']) await store.write({ verb: 'create', object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } } });
await store.write({ verb: 'create', object: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'many' } } });
const certificates = await openCertificates({ folder: join(folder, 'pki'), servingNames: ['127.0.0.1'] });
const client = await certificates.issueClient('bench', ['system:masters']);
const port = await createApiServer({ store, kinds, certificates }).listen(hostSockets, { address: '127.0.0.1', port: 0 });
answerUsage();
process.send!({ port, ca: certificates.ca.cert, ...client });
