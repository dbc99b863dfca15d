// Sizes and names: the tail is where beauty dies. The linter bounds functions; this bounds files, rooms and headers.
import assert from 'node:assert/strict';
import { basename, dirname } from 'node:path';
import { test } from 'node:test';
import { isTest, readSources } from './source-tree.ts';

/** Tables of data and files of types, by name, with the reason. */
const mayBeLong: Readonly<Record<string, string>> = {
  'src/kube/objects/core.ts': 'types only',
  'src/kube/schema/messages.ts': 'generated data: one line per message',
};

/** Rooms whose files all have one shape. */
const mayBeWide = ['src/kube/kinds', 'src/kube/meaning', 'src/control/controllers', 'src/ui/cli'];

const sources = readSources().filter((file) => !isTest(file.path));

test('no source file is longer than 300 lines unless it is named here with its reason', () => {
  const long = sources.filter((file) => file.text.split('\n').length > 301 && !mayBeLong[file.path]).map((file) => file.path);
  assert.deepEqual(long, []);
});

test('every file opens with a comment that says what it is', () => {
  assert.deepEqual(sources.filter((file) => !file.text.startsWith('//') && !file.text.startsWith('/*')).map((file) => file.path), []);
});

test('no room holds more than 15 source files unless all have one shape', () => {
  const rooms = Map.groupBy(sources, (file) => dirname(file.path));
  const wide = [...rooms].filter(([room, files]) => files.length > 15 && !mayBeWide.includes(room)).map(([room, files]) => `${room}: ${files.length}`);
  assert.deepEqual(wide, []);
});

test('names say something', () => {
  const odd = sources.filter((file) => /(^|-)(util|utils|helper|helpers|common|misc|manager|impl)(-|\.)/.test(basename(file.path)));
  assert.deepEqual(odd.map((file) => file.path), []);
});
