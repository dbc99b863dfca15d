// Random worlds: every judge and the reference must give the same answers, and every way to a world the same model.
// SEED repeats a run, RUNS sets its length; `npm run soak` is the long one. The kernel's turn is in test/kernel.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { judges } from './run/judges.ts';
import { probeOf } from './run/packet-lines.ts';
import { complaintOf, linesOf, randomWorld, stageOfWorld } from './run/random-world.ts';
import { referenceJudge } from './run/reference.ts';
import { playExpansions } from './run/run-scenario.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000_000);
const numRuns = Number(process.env['RUNS'] ?? 500);

test(`NPT-73, PROXY-79: all judges agree on random worlds (SEED=${seed} RUNS=${numRuns})`, async () => {
  const property = fc.asyncProperty(randomWorld, async (world) => {
    const stage = stageOfWorld(world);
    for (const line of linesOf(world)) {
      const probe = probeOf(line, stage);
      const said = await Promise.all([...judges, referenceJudge].map(async (judge) => [judge.name, await judge.ask(stage, probe)] as const));
      assert.equal(complaintOf(world, line, new Map(said)), '');
    }
  });
  await fc.assert(property, { seed, numRuns });
});

test(`whatever way the objects of a random world come, the model is the same (SEED=${seed})`, async () => {
  const property = fc.asyncProperty(randomWorld, async (world) => {
    await playExpansions({ about: 'random', world: 'policies', scope: {}, elsewhere: {}, steps: [] }, stageOfWorld(world));
  });
  await fc.assert(property, { seed, numRuns: Math.ceil(numRuns / 20) });
});
