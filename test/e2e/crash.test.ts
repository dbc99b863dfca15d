// A short share of `npm run crash`: kill -9 under 8 writers, on SQLite and through two servers on etcd.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { crashRounds } from '../../scripts/crash/crash-rounds.ts';
import { createLedger } from '../../scripts/crash/ledger.ts';
import type { Said } from '../../scripts/crash/writer.ts';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import { snapshotOf, stateOf } from '../../src/kube/store/state.ts';
import { startEtcd } from './running-etcd.ts';

const rounds = 15;
const seed = Date.now() % 1_000_000;

test(`SQLite: ${rounds} kills lose nothing acknowledged, reuse no revision, double no address (seed ${seed})`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-crash-'));
  const { wrong, acknowledged } = await crashRounds({ store: 'sqlite', where: join(folder, 'state.db'), rounds, seed });
  assert.deepEqual(wrong, []);
  assert.ok(acknowledged > rounds);
  rmSync(folder, { recursive: true });
});

test(`etcd: ${rounds} kills of two servers lose nothing acknowledged, reuse no revision, double no address (seed ${seed})`, async () => {
  const etcd = await startEtcd();
  try {
    const { wrong, acknowledged } = await crashRounds({ store: 'etcd', where: etcd.endpoint, rounds, seed });
    assert.deepEqual(wrong, []);
    assert.ok(acknowledged > rounds);
  } finally {
    await etcd.close();
  }
});

const said = (does: Said['does'], name: string, revision?: number, more: Partial<Said> = {}): Said => ({ does, writer: 0, verb: 'create', kind: 'Service', name, ...(revision && { revision, uid: `uid-${name}`, ip: `10.0.0.${revision}` }), ...more });
const service = (name: string, revision: number, ip = `10.0.0.${revision}`): KubeObject =>
  ({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: String(revision) }, spec: { clusterIP: ip, clusterIPs: [ip] } }) as unknown as KubeObject;

const verdicts: [about: string, lines: Said[], stored: KubeObject[], revision: number, wrong: RegExp | undefined][] = [
  ['what was acknowledged and is there', [said('begin', 'a'), said('done', 'a', 3)], [service('a', 3)], 3, undefined],
  ['what was only begun may be there', [said('begin', 'a')], [service('a', 3)], 3, undefined],
  ['what was only begun may be absent', [said('begin', 'a')], [], 3, undefined],
  ['a lost write', [said('begin', 'a'), said('done', 'a', 3)], [], 3, /is lost/],
  ['a write that went back', [said('done', 'a', 3), said('done', 'a', 5, { verb: 'update', ip: '10.0.0.3' })], [service('a', 3)], 5, /went back/],
  ['a write that nobody made', [said('done', 'a', 3)], [service('a', 4, '10.0.0.3')], 4, /nobody wrote/],
  ['a deletion that was undone', [said('done', 'a', 3), said('done', 'a', 4, { verb: 'delete' })], [service('a', 3)], 4, /was deleted/],
  ['a revision given twice', [said('done', 'a', 3), said('done', 'b', 3)], [service('a', 3), service('b', 3)], 3, /was given to/],
  ['a revision reused for what nobody acknowledged', [said('done', 'a', 3), said('begin', 'b')], [service('a', 3), service('b', 3, '10.0.0.9')], 3, /belongs to/],
  ['an address that two have', [said('done', 'a', 3), said('done', 'b', 4, { ip: '10.0.0.3' })], [service('a', 3), service('b', 4, '10.0.0.3')], 4, /10\.0\.0\.3 belongs to a and b/],
  ['a store that went back', [said('done', 'a', 3), said('done', 'a', 4, { verb: 'delete' })], [], 2, /below one that was acknowledged/],
];
for (const [about, lines, stored, revision, wrong] of verdicts) {
  test(`the verdict on ${about} is ${wrong ? 'wrong' : 'right'}`, () => {
    const ledger = createLedger();
    ledger.note(lines);
    const found = ledger.check(snapshotOf(stateOf(revision, stored))).join('\n');
    if (wrong) assert.match(found, wrong);
    else assert.equal(found, '');
  });
}
