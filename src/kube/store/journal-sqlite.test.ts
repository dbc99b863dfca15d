import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { configMapKind } from '../kinds/config-map.ts';
import { kindOf } from '../kinds/kinds.ts';
import type { ApiError } from '../meaning/api-error.ts';
import { createEmbeddedStore, type EmbeddedStore } from './embedded.ts';
import { openSqliteJournal } from './journal-sqlite.ts';
import { checkStateFile, copyStateFile, restoreStateFile } from './state-file.ts';
import { StoreError } from './store-error.ts';
import type { Write } from './store.ts';

const create = (name: string, filling = ''): Write => ({
  verb: 'create',
  object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data: { filling } } as never,
});
const remove = (name: string): Write => ({ verb: 'delete', target: { apiVersion: 'v1', kind: 'ConfigMap', name, namespace: 'default' } });
const openStore = (path: string): EmbeddedStore => createEmbeddedStore({ kindOf, journal: openSqliteJournal(path) });
const namesIn = (store: EmbeddedStore) => store.snapshot().list(configMapKind).map(({ metadata }) => metadata.name);

async function inFolder(body: (at: (name: string) => string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-journal-'));
  try {
    await body((name) => join(folder, name));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const says = (pattern: RegExp) => (error: unknown) => error instanceof StoreError && pattern.test(error.message);

test('a file that another holds is refused in words, and left to the other', () =>
  inFolder(async (at) => {
    const store = openStore(at('state.db'));
    await store.write(create('a'));
    assert.throws(() => openSqliteJournal(at('state.db')), says(/state\.db is in use by another process: end that one first/));
    assert.throws(() => copyStateFile(at('state.db'), at('copy.db')), says(/in use by another process/));
    await store.write(create('b'));
    await store.close();
  }));

const damages: [about: string, spoil: (whole: Buffer) => Buffer][] = [
  ['that is none', () => Buffer.from('no database at all, only text that somebody wrote here by mistake'.repeat(20))],
  ['whose pages are overwritten', (whole) => Buffer.concat([whole.subarray(0, 4096), Buffer.alloc(whole.length - 4096, 0x5a)])],
  ['that is cut off', (whole) => whole.subarray(0, 5000)],
];
for (const [about, spoil] of damages) {
  test(`a state file ${about} is refused as damaged, with the way out`, () =>
    inFolder(async (at) => {
      const store = openStore(at('state.db'));
      for (let i = 0; i < 20; i++) await store.write(create(`c${i}`, 'x'.repeat(500)));
      await store.close();
      writeFileSync(at('state.db'), spoil(readFileSync(at('state.db'))));
      assert.throws(() => openSqliteJournal(at('state.db')).load(), says(/is damaged \(.*\): bring back a copy with fairlead restore FILE/));
      assert.throws(() => checkStateFile(at('state.db')), StoreError);
    }));
}

test('a folder that is not there is named', () => {
  assert.throws(() => openSqliteJournal('/nowhere/state.db'), says(/\/nowhere\/state\.db cannot be opened/));
});

test('a copy taken under writers holds everything acknowledged before it, and is whole', () =>
  inFolder(async (at) => {
    const store = openStore(at('state.db'));
    for (let i = 0; i < 50; i++) await store.write(create(`before${i}`, 'x'.repeat(2000)));
    const copying = store.backup(at('copy.db'));
    for (let i = 0; i < 50; i++) await store.write(create(`during${i}`));
    await copying;
    await store.close();
    assert.deepEqual(checkStateFile(at('copy.db')), { objects: 50, revision: 50 });
    restoreStateFile(at('copy.db'), at('again.db'));
    const again = openStore(at('again.db'));
    assert.equal(namesIn(again).filter((name) => name.startsWith('before')).length, 50);
    await again.close();
  }));

test('what is brought back never gives a revision again, keeps what was there before, and clients list anew', () =>
  inFolder(async (at) => {
    const first = openStore(at('state.db'));
    await first.write(create('old'));
    await first.close();
    copyStateFile(at('state.db'), at('copy.db'));
    const second = openStore(at('state.db'));
    const lost = await second.write(create('lost'));
    await second.close();
    restoreStateFile(at('copy.db'), at('state.db'));
    assert.ok(existsSync(at('state.db.old')));
    const third = openStore(at('state.db'));
    assert.deepEqual(namesIn(third), ['old']);
    const seen = Number(lost.metadata.resourceVersion);
    const watching = third.watch([configMapKind], seen, AbortSignal.timeout(5000))[Symbol.asyncIterator]();
    await assert.rejects(watching.next(), (error: ApiError) => error.code === 410);
    assert.ok(Number((await third.write(create('new'))).metadata.resourceVersion) > seen);
    await third.close();
  }));

test('a file that is no copy of ours is not brought back', () =>
  inFolder(async (at) => {
    writeFileSync(at('text'), 'hello');
    assert.throws(() => checkStateFile(at('text')), says(/damaged/));
    assert.throws(() => checkStateFile(at('absent')), says(/there is no file/));
  }));

test('the write-ahead log stays bounded, and room that was freed is given back', () =>
  inFolder(async (at) => {
    const store = openStore(at('state.db'));
    const filling = 'x'.repeat(40_000);
    for (let round = 0; round < 4; round++) {
      await Promise.all(Array.from({ length: 200 }, (_, i) => store.write(create(`c${i}`, filling))));
      await Promise.all(Array.from({ length: 200 }, (_, i) => store.write(remove(`c${i}`))));
    }
    assert.ok(statSync(at('state.db-wal')).size <= 3 * 8_388_608, `${statSync(at('state.db-wal')).size}`);
    await store.close();
    const full = statSync(at('state.db')).size;
    const journal = openSqliteJournal(at('state.db'), 10);
    const { revision } = journal.load();
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'default' } };
    for (let i = 1; i <= 60; i++) journal.commit([{ type: i === 1 ? 'ADDED' : 'MODIFIED', kind: configMapKind, object, revision: revision + i }]);
    journal.close();
    assert.ok(statSync(at('state.db')).size < full / 2, `${full} → ${statSync(at('state.db')).size}`);
  }));
