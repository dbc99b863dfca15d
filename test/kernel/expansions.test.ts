// The same world reached by other ways, in the kernel: whatever happened before, rules, routes and answers must end the
// same as on a kernel that knew nothing. A handful of scenarios, the richest ones.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { NetworkModel } from '../../src/model/network-model.ts';
import { DriverError } from '../../src/node/linux/driver.ts';
import { wiringOf } from '../../src/node/linux/wiring.ts';
import { expansions } from '../scenarios/run/expansions.ts';
import { type Moment, momentsOf } from '../scenarios/run/run-scenario.ts';
import { readScenario } from '../scenarios/run/scenario.ts';
import { createStagehand, fixtureOf, type Stage } from '../scenarios/run/stage.ts';
import { kernelComplaints } from './judge/kernel-judge.ts';
import { readKernelState } from './judge/kernel-state.ts';
import { buildRealWorld, type NodeHands, type RealWorld } from './judge/real-world.ts';
import type { RulesBy } from './judge/rule-hands.ts';

const nft: readonly RulesBy[] = ['netlink', 'text'];
const runs: readonly { file: string; ways: readonly RulesBy[] }[] = [
  { file: 'services/dual-stack.yaml', ways: nft },
  { file: 'services/load-balancer-local.yaml', ways: nft },
  { file: 'policies/npt-23-named-ports.yaml', ways: nft },
  { file: 'policies/npt-40-worked-example.yaml', ways: nft },
  { file: 'services/load-balancer-local.yaml', ways: ['iptables'] },
  { file: 'policies/npt-23-named-ports.yaml', ways: ['iptables'] },
];

type State = Map<string, string[]>;

async function readStates({ nodes }: RealWorld): Promise<State> {
  return new Map(await Promise.all([...nodes].map(async ([name, hands]) => [name, await readKernelState(hands)] as const)));
}

/** A wish that the kernel takes half of: one route leads nowhere, one rule jumps to a chain that is not there. */
async function refuseOnce({ rules, wiring, renderWiring }: NodeHands, model: NetworkModel): Promise<void> {
  const wired = renderWiring(model);
  const { routes } = wiringOf({ routes: [{ prefix: '203.0.113.128/25', via: '203.0.113.254', link: 'eth0' }] });
  await assert.rejects(wiring.apply({ ...wired, routes: new Map([...routes, ...wired.routes]) }), DriverError);
  await rules.refuse(model);
}

interface Way {
  readonly name: string;
  travel(world: RealWorld, stages: readonly Stage[]): Promise<void>;
}

async function showAll(world: RealWorld, stages: readonly Stage[]): Promise<void> {
  for (const stage of stages) await world.show(stage);
}

/** Through the stages of growing. */
const ways: readonly Way[] = [
  {
    name: 'restarted in the middle',
    async travel(world, stages) {
      const middle = Math.floor(stages.length / 2);
      await showAll(world, stages.slice(0, middle));
      await world.restart();
      await showAll(world, stages.slice(middle));
    },
  },
  {
    name: 'one call in ten refused, and tried again',
    async travel(world, stages) {
      for (const [index, stage] of stages.entries()) {
        if (index % 10 === 9 || index === stages.length - 1) for (const [name, model] of stage.models) await refuseOnce(world.nodes.get(name)!, model);
        await world.show(stage);
      }
    },
  },
];

const inKernel = expansions.filter(({ name }) => ['in reverse order', 'deleted and added again, one by one'].includes(name));

for (const [index, { file, ways: by }] of runs.entries()) {
  describe(`${file} by ${by.join(' and ')}`, () => {
    const scenario = readScenario(join(import.meta.dirname, '../scenarios', file));
    const fixture = fixtureOf(scenario.world);
    const last = [...momentsOf(scenario)].at(-1) as Moment;
    const expected: State = new Map();
    let world: RealWorld;

    async function sameEnd(): Promise<void> {
      assert.deepEqual(await readStates(world), expected);
      assert.deepEqual(await kernelComplaints(world, last.stage, last.step.packets), []);
    }

    before(async () => {
      world = buildRealWorld(`ways-${index}`, fixture, createStagehand(fixture).show(fixture.objects), { ways: by });
      await world.show(last.stage);
      for (const [name, state] of await readStates(world)) expected.set(name, state);
    });
    after(() => world.close());

    test('the fresh kernel answers as the scenario says', sameEnd);

    for (const { name, history } of inKernel) {
      test(name, async () => {
        const stagehand = createStagehand(fixture, scenario.scope);
        await showAll(world, history(last.stage.objects).map((objects) => stagehand.show(objects)));
        await sameEnd();
      });
    }

    for (const { name, travel } of ways) {
      test(name, async () => {
        const stagehand = createStagehand(fixture, scenario.scope);
        const { objects } = last.stage;
        await travel(world, objects.map((_, count) => stagehand.show(objects.slice(0, count + 1))));
        await sameEnd();
      });
    }
  });
}
