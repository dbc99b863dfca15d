// Random worlds for the judges, in the words of scenario files, so that a failing one is a new scenario.
import fc from 'fast-check';
import { dump } from 'js-yaml';
import { deriveSlices } from './derive-slices.ts';
import { type PacketLine, parsePacketLine } from './packet-lines.ts';
import { type ShortObject, toManifests } from './short-objects.ts';
import { createStagehand, fixtureOf, type Stage } from './stage.ts';

export interface RandomWorld {
  readonly objects: readonly ShortObject[];
  readonly packets: readonly string[];
}

const spaces = ['x', 'y', 'z'];
const names = ['a', 'b', 'c'];
const pods = spaces.flatMap((space) => names.map((name) => `${space}/${name}`));
const hosts = ['ext1', 'ext2', 'ext3'];
const nodes = ['node node1', 'node node2'];
const pick = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const lean = <T extends object>(object: T): T => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;

const podSelector = fc.oneof(
  fc.constant({}),
  pick(names).map((pod) => ({ matchLabels: { pod } })),
  fc.subarray(names, { minLength: 1 }).map((values) => ({ matchExpressions: [{ key: 'pod', operator: 'NotIn', values }] })),
);
const namespaceSelector = fc.oneof(
  fc.constant({}),
  pick(spaces).map((ns) => ({ matchLabels: { ns } })),
  fc.subarray(spaces, { minLength: 1 }).map((values) => ({ matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values }] })),
);
const ipBlock = pick([
  { cidr: '172.17.0.0/16' },
  { cidr: '172.17.0.0/16', except: ['172.17.1.0/24'] },
  { cidr: '0.0.0.0/0', except: ['10.244.1.0/24', '8.8.8.8/32'] },
  { cidr: '10.244.0.0/16', except: ['10.244.1.16/28', '10.244.2.16/28'] },
  { cidr: '192.168.0.2/32' },
  { cidr: '::/0' },
  { cidr: 'fd00:10:244:1::/64', except: ['fd00:10:244:1::10/124'] },
]);
const peer = fc.oneof(
  podSelector.map((selector) => ({ podSelector: selector })),
  namespaceSelector.map((selector) => ({ namespaceSelector: selector })),
  fc.record({ podSelector, namespaceSelector }),
  ipBlock.map((block) => ({ ipBlock: block })),
);
const port = pick([
  { port: 80 },
  { port: 81, protocol: 'TCP' },
  { protocol: 'UDP' },
  { port: 80, endPort: 81 },
  { port: 'serve-81-tcp' },
  { port: 'serve-80-udp', protocol: 'UDP' },
]);
const rules = (side: 'from' | 'to'): fc.Arbitrary<object[]> =>
  fc.array(fc.record({ [side]: fc.array(peer, { maxLength: 2 }), ports: fc.array(port, { maxLength: 2 }) }, { requiredKeys: [] }), { maxLength: 2 });

const policy = (index: number): fc.Arbitrary<ShortObject> =>
  fc
    .record({ space: pick(spaces), podSelector, ingress: maybe(rules('from')), egress: maybe(rules('to')), policyTypes: maybe(fc.subarray(['Ingress', 'Egress'], { minLength: 1 })) })
    .map(({ space, ...spec }) => lean({ policy: `${space}/p${index}`, ...spec }));

const service = (index: number): fc.Arbitrary<ShortObject> =>
  fc
    .record({
      selects: pick([...names, 'h']).map((pod) => ({ pod })),
      target: pick([80, 81, 'serve-81-tcp']),
      families: pick([[4], [6], [4, 6]]),
      external: fc.boolean(),
      balancer: fc.boolean(),
      internalTrafficPolicy: pick([undefined, 'Local']),
      externalTrafficPolicy: pick([undefined, 'Local']),
      trafficDistribution: pick([undefined, 'PreferClose']),
      sessionAffinity: pick([undefined, undefined, 'ClientIP']),
      publishNotReadyAddresses: pick([undefined, undefined, true]),
      protocol: pick([undefined, undefined, undefined, 'UDP', 'SCTP']),
      loadBalancerSourceRanges: pick([undefined, ['172.17.0.0/16'], ['10.244.0.0/16', '::/0']]),
    })
    .map(({ external, balancer, loadBalancerSourceRanges, families, ...rest }) => {
      // Addresses of a family the Service lacks are refused, and their problems are another test's matter.
      const v4 = families.includes(4);
      return lean({
        service: `x/s${index}`,
        port: 80,
        nodePort: 30_080 + index,
        families,
        ...rest,
        externalIPs: external && v4 ? [`198.51.100.${32 + index}`] : undefined,
        balancer: balancer && v4 ? [`198.51.100.${index}`] : undefined,
        loadBalancerSourceRanges: balancer && v4 ? loadBalancerSourceRanges : undefined,
      });
    });

/** Endpoints that nobody's controller wrote: machines outside, addresses without a pod, one beside the made ones. */
const slice = (services: readonly ShortObject[]): fc.Arbitrary<ShortObject[]> =>
  services.length === 0
    ? fc.constant([])
    : fc
        .record({ of: pick(services).map((chosen): string => chosen['service']), endpoints: fc.subarray(['172.17.0.5', '10.244.1.99', '203.0.113.77', '192.168.0.2'], { minLength: 1 }) })
        .map(({ of, endpoints }) => [{ slice: 'x/by-hand', of: of.slice(2), ports: [{ name: '', port: 80, protocol: 'TCP' }], endpoints: endpoints.map((ip) => ({ addresses: [ip], ...(ip === '10.244.1.99' ? { nodeName: 'node1' } : {}) })) }]);

const podChange: fc.Arbitrary<ShortObject> = fc
  .record({ pod: pick(pods), ready: pick([true, false]), terminating: pick([true, false]), phase: pick(['Running', 'Running', 'Succeeded']), hostPorts: pick([undefined, ['80=80'], ['81=80', '[fd00:192:168::1]:82=81'], ['30080=81', '192.168.0.2:80=81'], ['80=81/UDP']]) })
  .map((change) => ({ ...lean(change), ...(change.phase === 'Running' ? {} : { ready: false }) }));
const zones = fc.record({ node1: pick(['', 'east', 'west']), node2: pick(['east', 'west']) }).map(({ node1, node2 }): ShortObject[] => [
  { node: 'node1', zone: node1 },
  { node: 'node2', zone: node2 },
]);

/** Families must fit: what a name has no address for in a family is not asked. */
const packet = (services: readonly ShortObject[]): fc.Arbitrary<string> => {
  const plain = fc.record({
    source: pick([...pods, ...pods, ...hosts, ...nodes, 'x/h']),
    target: pick([...pods, ...pods, ...nodes, 'ext3', 'x/h']),
    port: pick([80, 80, 81, 82, 30_080, 30_081, 30_082]),
    flags: pick(['', '', ' udp', ' sctp', ' icmp', ' v6', ' udp v6']),
  });
  const direct = plain.map(({ source, target, port, flags }) => `${source} -> ${target}:${port}${flags}`);
  const toService = (chosen: ShortObject): fc.Arbitrary<string> =>
    fc
      .record({ source: pick([...pods, ...nodes, ...hosts]), via: pick(['node1', 'node2']), port: pick([80, 80, 80, 81]), flag: pick(['', '', '', ' udp', ' icmp']), front: pick([chosen['service'], ...(chosen['externalIPs'] ?? []), ...(chosen['balancer'] ?? [])]) })
      .map(({ source, via, port, front, flag }) => {
        const v6 = front === chosen['service'] && chosen['families'][0] === 6 ? ' v6' : '';
        return `${source}${hosts.includes(source) ? ` via ${via}` : ''} -> ${front}:${port}${flag || protocolFlag(chosen)}${v6}`;
      });
  return services.length === 0 ? direct : fc.oneof(direct, pick(services).chain(toService));
};

export const randomWorld: fc.Arbitrary<RandomWorld> = fc
  .record({
    policies: fc.nat({ max: 4 }).chain((count) => fc.tuple(...Array.from({ length: count }, (_, i) => policy(i)))),
    services: fc.nat({ max: 3 }).chain((count) => fc.tuple(...Array.from({ length: count }, (_, i) => service(i)))),
    changes: fc.array(podChange, { maxLength: 4 }),
    zones: maybe(zones),
  })
  .chain(({ policies, services, changes, zones }) =>
    fc
      .record({ packets: fc.array(packet(services), { minLength: 1, maxLength: 8 }), slices: maybe(slice(services)) })
      .map(({ packets, slices }) => ({ objects: [...(zones ?? []), ...changes, ...policies, ...services, ...(slices ?? [])], packets: packets.filter((line) => hasBothFamilies(line) && !isToItself(line)) })),
  );

const protocolFlag = ({ protocol }: ShortObject): string => (protocol ? ` ${String(protocol).toLowerCase()}` : '');

/** What a machine outside says to itself is none of the cluster's business. */
const isToItself = (line: string): boolean => /^(ext\d)\b.* -> \1\b/.test(line);
const hasBothFamilies = (line: string): boolean => !(line.endsWith(' v6') && line.includes('198.51.100.'));

export const linesOf = ({ packets }: RandomWorld): PacketLine[] => packets.flatMap(parsePacketLine);

const fixture = fixtureOf('policies');

/** All random worlds grow from the policies' fixture. */
export function stageOfWorld(world: RandomWorld): Stage {
  const objects = toManifests(world.objects, fixture.objects);
  return createStagehand(fixture).show([...objects, ...deriveSlices(objects)]);
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
  const scenario = dump({ about: 'A random world on which the judges disagreed', world: 'policies', objects: world.objects, packets }, { lineWidth: 160, noRefs: true });
  return [line.text, ...[...said].map(([judge, answers]) => `${judge}: ${printAnswers(answers)}`), '---', scenario].join('\n');
}
