import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createManualClock } from '../../base/run/clock.ts';
import { ApiError } from '../meaning/api-error.ts';
import type { WatchEvent } from './store.ts';
import { wakeOnChange } from './wake-on-change.ts';

type Watch = () => AsyncGenerator<WatchEvent>;

/** A store whose watches go one after the other as told; the last one lasts. */
function follow(...watches: Watch[]) {
  const clock = createManualClock();
  const seen = { watched: 0, woken: 0 };
  const store = {
    snapshot: () => ({ revision: 1 }) as never,
    watch(_kinds: unknown, _since: number, stop: AbortSignal): AsyncIterable<WatchEvent> {
      const next = watches[seen.watched++];
      return next ? next() : lasting(stop);
    },
  };
  const stop = wakeOnChange(store, [], { wake: () => void seen.woken++ }, clock);
  return { clock, seen, stop };
}

// oxlint-disable-next-line require-yield -- nothing happens in it until it is stopped
async function* lasting(stop: AbortSignal): AsyncGenerator<WatchEvent> {
  await new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve()));
}
// oxlint-disable-next-line require-yield -- it breaks before
async function* breaking(error: Error): AsyncGenerator<WatchEvent> {
  throw error;
}
const event = {} as WatchEvent;

test('wakes at the start and at every change', async () => {
  const { clock, seen, stop } = follow(async function* () {
    yield event;
    yield event;
    await new Promise(() => {});
  });
  await clock.advance(0);
  assert.deepEqual(seen, { watched: 1, woken: 3 });
  stop();
});

test('a watch that fell behind begins again at once, with a wake for what it missed', async () => {
  const { clock, seen, stop } = follow(() => breaking(new ApiError(410, 'Expired', 'too old')));
  await clock.advance(0);
  assert.deepEqual(seen, { watched: 2, woken: 2 });
  stop();
});

test('a watch that breaks or ends begins again a little later, not in a hurry', async () => {
  const { clock, seen, stop } = follow(
    () => breaking(new Error('the API is gone')),
    async function* () {},
  );
  await clock.advance(0);
  assert.equal(seen.watched, 1);
  await clock.advance(100);
  assert.equal(seen.watched, 2);
  await clock.advance(100);
  assert.deepEqual(seen, { watched: 3, woken: 3 });
  stop();
  await clock.advance(1000);
  assert.equal(seen.watched, 3);
  assert.equal(clock.pending(), 0);
});
