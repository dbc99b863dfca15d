import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createManualClock } from '../../../base/run/clock.ts';
import { kinds } from '../../../kube/kinds/kinds.ts';
import { leaseKind } from '../../../kube/kinds/lease.ts';
import { ApiError } from '../../../kube/meaning/api-error.ts';
import type { Lease } from '../../../kube/objects/networking.ts';
import { createMemoryStore } from '../../../kube/store/embedded.ts';
import type { ObjectStore } from '../../../kube/store/store.ts';
import { decideLease, releaseLease, usualTiming } from './lease-decision.ts';
import { startLeading } from './leading.ts';

const start = new Date('2024-01-01T00:00:00Z');
const later = (ms: number) => new Date(start.getTime() + ms);
const me = { identity: 'me', name: 'l', namespace: 'kube-system', timing: usualTiming };

const lease = (spec: Lease['spec'], version = '7'): Lease => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: 'l', namespace: 'kube-system', resourceVersion: version },
  spec: { leaseDurationSeconds: 15, ...spec },
});
const never = { version: undefined, sinceMs: 0 };
const specOf = (decision: ReturnType<typeof decideLease>) => (decision.write as { object: Lease } | undefined)?.object.spec;

test('without a Lease everybody tries to make it; the store lets one', () => {
  const decision = decideLease(me, undefined, never, start);
  assert.equal(decision.write?.verb, 'create');
  assert.deepEqual(specOf(decision), { holderIdentity: 'me', leaseDurationSeconds: 15, acquireTime: '2024-01-01T00:00:00.000000Z', renewTime: '2024-01-01T00:00:00.000000Z', leaseTransitions: 0 });
});

test('a renewal keeps the time of taking over and the number of terms', () => {
  const mine = lease({ holderIdentity: 'me', acquireTime: 'then', leaseTransitions: 3 });
  assert.deepEqual(specOf(decideLease(me, mine, never, start)), { ...mine.spec, renewTime: '2024-01-01T00:00:00.000000Z' });
});

const theirs = lease({ holderIdentity: 'other', renewTime: '1970-01-01T00:00:00.000000Z', leaseTransitions: 3 });
const others: [about: string, since: number, at: number, taken: boolean][] = [
  ['just seen, however old its own clock says it is', 0, 0, false],
  ['unchanged for less than its duration', 0, 14_999, false],
  ['unchanged for its whole duration', 0, 15_000, true],
];
for (const [about, since, at, taken] of others) {
  test(`a Lease of another, ${about}, is ${taken ? 'taken' : 'left alone'}`, () => {
    const decision = decideLease(me, theirs, { version: '7', sinceMs: later(since).getTime() }, later(at));
    assert.equal(decision.write !== undefined, taken);
    if (taken) assert.equal(specOf(decision)?.leaseTransitions, 4);
  });
}

test('a Lease that changed is watched anew; one that was given up is taken at once', () => {
  const decision = decideLease(me, theirs, { version: '6', sinceMs: 0 }, start);
  assert.deepEqual(decision, { observed: { version: '7', sinceMs: start.getTime() } });
  assert.ok(decideLease(me, lease({ holderIdentity: '' }), never, start).write);
});

test('only its holder gives a Lease up', () => {
  assert.equal(releaseLease(me, theirs, start), undefined);
  const given = releaseLease(me, lease({ holderIdentity: 'me' }), start) as { object: Lease };
  assert.equal(given.object.spec?.holderIdentity, '');
});

function lab() {
  const clock = createManualClock(start);
  const store = createMemoryStore(kinds, () => clock.now());
  const active: string[] = [];
  let most = 0;
  const join = (identity: string, through: ObjectStore = store) =>
    startLeading({
      store: through,
      clock,
      identity,
      name: 'l',
      random: () => 0,
      start() {
        active.push(identity);
        most = Math.max(most, active.length);
        return { close: async () => void active.splice(active.indexOf(identity), 1) };
      },
    });
  return { clock, store, active, join, most: () => most };
}

test('one of two leads; when it ends in order, the other follows at its next look', async () => {
  const { clock, active, join } = lab();
  const a = join('a');
  await clock.advance(0);
  const b = join('b');
  await clock.advance(10_000);
  assert.deepEqual(active, ['a']);
  await a.close();
  await clock.advance(2_000);
  assert.deepEqual(active, ['b']);
  await b.close();
  assert.deepEqual(active, []);
  assert.equal(clock.pending(), 0);
});

test('a leader cut off from the store stops before another begins', async () => {
  const { clock, store, active, join, most } = lab();
  let cut = false;
  const away = () => Promise.reject(new ApiError(504, 'Timeout', 'away'));
  const a = join('a', { ...store, write: (write) => (cut ? away() : store.write(write)) });
  await clock.advance(0);
  const b = join('b');
  await clock.advance(4_000);
  cut = true;
  await clock.advance(10_000);
  assert.deepEqual(active, [], 'nobody leads between');
  await clock.advance(8_000);
  assert.deepEqual([active, most()], [['b'], 1]);
  cut = false;
  await clock.advance(10_000);
  assert.deepEqual(active, ['b'], 'the old leader stays a candidate');
  assert.equal(store.snapshot().get(leaseKind, 'l', 'kube-system')?.spec?.leaseTransitions, 1);
  await Promise.all([a.close(), b.close()]);
});

test('a write that hangs does not keep a leader in office', async () => {
  const { clock, store, active, join } = lab();
  let hang = false;
  const a = join('a', { ...store, write: (write) => (hang ? new Promise(() => {}) : store.write(write)) });
  await clock.advance(1_000);
  hang = true;
  await clock.advance(12_000);
  assert.deepEqual([active, a.leads()], [[], false]);
});
