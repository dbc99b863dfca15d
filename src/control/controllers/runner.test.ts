import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createManualClock } from '../../base/run/clock.ts';
import { configMapKind } from '../../kube/kinds/config-map.ts';
import { kinds } from '../../kube/kinds/kinds.ts';
import { podKind } from '../../kube/kinds/pod.ts';
import { conflictError, internalError } from '../../kube/meaning/api-error.ts';
import type { ConfigMap } from '../../kube/objects/core.ts';
import { createMemoryStore } from '../../kube/store/embedded.ts';
import type { ObjectStore, Write } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';
import { startControllers } from './runner.ts';
import { create } from './writes.ts';

const map = (name: string): ConfigMap => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } });

/** Wants every ConfigMap `x` to have a `copy-of-x`. */
const copier: Controller = {
  name: 'copier',
  reads: [configMapKind],
  decide: (seen) =>
    seen.list(configMapKind).flatMap(({ metadata: { name } }) => {
      const isCopied = name.startsWith('copy-of-') || seen.get(configMapKind, `copy-of-${name}`, 'default');
      return isCopied ? [] : [create(map(`copy-of-${name}`))];
    }),
};

interface Room {
  store: ObjectStore;
  clock: ReturnType<typeof createManualClock>;
  names(): string[];
}

/** `refuse` may throw for a write before the store sees it. */
async function run(controllers: readonly Controller[], body: (room: Room) => Promise<void>, refuse: (write: Write) => void = () => {}): Promise<void> {
  const inner = createMemoryStore(kinds);
  const store: ObjectStore = {
    ...inner,
    write: async (write) => {
      refuse(write);
      return inner.write(write);
    },
  };
  const clock = createManualClock();
  const running = startControllers({ store, controllers, clock, random: () => 0 });
  try {
    await body({ store: inner, clock, names: () => inner.snapshot().list(configMapKind).map(({ metadata }) => metadata.name) });
  } finally {
    await running.close();
    await inner.close();
  }
  assert.equal(clock.pending(), 0, 'no timer is left');
}

test('a change wakes those who read its kind, and what they wish is written', async () => {
  await run([copier], async ({ store, clock, names }) => {
    await store.write(create(map('a')));
    await clock.advance(0);
    assert.deepEqual(names(), ['a', 'copy-of-a']);
  });
});

test('a controller is left alone while nothing that it reads changes', async () => {
  let looked = 0;
  const watcher: Controller = { name: 'watcher', reads: [podKind], decide: () => (looked++, []) };
  await run([watcher, copier], async ({ store, clock }) => {
    await clock.advance(0);
    assert.equal(looked, 1);
    await store.write(create(map('a')));
    await clock.advance(0);
    assert.equal(looked, 1);
  });
});

test('one that reads nothing is asked once, then when it wants to be', async () => {
  let looked = 0;
  const sweeper: Controller = { name: 'sweeper', reads: [], decide: () => (looked++, []), wakeAfterMs: () => 60_000 };
  await run([sweeper, copier], async ({ store, clock }) => {
    await store.write(create(map('a')));
    await clock.advance(59_000);
    assert.equal(looked, 1);
    await clock.advance(1_000);
    assert.equal(looked, 2);
  });
});

test('a refused write is tried again after a pause; a lost race is not even mentioned', async () => {
  const errors = [internalError('the disk is full'), conflictError(configMapKind, 'copy-of-a')];
  await run([copier], async ({ store, clock, names }) => {
    await store.write(create(map('a')));
    await clock.advance(0);
    assert.deepEqual(names(), ['a']);
    await clock.advance(50);
    assert.deepEqual(names(), ['a'], 'the race: somebody else’s change will wake us');
    await store.write(create(map('b')));
    await clock.advance(0);
    assert.deepEqual(names(), ['a', 'b', 'copy-of-a', 'copy-of-b']);
  }, () => {
    const error = errors.shift();
    if (error) throw error;
  });
});

test('ESL-18: what is refused again and again is tried less and less often, but never given up', async () => {
  const tried: number[] = [];
  let elapsedMs = 0;
  await run([copier], async ({ store, clock }) => {
    await store.write(create(map('a')));
    for (; elapsedMs < 60_000; elapsedMs += 10) await clock.advance(10);
  }, () => {
    tried.push(elapsedMs);
    throw internalError('the disk is full');
  });
  const pauses = tried.slice(1).map((at, i) => at - tried[i]!);
  assert.deepEqual(pauses.slice(0, 3).map((pause) => pause > 0), [true, true, true]);
  assert.deepEqual(pauses, pauses.toSorted((a, b) => a - b), 'each as long as the one before, or longer');
  assert.ok(pauses.at(-1)! > 20 * pauses[0]! && pauses.at(-1)! <= 5_000, `${pauses}`);
});

test('a controller that throws harms nobody else, and is asked again', async () => {
  let failures = 0;
  const broken: Controller = {
    name: 'broken',
    reads: [configMapKind],
    decide() {
      failures++;
      throw new Error('a bug');
    },
  };
  await run([broken, copier], async ({ store, clock, names }) => {
    await store.write(create(map('a')));
    await clock.advance(0);
    assert.deepEqual(names(), ['a', 'copy-of-a']);
    const before = failures;
    await clock.advance(5_000);
    assert.ok(failures > before);
  });
});
