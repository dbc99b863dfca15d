// What each watcher is told, whoever else watches and however slowly: connections are made up, the store is real.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { configMapKind } from '../../../kube/kinds/config-map.ts';
import type { Kind } from '../../../kube/kinds/kind.ts';
import { ApiError } from '../../../kube/meaning/api-error.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import { createMemoryStore, type EmbeddedStore } from '../../../kube/store/embedded.ts';
import { createWatchLog } from '../../../kube/store/watch-log.ts';
import type { Sink } from '../request.ts';
import type { EventPrinter } from '../wire/watch-frames.ts';
import type { Watch } from './kind-watches.ts';
import { createWatchHub, type WatchHub } from './watch-hub.ts';

const kind = configMapKind as Kind;

/** A reader that takes nothing while it is full. */
function reader() {
  const chunks: Uint8Array[] = [];
  let drain = () => {};
  const state = { full: false };
  const sink: Sink = {
    write(bytes) {
      chunks.push(bytes);
      return !state.full;
    },
    onDrain: (listener) => (drain = listener),
  };
  return {
    sink,
    chunks,
    told: () => Buffer.concat(chunks).toString().trim().split('\n').filter(Boolean),
    fill: () => (state.full = true),
    drain() {
      state.full = false;
      drain();
    },
  };
}

const line = (text: string) => Buffer.from(`${text}\n`);

const printer = (): EventPrinter => ({
  contentType: 'text/plain',
  change: (type, { metadata }) => line(`${type} ${metadata.name} ${metadata.labels?.['app'] ?? ''}`.trim()),
  bookmark: (revision) => line(`BOOKMARK ${revision}`),
  error: () => line('ERROR'),
});

const everything = { kind, selects: () => true, printer: printer(), key: 'all', wantsBookmarks: false };

const appOf = ({ metadata }: KubeObject): string => metadata.labels?.['app'] ?? '';

/** As a field selector is: a test, and by what its groups are found. */
const ofApp = (app: string): Partial<Watch> => ({ selects: (object) => appOf(object) === app, key: app, trigger: { name: 'app', value: app, read: appOf } });

interface Scene {
  store: EmbeddedStore;
  hub: WatchHub;
  put(name: string, app?: string): Promise<number>;
  watch(about?: Partial<Watch>): ReturnType<typeof reader> & { ended: Promise<unknown>; end(): void };
}

function scene({ mostBehind = 100, bookmarkEveryMs = 60_000 } = {}): Scene {
  const store = createMemoryStore([kind]);
  const hub = createWatchHub({ store, bookmarkEveryMs, mostBehind });
  return {
    store,
    hub,
    async put(name, app) {
      const exists = store.snapshot().get(kind, name, 'default');
      const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', ...(app && { labels: { app } }) } };
      await store.write({ verb: exists ? 'update' : 'create', object });
      return store.snapshot().revision;
    },
    watch(about) {
      const one = reader();
      const stop = new AbortController();
      const watch = { ...everything, after: store.snapshot().revision, sink: one.sink, ...about };
      const ended = hub.follow(watch, stop.signal).then(() => 'ended', (error: unknown) => error);
      return { ...one, ended, end: () => stop.abort() };
    },
  };
}

test('watchers that asked for the same get the very same bytes', async () => {
  const { put, watch } = scene();
  const [one, two] = [watch(), watch()];
  await put('a');
  await turn();
  assert.deepEqual(one.told(), ['ADDED a']);
  assert.equal(one.chunks[0], two.chunks[0]);
});

test('what is committed together comes in one write, in order', async () => {
  const { put, watch } = scene();
  const one = watch();
  await Promise.all(['a', 'b', 'c'].map((name) => put(name)));
  await turn();
  assert.deepEqual(one.told(), ['ADDED a', 'ADDED b', 'ADDED c']);
  assert.equal(one.chunks.length, 1);
});

test('a watcher that joins between a commit and its telling neither misses nor repeats it', async () => {
  const { put, watch } = scene();
  const before = watch();
  const revision = await put('a');
  const [since, now] = [watch({ after: revision - 1 }), watch()];
  await put('b');
  await turn();
  assert.deepEqual(before.told(), ['ADDED a', 'ADDED b']);
  assert.deepEqual(since.told(), ['ADDED a', 'ADDED b']);
  assert.deepEqual(now.told(), ['ADDED b']);
});

test('a slow reader is told everything in order once it is back, and holds up nobody', async () => {
  const { put, watch } = scene();
  const [slow, quick] = [watch(), watch()];
  slow.fill();
  for (const name of ['a', 'b', 'c']) await put(name);
  await turn();
  assert.deepEqual(slow.told(), ['ADDED a']);
  assert.deepEqual(quick.told(), ['ADDED a', 'ADDED b', 'ADDED c']);
  slow.drain();
  await put('d');
  await turn();
  assert.deepEqual(slow.told(), ['ADDED a', 'ADDED b', 'ADDED c', 'ADDED d']);
});

test('a reader that falls too far behind is dropped with 410, and the others go on', async () => {
  const { put, watch } = scene({ mostBehind: 2 });
  const [slow, quick] = [watch(), watch()];
  slow.fill();
  for (const name of ['a', 'b', 'c', 'd']) await put(name);
  await turn();
  const error = await slow.ended;
  assert.ok(error instanceof ApiError && error.code === 410);
  slow.drain();
  assert.deepEqual(slow.told(), ['ADDED a']);
  await put('e');
  await turn();
  assert.equal(quick.told().length, 5);
});

test('a version that is forgotten is refused with 410', async () => {
  const feed = createWatchLog(5);
  const { store } = scene();
  const hub = createWatchHub({ store: { ...store, feed }, bookmarkEveryMs: 60_000 });
  await assert.rejects(hub.follow({ ...everything, after: 4, sink: reader().sink }, new AbortController().signal), { code: 410 });
});

test('when the store loses its past every watch ends with 410', async () => {
  const feed = createWatchLog(0);
  const { store } = scene();
  const hub = createWatchHub({ store: { ...store, feed }, bookmarkEveryMs: 60_000 });
  const ended = hub.follow({ ...everything, after: 0, sink: reader().sink }, new AbortController().signal);
  feed.reset(9);
  await assert.rejects(ended, { code: 410 });
});

test('an object that moves from one selector to another is DELETED for the one and ADDED for the other', async () => {
  const { put, watch } = scene();
  const [web, api, all] = [watch(ofApp('web')), watch(ofApp('api')), watch()];
  await put('a', 'web');
  await put('a', 'api');
  await turn();
  assert.deepEqual(web.told(), ['ADDED a web', 'DELETED a api']);
  assert.deepEqual(api.told(), ['ADDED a api']);
  assert.deepEqual(all.told(), ['ADDED a web', 'MODIFIED a api']);
});

test('a watch from a revision that has yet to come waits silently until it is past', async () => {
  const { put, watch, store } = scene();
  const [future, now] = [watch({ after: store.snapshot().revision + 2 }), watch()];
  for (const name of ['a', 'b', 'c']) await put(name);
  await turn();
  assert.deepEqual(future.told(), ['ADDED c']);
  assert.equal(now.told().length, 3);
});

test('an object that cannot be printed ends the watches that were to be told it, and no others', async () => {
  const { put, watch } = scene();
  const broken = { ...printer(), change: () => assert.fail('cannot be printed') };
  const [bad, good] = [watch({ printer: broken, key: 'broken' }), watch()];
  await put('a');
  await turn();
  assert.match(String(await bad.ended), /cannot be printed/);
  assert.deepEqual(good.told(), ['ADDED a']);
});

test('a watch that ends has told everything committed before, and then a bookmark of it', async () => {
  const { put, watch } = scene();
  const one = watch({ wantsBookmarks: true });
  const revision = await put('a');
  one.end();
  assert.equal(await one.ended, 'ended');
  assert.deepEqual(one.told(), ['ADDED a', `BOOKMARK ${revision}`]);
  await put('b');
  await turn();
  assert.equal(one.told().length, 2);
});

test('a reader that lags gets no bookmark: what it was not told lies before it', async () => {
  const { put, watch } = scene();
  const one = watch({ wantsBookmarks: true });
  one.fill();
  for (const name of ['a', 'b']) await put(name);
  await turn();
  one.end();
  await one.ended;
  assert.deepEqual(one.told(), ['ADDED a']);
});
