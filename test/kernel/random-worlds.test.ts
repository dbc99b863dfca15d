// Random worlds put to the real kernel, one after the other on the same machine.
// SEED repeats a run, KERNEL_RUNS sets its length; a failing world is shrunk and printed as a scenario to keep.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { modelJudge } from '../scenarios/run/judges.ts';
import { probeOf } from '../scenarios/run/packet-lines.ts';
import { complaintOf, linesOf, randomWorld, stageOfWorld } from '../scenarios/run/random-world.ts';
import { fixtureOf } from '../scenarios/run/stage.ts';
import { askKernel, canSend } from './judge/kernel-judge.ts';
import { buildRealWorld, type RealWorld } from './judge/real-world.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000_000);
const numRuns = Number(process.env['KERNEL_RUNS'] ?? 10);

let real: RealWorld;
before(() => {
  real = buildRealWorld('random-worlds', fixtureOf('policies'), stageOfWorld({ objects: [], packets: [] }));
});
after(() => real.close());

test(`NPT-73, PROXY-79: the kernel agrees with the model on random worlds (SEED=${seed} KERNEL_RUNS=${numRuns})`, async () => {
  const property = fc.asyncProperty(randomWorld, async (world) => {
    const stage = stageOfWorld(world);
    await real.show(stage);
    const lines = linesOf(world).filter((line) => canSend(real, stage, line));
    const expected = await Promise.all(lines.map((line) => modelJudge.ask(stage, probeOf(line, stage))));
    const answers = await askKernel(real, stage, lines.map((line, index) => ({ line, expected: expected[index]! })));
    const complaints = lines.map((line, index) => complaintOf(world, line, new Map([['model', expected[index]!], ['kernel', answers[index]!]])));
    assert.equal(complaints.filter(Boolean).join('\n'), '');
  });
  await fc.assert(property, { seed, numRuns });
});
