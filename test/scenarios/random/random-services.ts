// Random Services and hand-written slices over the world `crowd`: all types, addresses of every kind in both families,
// contested ones too. Only what the API server would let through: the judges speak of networks, not of refusals.
import fc from 'fast-check';
import type { ShortObject } from '../run/short-objects.ts';
import { lean, maybe, pick, rarely } from './arbitraries.ts';
import { nodeNames, podAddress } from './crowd.ts';

const selectors = pick<Record<string, string>>({ app: 'web' }, { app: 'web' }, { tier: 'front' }, { tier: 'back' }, { pod: 'a' }, { pod: 'h' });
const target = pick<number | string>(80, 81, 'web', 'serve-81-tcp');

/** A Service's ports with the node ports they may get. */
const ports = (index: number): fc.Arbitrary<ShortObject[]> =>
  fc.tuple(pick(0, 0, 1, 2, 3, 4), target).map(([shape, targetPort]) => {
    const nodePort = 30_080 + 10 * index;
    const one = { port: 80, protocol: 'TCP', targetPort, nodePort };
    const shapes: ShortObject[][] = [
      [one],
      [{ ...one, name: 'http' }, { name: 'dns', port: 80, targetPort: 80, protocol: 'UDP', nodePort }],
      [{ ...one, name: 'http' }, { name: 'more', port: 81, targetPort: 81, protocol: 'TCP', nodePort: nodePort + 1 }],
      [{ port: 80, targetPort: 'serve-80-udp', protocol: 'UDP', nodePort }],
      [{ port: 80, targetPort: 80, protocol: 'SCTP', nodePort }],
    ];
    return shapes[shape] ?? [one];
  });

const sourceRanges = pick(['172.17.0.0/16'], ['10.244.0.0/16', '::/0'], ['0.0.0.0/0'], ['2001:db8:17::/64'], ['10.244.1.0/24', '192.168.0.3/32', 'fd00:10:244::/48', '172.17.1.0/24']);

/** Some are shared by all Services, some are those of a node. */
const balancers = (index: number): fc.Arbitrary<ShortObject[]> =>
  fc.subarray<ShortObject>(
    [
      { ip: `198.51.100.${index}` },
      { ip: `2001:DB8:51:0::${1 + index}`, ipMode: 'VIP' },
      { ip: '198.51.100.9', ipMode: 'VIP' },
      { ip: '2001:db8:51::9', ipMode: 'VIP' },
      { ip: `198.51.100.${16 + index}`, ipMode: 'Proxy' },
      { ip: '192.168.0.1', ipMode: 'VIP' },
      { hostname: 'balancer.example.com' },
    ],
    { minLength: 1, maxLength: 3 },
  );

const externalAddresses = (index: number): fc.Arbitrary<string[]> =>
  fc.subarray([`198.51.100.${32 + index}`, `2001:db8:51::${32 + index}`, '198.51.100.40', '2001:db8:51::40', '192.168.0.2', '198.51.100.9', '2001:db8:0051::9'], { minLength: 1, maxLength: 2 });

const shape = (index: number) => ({
  space: pick('x', 'x', 'y'),
  kind: pick('ClusterIP', 'ClusterIP', 'NodePort', 'NodePort', 'LoadBalancer', 'LoadBalancer', 'LoadBalancer', 'headless', 'ExternalName'),
  selects: fc.oneof({ weight: 9, arbitrary: selectors }, { weight: 1, arbitrary: fc.constant(undefined) }),
  ports: ports(index),
  families: pick([4], [6], [4, 6], [6, 4]),
  externalIPs: rarely(3, externalAddresses(index)),
  balancer: balancers(index),
  allocates: pick(true, true, true, false),
  internalTrafficPolicy: pick(undefined, undefined, 'Local'),
  externalTrafficPolicy: pick(undefined, 'Local'),
  trafficDistribution: pick(undefined, undefined, 'PreferClose', 'PreferSameZone', 'PreferSameNode'),
  sticky: pick(undefined, undefined, 10_800, 5),
  publishNotReadyAddresses: pick(undefined, undefined, undefined, true),
  sources: rarely(3, sourceRanges),
  annotated: fc.boolean(),
  foreign: rarely(16, pick('service.kubernetes.io/service-proxy-name', 'service.kubernetes.io/headless')),
  created: pick('2024-01-01T00:00:00Z', '2024-01-02T00:00:00Z', undefined),
});

export const randomService = (index: number): fc.Arbitrary<ShortObject> => fc.record(shape(index)).map((drawn) => serviceOf(index, drawn));

type Drawn = { [K in keyof ReturnType<typeof shape>]: ReturnType<typeof shape>[K] extends fc.Arbitrary<infer T> ? T : never };

function serviceOf(index: number, drawn: Drawn): ShortObject {
  const { kind, families, selects } = drawn;
  const identity = { service: `${drawn.space}/s${index}`, created: drawn.created, labels: drawn.foreign ? { [drawn.foreign]: 'other' } : undefined };
  if (kind === 'ExternalName') return lean({ ...identity, type: kind, externalName: 'my.database.example.com' });
  const { publishNotReadyAddresses, trafficDistribution } = drawn;
  const withoutNodePorts = drawn.ports.map((port) => lean({ ...port, nodePort: undefined }));
  const inner = { ...identity, families, selects, publishNotReadyAddresses, trafficDistribution };
  if (kind === 'headless') return lean({ ...inner, headless: true, ports: withoutNodePorts });
  return lean({ ...inner, type: kind, ports: kind === 'ClusterIP' ? withoutNodePorts : drawn.ports, ...settingsOf(drawn), ...(kind === 'LoadBalancer' ? balancingOf(drawn, withoutNodePorts) : {}) });
}

function settingsOf({ kind, externalIPs, internalTrafficPolicy, externalTrafficPolicy, sticky }: Drawn): ShortObject {
  const isExternal = kind !== 'ClusterIP' || externalIPs !== undefined;
  return {
    externalIPs,
    internalTrafficPolicy,
    externalTrafficPolicy: isExternal ? externalTrafficPolicy : undefined,
    ...(sticky ? { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: sticky } } } : {}),
  };
}

function balancingOf({ balancer, allocates, sources, annotated }: Drawn, withoutNodePorts: ShortObject[]): ShortObject {
  const listed = !sources ? {} : annotated ? { annotations: { 'service.beta.kubernetes.io/load-balancer-source-ranges': sources.join(', ') } } : { loadBalancerSourceRanges: sources };
  return { balancer, ...listed, ...(allocates ? {} : { allocateLoadBalancerNodePorts: false, ports: withoutNodePorts }) };
}

const nobody = '2001:db8:dead::77';

/** Some are spelt as people do: machines outside, an address without a pod, a node, pods that a controller may list too, one inside the service range. */
const places: readonly { readonly node?: string; readonly 4: string; readonly 6: string }[] = [
  { 4: '172.17.0.5', 6: '2001:DB8:17:0::5' },
  { 4: '203.0.113.77', 6: nobody },
  { 4: '192.168.0.2', 6: 'fd00:192:168::2', node: 'node2' },
  { 4: '10.244.1.99', 6: 'fd00:10:244:1::99', node: 'node1' },
  { 4: '10.96.0.10', 6: 'fd00:10:96::10' },
  ...['a', 'b', 'c'].map((name, i) => ({ 4: podAddress('x', name, 4), 6: podAddress('x', name, 6), node: nodeNames[i]! })),
];
const conditions = fc.record({ ready: fc.boolean(), serving: fc.boolean(), terminating: fc.boolean() }, { requiredKeys: [] });
const zoneNames = fc.subarray(['east', 'west', 'north'], { minLength: 1, maxLength: 2 });
const hints = fc.record({ forZones: zoneNames.map((names) => names.map((name) => ({ name }))), forNodes: pick(...nodeNames).map((name) => [{ name }]) }, { requiredKeys: [] });
/** Of SCTP over IPv6 the kernel's ears cannot tell which of nobody's addresses was meant. */
const placesFor = (family: 4 | 6, protocol: string) => (family === 6 && protocol === 'SCTP' ? places.filter((place) => place[6] !== nobody) : places);
const endpoint = (family: 4 | 6, protocol: string): fc.Arbitrary<object> =>
  fc
    .record({ place: pick(...placesFor(family, protocol)), conditions: maybe(conditions), hints: rarely(3, hints), isPlaced: pick(true, true, false) })
    .map(({ place, isPlaced, ...rest }) => lean({ addresses: [place[family]], nodeName: isPlaced ? place.node : undefined, ...rest }));

/** Endpoints that nobody's controller wrote, beside those it wrote: for one port of one Service. */
export function randomSlice(index: number, services: readonly ShortObject[]): fc.Arbitrary<ShortObject[]> {
  const able = services.filter((service) => service['families']);
  if (able.length === 0) return fc.constant([]);
  const drawn = fc.record({ of: pick(...able), which: fc.nat({ max: 1 }), number: pick(80, 81), family: pick<4 | 6>(4, 6), isNamed: pick(true, true, true, false) });
  return drawn.chain(({ of, which, number, family, isNamed }) => {
    const { name = '', protocol } = of['ports'][which] ?? of['ports'][0];
    const [space, service] = of['service'].split('/');
    return fc
      .array(endpoint(family, protocol), { minLength: 1, maxLength: 3 })
      .map((endpoints) => [{ slice: `${space}/by-hand-${index}`, of: service, family, ports: [{ name: isNamed ? name : 'other', port: number, protocol }], endpoints }]);
  });
}
