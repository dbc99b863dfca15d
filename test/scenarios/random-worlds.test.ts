// Random worlds: every judge and the reference must give the same answers, and every way to a world the same model.
// SEED repeats a run, RUNS sets its length.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { judges } from './run/judges.ts';
import { probeOf } from './run/packet-lines.ts';
import { type RandomWorld, linesOf, printWorld, randomWorld } from './run/random-world.ts';
import { referenceJudge } from './run/reference.ts';
import { playExpansions } from './run/run-scenario.ts';
import { deriveSlices } from './run/derive-slices.ts';
import { toManifests } from './run/short-objects.ts';
import { type Stage, createStagehand, fixtureOf } from './run/stage.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000_000);
const numRuns = Number(process.env['RUNS'] ?? 300);
const fixture = fixtureOf('policies');

function stageOf(world: RandomWorld): Stage {
  const objects = toManifests(world.objects, fixture.objects);
  return createStagehand(fixture).show([...objects, ...deriveSlices(objects)]);
}

const sorted = (answers: ReadonlySet<string>): string => [...answers].sort().join(' | ');

test(`NPT-73, PROXY-79: all judges agree on random worlds (SEED=${seed} RUNS=${numRuns})`, async () => {
  const property = fc.asyncProperty(randomWorld, async (world) => {
    const stage = stageOf(world);
    for (const line of linesOf(world)) {
      const probe = probeOf(line, stage);
      const said = await Promise.all([...judges, referenceJudge].map(async (judge) => `${judge.name}: ${sorted(await judge.ask(stage, probe))}`));
      const answers = new Set(said.map((text) => text.slice(text.indexOf(': '))));
      const text = printWorld({ ...world, packets: [line.text] }, new Map([[line.text, (said[0] ?? '').replace(/^.*?: /, '')]]));
      assert.equal(answers.size, 1, `${line.text}\n${said.join('\n')}\n---\n${text}`);
    }
  });
  await fc.assert(property, { seed, numRuns });
});

test(`whatever way the objects of a random world come, the model is the same (SEED=${seed})`, () => {
  const property = fc.property(randomWorld, (world) => {
    playExpansions({ about: 'random', world: 'policies', scope: {}, steps: [] }, stageOf(world));
  });
  fc.assert(property, { seed, numRuns: Math.ceil(numRuns / 20) });
});
