// Random worlds put to the real kernel, one after the other on the same machine.
// SEED repeats a run, KERNEL_RUNS sets its length; of three nodes one has netlink's rules, one nft's, one iptables', unless
// KERNEL_RULES names one of them for all. A failing world is shrunk and printed as a scenario to keep.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { modelJudge, outcomesOf } from '../scenarios/run/judges.ts';
import { type PacketLine, probeOf } from '../scenarios/run/packet-lines.ts';
import { complaintOf, linesOf, randomFixture, randomWorld, stageOfWorld } from '../scenarios/random/random-world.ts';
import { fixtureOf, type Stage } from '../scenarios/run/stage.ts';
import { askKernel, canSend } from './judge/kernel-judge.ts';
import { buildRealWorld, type RealWorld } from './judge/real-world.ts';
import type { RulesBy } from './judge/rule-hands.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000_000);
const numRuns = Number(process.env['KERNEL_RUNS'] ?? 10);

const ways = process.env['KERNEL_RULES'] ? [process.env['KERNEL_RULES'] as RulesBy] : (['netlink', 'text', 'iptables'] as const);

/**
 * What a node only forwards is answered past it. It then sees half a TCP connection, which it drops as invalid (NP-42);
 * the judges speak of first packets only.
 */
function isOneWayTcp(stage: Stage, line: PacketLine): boolean {
  const probe = probeOf(line, stage);
  const leaves = outcomesOf(stage, probe).flatMap(({ trace: { hops } }) => {
    const elsewhere = hops.findIndex(({ node }) => node !== line.via);
    return hops[(elsewhere < 0 ? hops.length : elsewhere) - 1] ?? [];
  });
  return line.via !== undefined && line.protocol === 'TCP' && leaves.some(({ at, packet }) => at !== 'service' && packet.destination === probe.packet.destination);
}

let real: RealWorld;
before(() => {
  real = buildRealWorld('random-worlds', fixtureOf(randomFixture), stageOfWorld({ scope: {}, objects: [], packets: [] }), { ways });
});
after(() => real.close());

test(`NPT-73, PROXY-79: the kernel agrees with the model on random worlds (SEED=${seed} KERNEL_RUNS=${numRuns})`, async () => {
  const property = fc.asyncProperty(randomWorld, async (world) => {
    const stage = stageOfWorld(world);
    await real.show(stage);
    const possible = linesOf(world, stage).filter((line) => canSend(real, stage, line) && !isOneWayTcp(stage, line));
    const questions = await Promise.all(possible.map(async (line) => ({ line, expected: await modelJudge.ask(stage, probeOf(line, stage)) })));
    const answers = await askKernel(real, stage, questions);
    const complaints = questions.map(({ line, expected }, index) => complaintOf(world, line, new Map([['model', expected], ['kernel', answers[index]!]])));
    assert.equal(complaints.filter(Boolean).join('\n'), '');
  });
  await fc.assert(property, { seed, numRuns });
});
