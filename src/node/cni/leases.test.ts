import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openLeases, RangesExhausted } from './leases.ts';

const both = ['10.244.1.0/24', 'fd00:10:244:1::/64'];

test('NET-12: a pod gets one address of each range of its node, never the network or the node address', () => {
  const leases = openLeases();
  assert.deepEqual(leases.acquire('a', both), ['10.244.1.2', 'fd00:10:244:1::2']);
  assert.deepEqual(leases.acquire('b', both), ['10.244.1.3', 'fd00:10:244:1::3']);
  assert.deepEqual(leases.acquire('a', both), ['10.244.1.2', 'fd00:10:244:1::2']);
});

test('NET-19: a /29 holds five pods; the sixth is refused until an address is freed', () => {
  const leases = openLeases();
  const range = ['10.0.0.0/29'];
  const given = ['1', '2', '3', '4', '5'].map((owner) => leases.acquire(owner, range)[0]);
  assert.deepEqual(given, ['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6']);
  assert.throws(() => leases.acquire('6', range), RangesExhausted);
  leases.release('3');
  assert.deepEqual(leases.acquire('6', range), ['10.0.0.4']);
});

test('NET-18: a freed address is reused last', () => {
  const leases = openLeases();
  leases.acquire('a', ['10.0.0.0/29']);
  leases.release('a');
  assert.deepEqual(leases.acquire('b', ['10.0.0.0/29']), ['10.0.0.3']);
});

test('a refused second family takes nothing of the first', () => {
  const leases = openLeases();
  leases.acquire('a', ['10.0.0.0/29', 'fd00::/126']);
  leases.acquire('b', ['10.0.0.0/29', 'fd00::/126']);
  assert.throws(() => leases.acquire('c', ['10.0.0.0/29', 'fd00::/126']), /fd00::\/126/);
  for (const owner of ['d', 'e', 'f']) leases.acquire(owner, ['10.0.0.0/29']);
  assert.throws(() => leases.acquire('g', ['10.0.0.0/29']), RangesExhausted);
});

test('leases survive a restart; those of pods that are gone are swept', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'leases-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'node1', 'leases.json');
  const before = openLeases(file);
  before.acquire('a', both);
  before.acquire('b', both);
  const after = openLeases(file);
  after.keepOnly(new Set(['b']));
  assert.deepEqual(after.owners(), ['b']);
  assert.deepEqual(after.acquire('b', both), ['10.244.1.3', 'fd00:10:244:1::3']);
  assert.deepEqual(after.acquire('c', both), ['10.244.1.4', 'fd00:10:244:1::4']);
});

test('a lease outside a changed range is given up for one inside', () => {
  const leases = openLeases();
  leases.acquire('a', ['10.244.1.0/24']);
  assert.deepEqual(leases.acquire('a', ['10.244.7.0/24']), ['10.244.7.2']);
});
