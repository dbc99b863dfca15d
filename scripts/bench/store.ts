// The object store as a cluster uses it: durable writes on SQLite, large lists through the API server, many watchers.
// Without a peer: a fair one would be an API server with its etcd, which is not one package away.
import { request } from 'node:https';
import { join } from 'node:path';
import { hostSockets } from '../../src/base/run/sockets.ts';
import { openCertificates } from '../../src/control/apiserver/identity/certificates.ts';
import { createApiServer } from '../../src/control/apiserver/server.ts';
import { configMapKind } from '../../src/kube/kinds/config-map.ts';
import { defaultClusterConfig } from '../../src/kube/kinds/cluster-config.ts';
import { createKindIndex } from '../../src/kube/kinds/kind-index.ts';
import type { Kind } from '../../src/kube/kinds/kind.ts';
import { createKinds } from '../../src/kube/kinds/kinds.ts';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import { createEmbeddedStore, type EmbeddedStore } from '../../src/kube/store/embedded.ts';
import { openSqliteJournal } from '../../src/kube/store/journal-sqlite.ts';
import { type Bench, quantile, type Report } from './figure.ts';
import { scratch } from './sandbox.ts';

const kinds = createKinds(defaultClusterConfig);
const kind = configMapKind as Kind;
const listed = 5000;
const watchers = 1000;

const configMap = (name: string, value: number): KubeObject =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data: { value: String(value), filling: 'x'.repeat(500) } }) as KubeObject;

async function fill(store: EmbeddedStore): Promise<void> {
  await store.write({ verb: 'create', object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } } });
  await Promise.all(Array.from({ length: listed }, (_, i) => store.write({ verb: 'create', object: configMap(`map-${i}`, 0) })));
}

/** Writes acknowledged per second while so many writers each wait for their last write. */
async function writesPerSecond(store: EmbeddedStore, writers: number, seconds: number): Promise<number> {
  const start = performance.now();
  const end = start + seconds * 1000;
  let done = 0;
  const write = async (writer: number) => {
    for (let i = 0; performance.now() < end; i++, done++) await store.write({ verb: 'update', object: configMap(`map-${writer}`, i) });
  };
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
  return (done * 1000) / (performance.now() - start);
}

/** From the write's beginning to the moment when the last of the watchers has it. */
async function fanOutMs(store: EmbeddedStore, times: number): Promise<number[]> {
  const stop = new AbortController();
  let missing = 0;
  let allSeen = () => {};
  const follow = async () => {
    for await (const _ of store.watch([kind], store.snapshot().revision, stop.signal)) if (--missing === 0) allSeen();
  };
  const following = Array.from({ length: watchers }, follow);
  const tookMs: number[] = [];
  for (let i = 0; i < times; i++) {
    missing = watchers;
    const seen = new Promise<void>((resolve) => (allSeen = resolve));
    const start = performance.now();
    await Promise.all([store.write({ verb: 'update', object: configMap('map-1', i) }), seen]);
    tookMs.push(performance.now() - start);
  }
  stop.abort();
  await Promise.all(following);
  return tookMs;
}

/** Over TLS, as kubectl asks, whole bodies; the client shares the process. */
async function listMs(store: EmbeddedStore, folder: string, times: number): Promise<{ tookMs: number[]; bytes: number }> {
  const certificates = await openCertificates({ folder: join(folder, 'pki'), servingNames: ['127.0.0.1'] });
  const { cert, key } = await certificates.issueClient('bench', ['system:masters']);
  const apiServer = createApiServer({ store, kinds, certificates });
  const port = 6443;
  await apiServer.listen(hostSockets, { address: '127.0.0.1', port });
  const list = () =>
    new Promise<number>((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, path: '/api/v1/configmaps', ca: certificates.ca.cert, cert, key }, (response) => {
        let bytes = 0;
        response.on('data', (chunk: Buffer) => (bytes += chunk.length)).on('end', () => resolve(bytes));
      });
      asked.on('error', reject).end();
    });
  const tookMs: number[] = [];
  let bytes = 0;
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    bytes = await list();
    tookMs.push(performance.now() - start);
  }
  await apiServer.close();
  return { tookMs, bytes };
}

async function run({ figure, say }: Report): Promise<void> {
  const folder = scratch();
  const store = createEmbeddedStore({ kindOf: createKindIndex(kinds), journal: openSqliteJournal(join(folder, 'state.db')) });
  try {
    await fill(store);
    say('writes');
    const note = 'durable (one fsync a batch), 5,000 objects in store';
    figure({ about: 'writes, 64 writers', value: await writesPerSecond(store, 64, 3), unit: '/s', note });
    figure({ about: 'writes, one writer', value: await writesPerSecond(store, 1, 2), unit: '/s', note });
    say('watchers');
    figure({ about: 'one write to the last of 1,000 watchers, median', value: quantile(await fanOutMs(store, 200), 0.5), unit: 'ms', note: 'in process' });
    say('lists');
    const { tookMs, bytes } = await listMs(store, folder, 20);
    figure({ about: 'list of 5,000 through the API server, median', value: quantile(tookMs, 0.5), unit: 'ms', note: `TLS, ${(bytes / 1e6).toFixed(1)} MB of JSON` });
  } finally {
    await store.close();
  }
}

export const storeBench: Bench = { name: 'store', about: 'durable writes, lists, watchers', run };
