import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createManualClock } from './clock.ts';
import { createPace } from './pace.ts';

test('two at once, then one a second; what was not used up to two is kept', async () => {
  const clock = createManualClock();
  const pace = createPace(clock, { everyMs: 1000, burst: 2 });
  assert.deepEqual([pace.take(), pace.take(), pace.take()], [0, 0, 1000]);
  await clock.advance(400);
  assert.equal(pace.take(), 600);
  await clock.advance(600);
  assert.deepEqual([pace.take(), pace.take()], [0, 1000]);
  await clock.advance(60_000);
  assert.deepEqual([pace.take(), pace.take(), pace.take()], [0, 0, 1000]);
});
