// Random worlds for the judges, in the words of scenario files, so that a failing one is a new scenario.
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { dump } from 'js-yaml';
import type { Scope } from '../../../src/model/network-model.ts';
import { deriveSlices } from '../run/derive-slices.ts';
import { type PacketLine, parsePacketLine, probeOf } from '../run/packet-lines.ts';
import { type ShortObject, toManifests } from '../run/short-objects.ts';
import { createStagehand, fixtureOf, type Stage } from '../run/stage.ts';
import { lean, maybe, pick, rarely, several } from './arbitraries.ts';
import { hostPartOf, nodeNames, podAddress, podKeys, podNames } from './crowd.ts';
import { randomPackets } from './random-packets.ts';
import { randomPolicy } from './random-policies.ts';
import { randomService, randomSlice } from './random-services.ts';

export interface RandomWorld {
  readonly scope: Partial<Scope>;
  readonly objects: readonly ShortObject[];
  readonly packets: readonly string[];
}

const podChange: fc.Arbitrary<ShortObject> = fc
  .record({
    pod: pick(...podKeys),
    ready: pick(true, false, false),
    terminating: pick(true, false),
    phase: pick('Running', 'Running', 'Running', 'Succeeded', 'Failed'),
    labels: rarely(5, pick<object>({ pod: 'a' }, { pod: 'b', app: 'web', tier: 'back' })),
    only: rarely(5, pick<4 | 6>(4, 6)),
    hostPorts: maybe(pick(['80=80'], ['81=80', '[fd00:192:168::1]:82=81'], ['30080=81', '192.168.0.2:80=81'], ['80=81/UDP'], ['82=80/SCTP'])),
  })
  .map(({ pod, only, ready, phase, ...rest }) => {
    const [space, name] = pod.split('/') as [string, string];
    return lean({ pod, ...rest, phase, ready: ready && phase === 'Running', ips: only && [podAddress(space, name, only)] });
  });

/** Its pod has ended, and another one of that node got its address. */
const recycled: ShortObject[] = [
  { pod: 'x/b', phase: 'Succeeded', ready: false },
  { pod: 'y/b', host: hostPartOf('x', 'b') },
];

/** Pods that still serve while they end; of the others none is ready in two cases of three. */
const rollout: fc.Arbitrary<ShortObject[]> = fc
  .record({ space: pick('x', 'x', 'y'), leaving: fc.subarray([...podNames], { minLength: 1 }), others: pick<object>({}, { ready: false }, { ready: false, terminating: true }) })
  .map(({ space, leaving, others }) => podNames.map((name) => ({ pod: `${space}/${name}`, ...(leaving.includes(name) ? { ready: true, terminating: true } : others) })));

const nodeChange = (name: string): fc.Arbitrary<ShortObject> =>
  fc
    .record({ zone: pick(undefined, 'east', 'east', 'west'), ready: pick(true, true, true, true, false), excluded: rarely(6, fc.constant(true)) })
    .map(({ excluded, zone, ready }) => lean({ node: name, zone, ready, labels: excluded && { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } }));

const scope: fc.Arbitrary<Partial<Scope>> = fc
  .record({ nodePortAddresses: rarely(6, pick(['192.168.0.0/24'], ['192.168.0.1/32', 'fd00:192:168::/64'])), keepsPodSources: rarely(10, fc.constant(true)) })
  .map(lean) as fc.Arbitrary<Partial<Scope>>;

const parts = fc.record({
  scope,
  nodes: maybe(fc.tuple(...nodeNames.map(nodeChange))),
  spaces: rarely(6, fc.constant([{ namespace: 'y', labels: { ns: 'x' } }])),
  changes: fc.array(podChange, { maxLength: 6 }),
  rollout: rarely(4, rollout),
  recycled: rarely(12, fc.constant(recycled)),
  policies: several(0, 4, randomPolicy),
  services: several(0, 3, randomService),
});

export const randomWorld: fc.Arbitrary<RandomWorld> = parts.chain(({ scope, nodes, spaces, changes, rollout, recycled, policies, services }) =>
  fc
    .record({ packets: randomPackets(services), slices: several(0, 2, (index) => randomSlice(index, services)) })
    .map(({ packets, slices }) => ({
      scope,
      objects: [...(nodes ?? []), ...(spaces ?? []), ...changes, ...(rollout ?? []), ...(recycled ?? []), ...policies, ...services, ...slices.flat()],
      packets,
    })),
);

/**
 * Who has no address of the family, because a change took it, can neither be asked nor ask; a pod that has ended sends
 * nothing; and a stranger could not answer a pod that shows its own address.
 */
export const linesOf = ({ packets, scope }: RandomWorld, stage: Stage): PacketLine[] =>
  packets.flatMap(parsePacketLine).filter((line) => {
    if (scope.keepsPodSources && line.target === 'ext3') return false;
    try {
      const { from, packet } = probeOf(line, stage);
      return from.type !== 'pod' || isDeepStrictEqual(stage.world.pods.get(packet.source)?.pod, from.pod);
    } catch (error) {
      if (/ has no IPv[46] address$/.test((error as Error).message)) return false;
      throw error;
    }
  });

export const randomFixture = 'crowd';
const fixture = fixtureOf(randomFixture);

export function stageOfWorld(world: RandomWorld): Stage {
  const objects = toManifests(world.objects, fixture.objects);
  return createStagehand(fixture, world.scope).show([...objects, ...deriveSlices(objects)]);
}

export const printAnswers = (answers: ReadonlySet<string>): string => [...answers].sort().join(' | ');

/**
 * Empty when all judges said the same, else what each said and a scenario file that repeats it, ready to be kept.
 * Its answers are the first judge's: whoever keeps it decides who is right.
 */
export function complaintOf(world: RandomWorld, line: PacketLine, said: ReadonlyMap<string, ReadonlySet<string>>): string {
  const [first, ...others] = [...said.values()].map(printAnswers);
  if (others.every((answer) => answer === first)) return '';
  const packets = [`${line.text} => ${first}`];
  const scenario = dump({ about: 'A random world on which the judges disagreed', world: randomFixture, scope: world.scope, objects: world.objects, packets }, { lineWidth: 160, noRefs: true });
  return [line.text, ...[...said].map(([judge, answers]) => `${judge}: ${printAnswers(answers)}`), '---', scenario].join('\n');
}
