// Every scenario file put to the third judge, the real kernel: one machine a world, changed from scenario to scenario.
// Nodes with nftables play all of them, nodes with iptables every third; KERNEL_RULES=iptables makes these play all alone.
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { momentsOf, printMoment } from '../scenarios/run/run-scenario.ts';
import { readScenario } from '../scenarios/run/scenario.ts';
import { createStagehand, fixtureOf } from '../scenarios/run/stage.ts';
import { kernelComplaints } from './judge/kernel-judge.ts';
import { buildRealWorld, type RealWorld } from './judge/real-world.ts';
import type { RulesBy } from './judge/rule-hands.ts';

const folder = join(import.meta.dirname, '../scenarios');
const files = globSync('**/*.yaml', { cwd: folder }).sort();
const scenarios = files.map((file) => ({ file, scenario: readScenario(join(folder, file)) }));

test('no scenario is without packets for the kernel', () => {
  const silent = scenarios.filter(({ scenario }) => scenario.steps.every(({ packets }) => packets.length === 0));
  // Names only: DNS is asked by its own judges.
  assert.deepEqual(silent.filter(({ scenario }) => scenario.steps.every(({ names }) => names.length === 0)).map(({ file }) => file), []);
});

const onlyIptables = process.env['KERNEL_RULES'] === 'iptables';
const plays: readonly { ways: readonly RulesBy[]; share: typeof scenarios }[] = [
  { ways: ['netlink', 'text'], share: onlyIptables ? [] : scenarios },
  { ways: ['iptables'], share: scenarios.filter((_, index) => onlyIptables || index % 3 === 0) },
];

for (const { ways, share } of plays) {
  for (const [name, chosen] of Map.groupBy(share, ({ scenario }) => scenario.world)) {
    describe(`KPX-28: the kernel in the world ${name}, rules by ${ways.join(' and ')}`, () => {
      const fixture = fixtureOf(name);
      let world: RealWorld;
      before(() => {
        world = buildRealWorld(`judge-${name}`, fixture, createStagehand(fixture).show(fixture.objects), { ways });
      });
      after(() => world.close());

      for (const { file, scenario } of chosen) {
        test(`${file}: ${scenario.about}`, async () => {
          for (const moment of momentsOf(scenario)) {
            const { stage, step } = moment;
            await world.show(stage);
            const complaints = await kernelComplaints(world, stage, step.packets);
            assert.deepEqual(complaints, [], [printMoment(scenario, moment), ...complaints].join('\n'));
          }
        });
      }
    });
  }
}
