import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createManualClock } from './clock.ts';
import { createPace } from './pace.ts';
import { backoffMs, Loop } from './loop.ts';

test('many wakes while a turn runs make exactly one more turn', async () => {
  const clock = createManualClock();
  let turns = 0;
  const gate = Promise.withResolvers<void>();
  const loop = new Loop({
    clock,
    turn: async () => {
      turns++;
      if (turns === 1) await gate.promise;
      return { revision: turns };
    },
  });
  loop.wake();
  loop.wake();
  await clock.advance(0);
  loop.wake();
  loop.wake();
  gate.resolve();
  await loop.settled(2);
  await clock.advance(60_000);
  assert.equal(turns, 2);
  await loop.close();
});

test('a failed turn is repeated after growing pauses until it succeeds, and only then is the revision settled', async () => {
  const clock = createManualClock();
  const at: number[] = [];
  const start = clock.now().getTime();
  const failures: number[] = [];
  const loop = new Loop({
    clock,
    random: () => 1,
    firstPauseMs: 100,
    turn: async () => {
      at.push(clock.now().getTime() - start);
      if (at.length < 4) throw new Error('machine refuses');
      return { revision: 7 };
    },
    onFailure: (_error, count) => failures.push(count),
  });
  let settled = false;
  loop.wake();
  void loop.settled(7).then(() => (settled = true));
  await clock.advance(299);
  assert.equal(settled, false);
  await clock.advance(1000);
  assert.deepEqual(at, [0, 100, 300, 700]);
  assert.deepEqual(failures, [1, 2, 3]);
  assert.equal(settled, true);
  assert.equal(clock.pending(), 0);
  await loop.close();
});

test('a wake during a retry pause does not shorten the pause', async () => {
  const clock = createManualClock();
  let turns = 0;
  const loop = new Loop({
    clock,
    random: () => 1,
    firstPauseMs: 100,
    turn: async () => {
      turns++;
      throw new Error('still');
    },
  });
  loop.wake();
  await clock.advance(0);
  loop.wake();
  await clock.advance(99);
  assert.equal(turns, 1);
  await clock.advance(1);
  assert.equal(turns, 2);
  await loop.close();
});

test('a turn that asks to be called again later is, and closing cancels it', async () => {
  const clock = createManualClock();
  let turns = 0;
  const loop = new Loop({ clock, turn: async () => ({ revision: ++turns, againAfterMs: 1000 }) });
  loop.wake();
  await clock.advance(2500);
  assert.equal(turns, 3);
  const never = loop.settled(99);
  await loop.close();
  await assert.rejects(never, /closed/);
  assert.equal(clock.pending(), 0);
});

test('retry pauses double up to the longest and keep at least half of themselves', () => {
  assert.deepEqual(
    [1, 2, 3, 8, 40].map((failures) => backoffMs(failures, () => 0, 50, 5000)),
    [25, 50, 100, 2500, 2500],
  );
});

test('PROXY-10: a hundred wakes in a second make two turns of a loop that may turn once a second, and none is lost', async () => {
  const clock = createManualClock();
  const turns: number[] = [];
  const loop = new Loop({ clock, pace: createPace(clock, { everyMs: 1000, burst: 2 }), turn: async () => ({ revision: turns.push(clock.now().getTime()) }) });
  const startMs = clock.now().getTime();
  for (let wake = 0; wake < 100; wake++) {
    loop.wake();
    await clock.advance(9);
  }
  assert.equal(turns.length, 2);
  await clock.advance(2000);
  assert.deepEqual(turns.map((ms) => ms - startMs), [0, 9, 1000]);
  await loop.close();
  assert.equal(clock.pending(), 0);
});
