// Every Service scenario once more on the real kernel, its pods and nodes speaking as processes that are balanced when
// they connect: the answers must be those of nftables.
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { momentsOf, printMoment } from '../scenarios/run/run-scenario.ts';
import { readScenario } from '../scenarios/run/scenario.ts';
import { createStagehand, fixtureOf } from '../scenarios/run/stage.ts';
import { answersByConnect, whyNoConnectTime } from './judge/connect-support.ts';
import { kernelComplaints } from './judge/kernel-judge.ts';
import { buildRealWorld, type RealWorld } from './judge/real-world.ts';

const folder = join(import.meta.dirname, '../scenarios');
const files = globSync(['services/*.yaml', 'policies/*-services.yaml', 'policies/*-host-network.yaml'], { cwd: folder }).sort();
const scenarios = files.map((file) => ({ file, scenario: readScenario(join(folder, file)) }));
const why = await whyNoConnectTime();

for (const [name, chosen] of Map.groupBy(scenarios, ({ scenario }) => scenario.world)) {
  describe(`processes balanced when they connect, in the world ${name}${why === undefined ? '' : ` (skipped: ${why})`}`, { skip: why !== undefined }, () => {
    const fixture = fixtureOf(name);
    let world: RealWorld;
    before(() => {
      world = buildRealWorld(`connect-${name}`, fixture, createStagehand(fixture).show(fixture.objects), { balanced: true });
    });
    after(() => world.close());

    for (const { file, scenario } of chosen) {
      test(`${file}: ${scenario.about}`, async () => {
        for (const moment of momentsOf(scenario)) {
          const { stage, step } = moment;
          await world.show(stage);
          const lines = step.packets.map((line) => ({ ...line, answers: answersByConnect(line, stage) }));
          const complaints = await kernelComplaints(world, stage, lines);
          assert.deepEqual(complaints, [], [printMoment(scenario, moment), ...complaints].join('\n'));
        }
      });
    }
  });
}
