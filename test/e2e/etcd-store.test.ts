// The object store on a real etcd: the shared suite, two servers as one, etcd ending, history compacted away.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { configMapKind } from '../../src/kube/kinds/config-map.ts';
import { createKindIndex } from '../../src/kube/kinds/kind-index.ts';
import { createKinds, kindOf } from '../../src/kube/kinds/kinds.ts';
import { serviceKind } from '../../src/kube/kinds/service.ts';
import type { ApiError } from '../../src/kube/meaning/api-error.ts';
import type { ConfigMap, Service } from '../../src/kube/objects/core.ts';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import { createEtcdClient } from '../../src/kube/store/etcd/etcd-client.ts';
import { compactOnce } from '../../src/kube/store/etcd/compaction.ts';
import { type EtcdStore, openEtcdStore } from '../../src/kube/store/etcd/etcd-store.ts';
import { keysUnder } from '../../src/kube/store/etcd/keys.ts';
import type { Write } from '../../src/kube/store/store.ts';
import { testStore } from '../../src/kube/store/store-suite.ts';
import { startEtcd } from './running-etcd.ts';

const etcd = await startEtcd();
after(() => etcd.close());

let prefixes = 0;
const nextPrefix = () => `/test${prefixes++}`;
const open = (prefix: string, known = kindOf) => openEtcdStore({ endpoints: [etcd.endpoint], kindOf: known, prefix, compactEveryMs: 0 });

testStore('etcd', async () => {
  const store = await open(nextPrefix());
  return { store, close: () => store.close() };
});

const create = (name: string, data: Record<string, string> = {}): Write => ({
  verb: 'create',
  object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data } as ConfigMap,
});
const createService = (name: string): Write => ({
  verb: 'create',
  object: { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default' }, spec: { type: 'NodePort', ports: [{ port: 80 }] } } as unknown as KubeObject,
});
const target = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', name, namespace: 'default' });

async function withServers(count: number, body: (stores: EtcdStore[]) => Promise<void>, known = kindOf): Promise<void> {
  const prefix = nextPrefix();
  const stores = await Promise.all(Array.from({ length: count }, () => open(prefix, known)));
  try {
    await body(stores);
  } finally {
    await Promise.all(stores.map((store) => store.close()));
  }
}

/** So few addresses and ports that servers who did not agree would meet at once. */
const narrow = createKindIndex(createKinds({ serviceCidrs: ['10.96.0.0/26'], nodePorts: { first: 30_000, last: 30_060 } }));

test('etcd: two servers never hand out one address or node port', () =>
  withServers(
    3,
    async (stores) => {
      await Promise.all(Array.from({ length: 60 }, (_, i) => stores[i % 3]!.write(createService(`s${i}`))));
      const services = (await stores[0]!.latest()).list(serviceKind) as readonly Service[];
      assert.equal(services.length, 60);
      assert.equal(new Set(services.map(({ spec }) => spec.clusterIP)).size, 60);
      assert.equal(new Set(services.map(({ spec }) => spec.ports?.[0]?.nodePort)).size, 60);
    },
    narrow,
  ));

test('etcd: what one server acknowledged, another shows as soon as it is asked for the latest', () =>
  withServers(2, async ([a, b]) => {
    for (let i = 0; i < 30; i++) {
      const made = await a!.write(create(`c${i}`));
      const seen = (await b!.latest()).get(configMapKind, `c${i}`, 'default');
      assert.deepEqual(seen, made);
    }
  }));

test('etcd: the latest is reached also when others write to the same etcd outside our prefix', () =>
  withServers(1, async ([store]) => {
    const foreign = await open(nextPrefix());
    await foreign.write(create('theirs'));
    const before = store!.snapshot().revision;
    assert.ok((await store!.latest()).revision > before);
    await foreign.close();
  }));

test('etcd: a refusal is never given by a server that is behind', () =>
  withServers(2, async ([a, b]) => {
    for (let i = 0; i < 20; i++) {
      const made = await a!.write(create('c'));
      const changed = await b!.write({ verb: 'update', object: { ...made, data: { i: String(i) } } as ConfigMap });
      assert.equal((changed as ConfigMap).data?.['i'], String(i));
      await assert.rejects(a!.write({ verb: 'update', object: { ...made, data: {} } as ConfigMap }), (error: ApiError) => error.reason === 'Conflict');
      await a!.write({ verb: 'delete', target: target('c') });
      await assert.rejects(b!.write({ verb: 'update', object: made }), (error: ApiError) => error.reason === 'NotFound');
    }
  }));

test('etcd: unconditional updates through two servers all succeed, one revision each', () =>
  withServers(2, async (stores) => {
    await stores[0]!.write(create('c'));
    const write = (i: number) => stores[i % 2]!.write({ verb: 'update', object: { ...(create('c', { i: String(i) }) as { object: KubeObject }).object } });
    const written = await Promise.all(Array.from({ length: 40 }, (_, i) => write(i)));
    assert.equal(new Set(written.map(({ metadata }) => metadata.resourceVersion)).size, 40);
  }));

test('etcd: a watcher of one server sees the writes of another in order, with what was there before', () =>
  withServers(2, async ([a, b]) => {
    const since = (await b!.latest()).revision;
    const made = (await a!.write(create('c', { k: '1' }))) as ConfigMap;
    await a!.write({ verb: 'update', object: { ...made, data: { k: '2' } } as ConfigMap });
    await a!.write({ verb: 'delete', target: target('c') });
    const stop = new AbortController();
    const seen: unknown[] = [];
    for await (const { type, old } of b!.watch([configMapKind], since, stop.signal)) {
      seen.push([type, (old as ConfigMap | undefined)?.data?.['k']]);
      if (seen.length === 3) stop.abort();
    }
    assert.deepEqual(seen, [['ADDED', undefined], ['MODIFIED', '1'], ['DELETED', '2']]);
  }));

test('etcd: a server opened on an old prefix has every object with its version', async () => {
  const prefix = nextPrefix();
  const first = await open(prefix);
  const made = await Promise.all(Array.from({ length: 1200 }, (_, i) => first.write(create(`c${i}`))));
  const service = await first.write(createService('s'));
  await first.close();
  const second = await open(prefix);
  assert.equal(second.snapshot().list(configMapKind).length, 1200);
  assert.deepEqual(second.snapshot().get(configMapKind, 'c7', 'default'), made[7]);
  assert.notEqual(((await second.write(createService('t'))) as Service).spec.clusterIP, (service as Service).spec.clusterIP);
  await second.close();
});

test('etcd: a past revision can be read while the log reaches it, and is refused from before the start', () =>
  withServers(1, async ([store]) => {
    const before = store!.snapshot().revision;
    const first = await store!.write(create('a'));
    await store!.write(create('b'));
    const past = store!.snapshotAt(Number(first.metadata.resourceVersion));
    assert.deepEqual(past.list(configMapKind).map(({ metadata }) => metadata.name), ['a']);
    assert.throws(() => store!.snapshotAt(before - 1), (error: ApiError) => error.code === 410);
  }));

test('etcd: of several servers one compacts, to where it was one round before', async () => {
  const client = createEtcdClient({ endpoints: [etcd.endpoint] });
  const key = keysUnder(nextPrefix()).compaction;
  const none = { version: 0, revision: 0 };
  const [a1, b1] = [await compactOnce({ client, key }, none), await compactOnce({ client, key }, none)];
  assert.deepEqual([a1.version, b1.version], [1, 1]);
  const a2 = await compactOnce({ client, key }, a1);
  await assert.rejects(client.range({ key, revision: a1.revision - 1 }), /compacted/);
  const b2 = await compactOnce({ client, key }, b1);
  assert.equal(b2.version, a2.version);
  client.close();
});

test('etcd: writes wait for an etcd that comes back, readers and watchers go on, nothing is lost or doubled', async () => {
  const own = await startEtcd();
  const store = await openEtcdStore({ endpoints: ['http://127.0.0.1:1', own.endpoint], kindOf, compactEveryMs: 0 });
  const since = store.snapshot().revision;
  await store.write(create('before'));
  await own.kill();
  const during = [store.write(create('during')), store.write(createService('s'))];
  assert.ok(store.snapshot().get(configMapKind, 'before', 'default'), 'reads go on');
  await own.restart();
  await Promise.all(during);
  await store.write(create('after'));
  const stop = new AbortController();
  const names: string[] = [];
  for await (const { object } of store.watch([configMapKind], since, stop.signal)) {
    names.push(object.metadata.name);
    if (names.length === 3) stop.abort();
  }
  assert.deepEqual(names, ['before', 'during', 'after']);
  await store.close();
  await own.close();
});

test('etcd: a server whose next revision was compacted away while it was cut off reads everything again; its watchers get 410', async () => {
  const own = await startEtcd();
  const relay = await startRelay(own.endpoint);
  const cut = await openEtcdStore({ endpoints: [relay.endpoint], kindOf, compactEveryMs: 0 });
  const other = await openEtcdStore({ endpoints: [own.endpoint], kindOf, compactEveryMs: 0 });
  await other.write(create('old'));
  await cut.latest();
  const watching = cut.watch([configMapKind], cut.snapshot().revision, AbortSignal.timeout(20_000))[Symbol.asyncIterator]().next();
  relay.cut();
  await other.write({ verb: 'delete', target: target('old') });
  const made = await other.write(create('new'));
  const client = createEtcdClient({ endpoints: [own.endpoint] });
  await client.compact({ revision: Number(made.metadata.resourceVersion) });
  client.close();
  await relay.heal();
  await assert.rejects(watching, (error: ApiError) => error.reason === 'Expired');
  assert.deepEqual((await cut.latest()).list(configMapKind).map(({ metadata }) => metadata.name), ['new']);
  await Promise.all([cut.close(), other.close()]);
  relay.close();
  await own.close();
});

test('etcd: a prefix that holds another program’s objects is refused with a way out', async () => {
  const prefix = nextPrefix();
  const client = createEtcdClient({ endpoints: [etcd.endpoint] });
  const key = keysUnder(prefix).object(configMapKind, 'default/x');
  await client.txn({ compare: [], success: [{ request_put: { key, value: Buffer.from('k8s\0…') } }] });
  client.close();
  await assert.rejects(open(prefix), /another program wrote it; use another --etcd-prefix/);
});

test('etcd: an object that etcd finds too large is refused as such', () =>
  withServers(1, async ([store]) => {
    await assert.rejects(store!.write(create('big', { k: 'x'.repeat(2_000_000) })), (error: ApiError) => error.code === 413 || error.code === 422);
  }));

/** A TCP relay that can be cut, so that a server loses its etcd while etcd goes on. */
async function startRelay(endpoint: string) {
  const { connect, createServer } = await import('node:net');
  const { hostname, port } = new URL(endpoint);
  const sockets = new Set<import('node:net').Socket>();
  let whole = true;
  const server = createServer((inside) => {
    if (!whole) return inside.destroy();
    const outside = connect(Number(port), hostname);
    for (const socket of [inside, outside]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => [inside, outside].forEach((each) => each.destroy()));
    }
    inside.pipe(outside).pipe(inside);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: own } = server.address() as { port: number };
  return {
    endpoint: `http://127.0.0.1:${own}`,
    cut() {
      whole = false;
      for (const socket of sockets) socket.destroy();
    },
    heal: async () => void (whole = true),
    close: () => server.close(),
  };
}
