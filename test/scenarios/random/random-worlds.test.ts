// Random worlds: every judge and the reference must give the same answers, and every way to a world the same model.
// SEED repeats a run, RUNS sets its length; `npm run soak` is the long one. The kernel's turn is in test/kernel.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { judges, outcomesOf } from '../run/judges.ts';
import { probeOf } from '../run/packet-lines.ts';
import { playExpansions } from '../run/run-scenario.ts';
import { createCoverage } from './coverage.ts';
import { complaintOf, linesOf, randomFixture, randomWorld, stageOfWorld } from './random-world.ts';
import { referenceJudge } from './reference.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000_000);
const numRuns = Number(process.env['RUNS'] ?? 500);
/** From here on every mix is met so often that one which is missing means that the generator cannot make it. */
const manyRuns = 4000;

test(`NPT-73, PROXY-79: all judges agree on random worlds (SEED=${seed} RUNS=${numRuns})`, async (t) => {
  const coverage = createCoverage();
  const property = fc.asyncProperty(randomWorld, async (world) => {
    const stage = stageOfWorld(world);
    for (const line of linesOf(world, stage)) {
      const probe = probeOf(line, stage);
      const said = await Promise.all([...judges, referenceJudge].map(async (judge) => [judge.name, await judge.ask(stage, probe)] as const));
      assert.equal(complaintOf(world, line, new Map(said)), '');
      coverage.note(stage, probe, outcomesOf(stage, probe));
    }
  });
  await fc.assert(property, { seed, numRuns });
  if (numRuns < manyRuns) return;
  t.diagnostic(coverage.print());
  assert.deepEqual(coverage.missing(), [], 'mixes that the random worlds never made');
});

test(`whatever way the objects of a random world come, the model is the same (SEED=${seed})`, async () => {
  const property = fc.asyncProperty(randomWorld, async (world) => {
    const scenario = { about: 'random', world: randomFixture, scope: world.scope, elsewhere: {}, steps: [] };
    await playExpansions(scenario, stageOfWorld(world));
  });
  await fc.assert(property, { seed, numRuns: Math.ceil(numRuns / 20) });
});
