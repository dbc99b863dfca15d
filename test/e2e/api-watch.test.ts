// Watches: what comes, in which order, in which form, and how they end.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createKindIndex } from '../../src/kube/kinds/kind-index.ts';
import { kinds } from '../../src/kube/kinds/kinds.ts';
import { createEmbeddedStore } from '../../src/kube/store/embedded.ts';
import { type ApiUnderTest, namespaceObject, startApi } from './api-under-test.ts';
import { openWatch } from './open-watch.ts';

let api: ApiUnderTest;
before(async () => {
  api = await startApi({ bookmarkEveryMs: 20 });
});
after(() => api.close());

const maps = (namespace: string) => `/api/v1/namespaces/${namespace}/configmaps`;

/** A namespace of the test's own, so that tests do not see each other's objects. */
async function freshNamespace(name: string): Promise<string> {
  await api.store.write({ verb: 'create', object: namespaceObject(name) });
  return maps(name);
}

const configMap = (name: string, labels?: Record<string, string>) => ({ metadata: { name, labels }, data: { a: '1' } });

const told = ({ type, object }: { type: string; object: { metadata: { name: string } } }) => `${type} ${object.metadata.name}`;

test('P0-8: a watch without a version shows first what exists, then every change', async () => {
  const path = await freshNamespace('w1');
  await api.call('POST', path, { body: configMap('a') });
  const watch = await openWatch(api, `${path}?watch=true`);
  assert.equal(told((await watch.next())!), 'ADDED a');
  await api.call('POST', path, { body: configMap('b') });
  await api.call('PATCH', `${path}/b`, { body: { data: { a: '2' } }, type: 'application/merge-patch+json' });
  const gone = await api.call('DELETE', `${path}/b`);
  assert.equal(gone.code, 200);
  const events = [await watch.next(), await watch.next(), await watch.next()];
  assert.deepEqual(events.map((event) => told(event!)), ['ADDED b', 'MODIFIED b', 'DELETED b']);
  const versions = events.map((event) => Number(event!.object.metadata.resourceVersion));
  assert.deepEqual(versions, [versions[0], versions[0]! + 1, versions[0]! + 2]);
  assert.equal(events[0]!.object.kind, 'ConfigMap');
  assert.equal(events[0]!.object.apiVersion, 'v1');
  watch.close();
});

test('P0-8: a watch from a version shows only what came after it', async () => {
  const path = await freshNamespace('w2');
  const first = await api.call('POST', path, { body: configMap('a') });
  await api.call('POST', path, { body: configMap('b') });
  const watch = await openWatch(api, `${path}?watch=true&resourceVersion=${first.json.metadata.resourceVersion}`);
  assert.equal(told((await watch.next())!), 'ADDED b');
  watch.close();
});

test('a watch answers its headers before anything happens', async () => {
  const path = await freshNamespace('w3');
  const watch = await openWatch(api, `${path}?watch=true&resourceVersion=${api.store.snapshot().revision}`);
  assert.equal(watch.headers['content-type'], 'application/json');
  watch.close();
});

test('an object that begins to match a selector is ADDED, one that stops is DELETED with its new version', async () => {
  const path = await freshNamespace('w4');
  const watch = await openWatch(api, `${path}?watch=true&labelSelector=app%3Dweb&resourceVersion=${api.store.snapshot().revision}`);
  const relabel = (app: string | null) => api.call('PATCH', `${path}/a`, { body: { metadata: { labels: { app } } }, type: 'application/merge-patch+json' });
  await api.call('POST', path, { body: configMap('a') });
  await relabel('web');
  const left = await relabel('other');
  await relabel('web');
  const events = [await watch.next(), await watch.next(), await watch.next()];
  assert.deepEqual(events.map((event) => told(event!)), ['ADDED a', 'DELETED a', 'ADDED a']);
  assert.equal(events[1]!.object.metadata.resourceVersion, left.json.metadata.resourceVersion);
  assert.equal(events[1]!.object.metadata.labels.app, 'other');
  watch.close();
});

test('P1-1: sendInitialEvents ends what exists with a marked bookmark', async () => {
  const path = await freshNamespace('w5');
  await api.call('POST', path, { body: configMap('a') });
  const watch = await openWatch(api, `${path}?watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`);
  assert.equal(told((await watch.next())!), 'ADDED a');
  const { type, object } = (await watch.next())!;
  assert.equal(type, 'BOOKMARK');
  assert.deepEqual(object.metadata.annotations, { 'k8s.io/initial-events-end': 'true' });
  assert.equal(object.metadata.resourceVersion, String(api.store.snapshot().revision));
  watch.close();
});

test('P1-1: sendInitialEvents without resourceVersionMatch is refused', async () => {
  const reply = await api.call('GET', `${maps('default')}?watch=true&sendInitialEvents=true`);
  assert.equal(reply.code, 422);
  assert.match(reply.json.message, /sendInitialEvents requires setting resourceVersionMatch to NotOlderThan/);
});

test('P1-1: bookmarks tell versions of changes elsewhere', async () => {
  const path = await freshNamespace('w6');
  const watch = await openWatch(api, `${path}?watch=true&allowWatchBookmarks=true&resourceVersion=${api.store.snapshot().revision}`);
  await api.call('POST', maps('default'), { body: configMap('elsewhere') });
  const revision = api.store.snapshot().revision;
  const { object } = await watch.until((event) => event.type === 'BOOKMARK' && Number(event.object.metadata.resourceVersion) >= revision);
  assert.deepEqual(Object.keys(object).toSorted(), ['apiVersion', 'kind', 'metadata']);
  watch.close();
});

test('timeoutSeconds ends a watch cleanly, with a last bookmark', async () => {
  const path = await freshNamespace('w7');
  const watch = await openWatch(api, `${path}?watch=true&allowWatchBookmarks=true&timeoutSeconds=1&resourceVersion=${api.store.snapshot().revision}`);
  let last = '';
  for (let event = await watch.next(); event; event = await watch.next()) last = event.type;
  assert.equal(last, 'BOOKMARK');
});

test('P1-1: a version that is forgotten is told as an ERROR event, and the watch ends', async (t) => {
  const store = createEmbeddedStore({ kindOf: createKindIndex(kinds), limits: { log: 2, queue: 10 } });
  const small = await startApi({ store });
  t.after(() => small.close());
  for (const name of ['a', 'b', 'c']) await small.call('POST', maps('default'), { body: configMap(name) });
  const watch = await openWatch(small, `${maps('default')}?watch=true&resourceVersion=1`);
  const { type, object } = (await watch.next())!;
  assert.equal(type, 'ERROR');
  assert.deepEqual([object.kind, object.reason, object.code], ['Status', 'Expired', 410]);
  assert.match(object.message, /^too old resource version: 1 \(\d+\)$/);
  assert.equal(await watch.next(), undefined);
});

test('P0-5: a watch of Tables names the columns once', async () => {
  const path = await freshNamespace('w8');
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
  const watch = await openWatch(api, `${path}?watch=true&resourceVersion=${api.store.snapshot().revision}`, accept);
  await api.call('POST', path, { body: configMap('a') });
  await api.call('POST', path, { body: configMap('b') });
  const [one, two] = [(await watch.next())!, (await watch.next())!];
  assert.equal(one.object.kind, 'Table');
  assert.equal(one.object.columnDefinitions[0].name, 'Name');
  assert.equal(one.object.rows[0].cells[0], 'a');
  assert.equal(one.object.rows[0].object.kind, 'PartialObjectMetadata');
  assert.equal(two.object.columnDefinitions, null);
  watch.close();
});

test('P1-7: a watch of metadata only carries no data', async () => {
  const path = await freshNamespace('w9');
  const accept = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
  const watch = await openWatch(api, `${path}?watch=true`, accept);
  await api.call('POST', path, { body: configMap('a') });
  const { object } = (await watch.next())!;
  assert.deepEqual(Object.keys(object), ['kind', 'apiVersion', 'metadata']);
  assert.equal(object.kind, 'PartialObjectMetadata');
  watch.close();
});

test('a watch in all namespaces and one of a single name see the same object', async () => {
  const path = await freshNamespace('w10');
  const since = api.store.snapshot().revision;
  const [all, one] = await Promise.all([
    openWatch(api, `/api/v1/configmaps?watch=true&resourceVersion=${since}`),
    openWatch(api, `${path}?watch=true&fieldSelector=metadata.name%3Db&resourceVersion=${since}`),
  ]);
  await api.call('POST', path, { body: configMap('a') });
  await api.call('POST', path, { body: configMap('b') });
  assert.equal(told((await all.next())!), 'ADDED a');
  assert.equal(told((await one.next())!), 'ADDED b');
  all.close();
  one.close();
});
