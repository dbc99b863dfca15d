import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { configMapKind } from '../kinds/config-map.ts';
import { createKindIndex } from '../kinds/kind-index.ts';
import { kinds } from '../kinds/kinds.ts';
import type { ApiError } from '../meaning/api-error.ts';
import { createEmbeddedStore, createMemoryStore } from './embedded.ts';
import { openSqliteJournal } from './journal-sqlite.ts';
import { testStore } from './store-suite.ts';
import type { Write } from './store.ts';

const kindOf = createKindIndex(kinds);
const temporary = () => mkdtempSync(join(tmpdir(), 'fairlead-store-'));
const create = (name: string): Write => ({
  verb: 'create',
  object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } },
});

testStore('memory', async () => {
  const store = createMemoryStore(kinds);
  return { store, close: () => store.close() };
});

testStore('sqlite', async () => {
  const folder = temporary();
  const store = createEmbeddedStore({ kindOf, journal: openSqliteJournal(join(folder, 'state.db')) });
  return {
    store,
    async close() {
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
});

test('a store opened again has every object and goes on counting revisions', async () => {
  const folder = temporary();
  const path = join(folder, 'state.db');
  const first = createEmbeddedStore({ kindOf, journal: openSqliteJournal(path) });
  const kept = await first.write(create('kept'));
  const gone = await first.write(create('gone'));
  await first.write({ verb: 'delete', target: { apiVersion: 'v1', kind: 'ConfigMap', name: 'gone', namespace: 'default' } });
  await first.close();
  const second = createEmbeddedStore({ kindOf, journal: openSqliteJournal(path) });
  assert.deepEqual(second.snapshot().list(configMapKind), [kept]);
  const next = await second.write(create('next'));
  assert.ok(Number(next.metadata.resourceVersion) > Number(gone.metadata.resourceVersion) + 1, 'no revision is used twice');
  await second.close();
  rmSync(folder, { recursive: true });
});

test('an old revision can be read until the log forgets it', async () => {
  const store = createEmbeddedStore({ kindOf, limits: { log: 4, queue: 100 } });
  await store.write(create('a'));
  const past = store.snapshot().revision;
  await store.write(create('b'));
  assert.deepEqual(store.snapshotAt(past).list(configMapKind).map((o) => o.metadata.name), ['a']);
  assert.throws(() => store.snapshotAt(99), (error: ApiError) => error.code === 504);
  for (let i = 0; i < 10; i++) await store.write(create(`c${i}`));
  assert.throws(() => store.snapshotAt(past), (error: ApiError) => error.code === 410);
  const late = store.watch([configMapKind], past, AbortSignal.timeout(5000))[Symbol.asyncIterator]();
  await assert.rejects(late.next(), (error: ApiError) => error.reason === 'Expired');
});

test('a watcher that falls behind is dropped with 410 and slows nobody', async () => {
  const store = createEmbeddedStore({ kindOf, limits: { log: 1000, queue: 3 } });
  const slow = store.watch([configMapKind], 0, AbortSignal.timeout(5000))[Symbol.asyncIterator]();
  const first = slow.next();
  for (let i = 0; i < 10; i++) await store.write(create(`c${i}`));
  assert.equal((await first).value.object.metadata.name, 'c0');
  const rest = async () => {
    while (!(await slow.next()).done);
  };
  await assert.rejects(rest(), (error: ApiError) => error.reason === 'Expired');
});

const writer = `
  const { createEmbeddedStore } = await import(${JSON.stringify(import.meta.resolve('./embedded.ts'))});
  const { openSqliteJournal } = await import(${JSON.stringify(import.meta.resolve('./journal-sqlite.ts'))});
  const { createKindIndex } = await import(${JSON.stringify(import.meta.resolve('../kinds/kind-index.ts'))});
  const { kinds } = await import(${JSON.stringify(import.meta.resolve('../kinds/kinds.ts'))});
  const store = createEmbeddedStore({ kindOf: createKindIndex(kinds), journal: openSqliteJournal(process.argv[1]) });
  const from = store.snapshot().revision;
  const one = async (w) => {
    for (let i = 0; ; i++) {
      const name = 'c-' + from + '-' + w + '-' + i;
      const made = await store.write({ verb: 'create', object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } } });
      console.log(name + ' ' + made.metadata.resourceVersion);
    }
  };
  for (let w = 0; w < 8; w++) one(w);
`;

test('kill -9 under eight writers loses no acknowledged write and reuses no revision', async () => {
  const folder = temporary();
  const path = join(folder, 'state.db');
  const acknowledged = new Map<string, string>();
  for (const many of [40, 90]) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', writer, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    let lines = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      const [name, revision] = line.split(' ') as [string, string];
      assert.ok(!acknowledged.has(revision), `revision ${revision} was given twice`);
      acknowledged.set(revision, name);
      if (++lines === many) child.kill('SIGKILL');
    }
  }
  const store = createEmbeddedStore({ kindOf, journal: openSqliteJournal(path) });
  for (const [revision, name] of acknowledged) {
    assert.equal(store.snapshot().get(configMapKind, name, 'default')?.metadata.resourceVersion, revision, name);
  }
  await store.close();
  rmSync(folder, { recursive: true });
});
