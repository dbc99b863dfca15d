// The one suite that every ObjectStore must pass: memory, SQLite, and later etcd and the HTTP mirror.
// Lives beside the interface because it is the interface's meaning.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deepFreeze } from '../../base/data/freeze.ts';
import { configMapKind } from '../kinds/config-map.ts';
import { podKind } from '../kinds/pod.ts';
import type { ApiError } from '../meaning/api-error.ts';
import type { ConfigMap, Pod } from '../objects/core.ts';
import type { Deployment } from '../objects/apps.ts';
import type { KubeObject } from '../objects/meta.ts';
import type { ObjectStore, WatchEvent, Write } from './store.ts';

export interface StoreUnderTest {
  store: ObjectStore;
  close(): Promise<void>;
}

const configMap = (name: string, data: Record<string, string> = {}): ConfigMap =>
  deepFreeze({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data });

const pod = (name: string, nodeName?: string): Pod =>
  deepFreeze({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: { containers: [{ name: 'c', image: 'echo' }], terminationGracePeriodSeconds: 30, ...(nodeName && { nodeName }) },
  });

const labels = { app: 'web' };
const deployment: Deployment = deepFreeze({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default' },
  spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'echo' }] } } },
});

const remove = (object: KubeObject, more: object = {}): Write => ({
  verb: 'delete',
  target: { apiVersion: object.apiVersion, kind: object.kind, name: object.metadata.name, namespace: object.metadata.namespace },
  ...more,
});

const refused = (reason: string) => (error: ApiError) => {
  assert.equal(error.reason, reason);
  return true;
};

const revisionOf = (object: KubeObject) => Number(object.metadata.resourceVersion);
const create = (object: KubeObject): Write => ({ verb: 'create', object });
const update = (object: KubeObject): Write => ({ verb: 'update', object });

async function collect(store: ObjectStore, since: number, count: number): Promise<WatchEvent[]> {
  const stop = new AbortController();
  const events: WatchEvent[] = [];
  for await (const event of store.watch([configMapKind, podKind], since, stop.signal)) {
    events.push(event);
    if (events.length === count) stop.abort();
  }
  return events;
}

export function testStore(name: string, open: () => Promise<StoreUnderTest>): void {
  const on = (behaviour: string, body: (store: ObjectStore) => Promise<void>) =>
    test(`${name}: ${behaviour}`, async () => {
      const { store, close } = await open();
      try {
        await body(store);
      } finally {
        await close();
      }
    });

  on('a created object gets uid, revision and creation time, and is in the next snapshot', async (store) => {
    const before = store.snapshot();
    const made = await store.write(create(configMap('a', { k: '1' })));
    assert.match(made.metadata.uid ?? '', /^[0-9a-f-]{36}$/);
    assert.match(made.metadata.creationTimestamp ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.equal(store.snapshot().get(configMapKind, 'a', 'default'), made);
    assert.equal(store.snapshot().revision, revisionOf(made));
    assert.equal(before.get(configMapKind, 'a', 'default'), undefined, 'an older snapshot never changes');
  });

  on('SVC-04: a second create of the same name is refused with AlreadyExists', async (store) => {
    await store.write(create(configMap('a')));
    await assert.rejects(store.write(create(configMap('a'))), refused('AlreadyExists'));
  });

  on('SVC-05: a stale resourceVersion is refused with Conflict and changes nothing', async (store) => {
    const first = await store.write(create(configMap('a', { k: '1' })));
    const second = (await store.write(update({ ...first, data: { k: '2' } } as ConfigMap))) as ConfigMap;
    await assert.rejects(store.write(update({ ...first, data: { k: '3' } } as ConfigMap)), refused('Conflict'));
    assert.equal(store.snapshot().get(configMapKind, 'a', 'default'), second);
  });

  on('an update without resourceVersion is unconditional', async (store) => {
    await store.write(create(configMap('a', { k: '1' })));
    const after = (await store.write(update(configMap('a', { k: '9' })))) as ConfigMap;
    assert.deepEqual(after.data, { k: '9' });
  });

  on('an update that changes nothing keeps the revision and wakes no watcher', async (store) => {
    const made = await store.write(create(configMap('a', { k: '1' })));
    assert.equal(await store.write(update(made)), made);
    const next = await store.write(create(configMap('b')));
    const events = await collect(store, revisionOf(made), 1);
    assert.deepEqual(events.map((e) => e.object), [next]);
  });

  on('an update of a missing object is refused with NotFound', async (store) => {
    await assert.rejects(store.write(update(configMap('nope'))), refused('NotFound'));
  });

  on('generation counts changes of spec only, and status is written apart (SVC-06)', async (store) => {
    const made = (await store.write(create({ ...deployment, status: { replicas: 7 } } as Deployment))) as Deployment;
    assert.equal(made.metadata.generation, 1);
    assert.equal(made.status?.replicas, undefined);
    const counted = (await store.write({ verb: 'update', object: { ...made, status: { replicas: 3 } } as KubeObject, subresource: 'status' })) as Deployment;
    assert.equal(counted.metadata.generation, 1);
    const scaled = (await store.write(update({ ...counted, spec: { ...counted.spec, replicas: 5 }, status: { replicas: 9 } } as Deployment))) as Deployment;
    assert.equal(scaled.metadata.generation, 2);
    assert.deepEqual([scaled.spec.replicas, scaled.status?.replicas], [5, 3]);
  });

  on('a dry run shows the object and stores nothing (SVC-07)', async (store) => {
    const shown = await store.write({ verb: 'create', object: configMap('a'), dryRun: true });
    assert.equal(shown.metadata.resourceVersion, undefined);
    assert.equal(store.snapshot().get(configMapKind, 'a', 'default'), undefined);
  });

  on('a finalizer holds a deleted object until it is taken off', async (store) => {
    const held = { ...configMap('a'), metadata: { ...configMap('a').metadata, finalizers: ['example.com/hold'] } };
    const made = await store.write(create(held));
    const marked = await store.write(remove(made));
    assert.ok(marked.metadata.deletionTimestamp);
    await assert.rejects(store.write(update({ ...marked, metadata: { ...marked.metadata, finalizers: ['example.com/hold', 'd.e/f'] } })), refused('Invalid'));
    await store.write(update({ ...marked, metadata: { ...marked.metadata, finalizers: undefined } }));
    assert.equal(store.snapshot().get(configMapKind, 'a', 'default'), undefined);
  });

  on('a scheduled pod waits for its grace period; its node ends it with 0 seconds', async (store) => {
    const made = await store.write(create(pod('p', 'node1')));
    const marked = await store.write(remove(made));
    assert.equal(marked.metadata.deletionGracePeriodSeconds, 30);
    assert.ok(store.snapshot().get(podKind, 'p', 'default'));
    await store.write(remove(made, { gracePeriodSeconds: 0 }));
    assert.equal(store.snapshot().get(podKind, 'p', 'default'), undefined);
  });

  on('an unscheduled pod goes at once', async (store) => {
    const made = await store.write(create(pod('p')));
    await store.write(remove(made));
    assert.equal(store.snapshot().get(podKind, 'p', 'default'), undefined);
  });

  on('a uid precondition protects the object that took the name', async (store) => {
    const first = await store.write(create(configMap('a')));
    await store.write(remove(first));
    const second = await store.write(create(configMap('a')));
    const stale = { apiVersion: 'v1', kind: 'ConfigMap', name: 'a', namespace: 'default', uid: first.metadata.uid };
    await assert.rejects(store.write({ verb: 'delete', target: stale }), refused('Conflict'));
    assert.equal(store.snapshot().get(configMapKind, 'a', 'default'), second);
  });

  on('a watch tells every change after a revision, in order, and the deletion under a new revision', async (store) => {
    const first = await store.write(create(configMap('a', { k: '1' })));
    const second = await store.write(update({ ...first, data: { k: '2' } } as ConfigMap));
    await store.write(remove(second));
    await store.write(create(deployment));
    await store.write(create(configMap('b')));
    const events = await collect(store, revisionOf(first), 3);
    assert.deepEqual(
      events.map(({ type, object }) => [type, object.metadata.name]),
      [['MODIFIED', 'a'], ['DELETED', 'a'], ['ADDED', 'b']],
    );
    assert.ok(events.every((event, i) => i === 0 || event.revision > events[i - 1]!.revision));
    assert.equal(events[1]!.object.metadata.resourceVersion, String(events[1]!.revision));
  });

  on('a watch from the future waits silently for what comes after it', async (store) => {
    const seen = collect(store, store.snapshot().revision + 2, 1);
    for (const key of ['a', 'b', 'c']) await store.write(create(configMap(key)));
    assert.equal((await seen)[0]!.object.metadata.name, 'c');
  });

  on('writes that race get one revision each, and none is lost', async (store) => {
    const made = await Promise.all(Array.from({ length: 100 }, (_, i) => store.write(create(configMap(`c${i}`)))));
    assert.equal(new Set(made.map(revisionOf)).size, 100);
    assert.equal(store.snapshot().list(configMapKind).length, 100);
  });

  on('a list is ordered by namespace and name, and keeps its identity while its kind does not change', async (store) => {
    for (const key of ['b', 'c', 'a']) await store.write(create(configMap(key)));
    const list = store.snapshot().list(configMapKind);
    assert.deepEqual(list.map((o) => o.metadata.name), ['a', 'b', 'c']);
    await store.write(create(pod('p')));
    assert.equal(store.snapshot().list(configMapKind), list);
  });
}
