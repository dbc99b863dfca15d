import { test } from 'node:test';
import assert from 'node:assert/strict';
import { deepFreeze } from '../../base/data/freeze.ts';
import type { Endpoint, NetworkModel, PodPolicy, ServicePort } from '../../model/network-model.ts';
import { diffRulesets, sizeOfDiff } from '../nft/diff.ts';
import { evaluate, type Probe, type RulesetOutcome } from '../nft/evaluate.ts';
import { printRuleset } from '../nft/print.ts';
import { allElements, type Ruleset } from '../nft/ruleset.ts';
import { createRenderer } from './render.ts';

// Node a (172.18.0.11) has pods 10.244.1.0/24, node b (172.18.0.12) has 10.244.2.0/24.
const here = ['172.18.0.11', 'fc00::11', '127.0.0.1', '10.244.1.1', '::1'];
const machine = { isLocal: (address: string) => here.includes(address) };
const web: Endpoint = { address: '10.244.1.2', port: 8080, local: true, origin: { kind: 'EndpointSlice', namespace: 'default', name: 'web-1' } };
const far: Endpoint = { ...web, address: '10.244.2.2', node: 'b', local: false };

const service = (over: Partial<ServicePort> = {}): ServicePort => ({
  key: 'default/web:http/tcp/4',
  family: 4,
  protocol: 'TCP',
  virtual: [{ type: 'clusterIP', address: '10.96.0.10', port: 80, localOnly: false }],
  endpoints: [web, far],
  origin: { kind: 'Service', namespace: 'default', name: 'web' },
  ...over,
});

const model = (services: ServicePort[], policies: PodPolicy[] = [], nodePortAddresses: string[] = []): NetworkModel =>
  deepFreeze({
    revision: 1,
    self: {
      name: 'a',
      ips: ['172.18.0.11', 'fc00::11'],
      podCIDRs: ['10.244.1.0/24', 'fd00:10:244:1::/64'],
      peers: [{ name: 'b', ips: ['172.18.0.12'], podCIDRs: ['10.244.2.0/24'], origin: { kind: 'Node', name: 'b' } }],
      announces: [],
    },
    ranges: { podCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'], serviceCIDRs: ['10.96.0.0/16', 'fd00:10:96::/112'], nodePortAddresses },
    services: new Map(services.map((each) => [each.key, each])),
    hostPorts: new Map(),
    policies: new Map(policies.map((each) => [`${each.pod.namespace}/${each.pod.name}`, each])),
    names: { domain: 'cluster.local', ttlSeconds: 5, reverseCIDRs: [], namespaces: new Set(), services: new Map() },
    listeners: new Map(),
    problems: [],
  });

const rulesetFor = (services: ServicePort[], policies: PodPolicy[] = [], nodePortAddresses: string[] = []): Ruleset =>
  createRenderer()(model(services, policies, nodePortAddresses));

type Who = 'pod here' | 'pod elsewhere' | 'node' | 'other node' | 'outside';
const sources: Record<Who, string> = {
  'pod here': '10.244.1.7',
  'pod elsewhere': '10.244.2.7',
  node: '172.18.0.11',
  'other node': '172.18.0.12',
  outside: '203.0.113.9',
};

const probe = (source: string, to: string, over: Partial<Probe> = {}): Probe => {
  const [destination, port] = to.split(':');
  return {
    packet: { family: 4, protocol: 'TCP', source, sourcePort: 40_000, destination: destination!, destinationPort: Number(port) },
    enters: source === sources.node ? 'output' : 'prerouting',
    ...over,
  };
};

const describe = ({ verdict, rejection, packet, masqueraded }: RulesetOutcome): string =>
  verdict !== 'accepted' ? (rejection ?? verdict) : `${packet.destination}:${packet.destinationPort}${masqueraded ? ' masqueraded' : ''}`;

const ask = (ruleset: Ruleset, who: Who | string, to: string, over: Partial<Probe> = {}): string => {
  const outcomes = evaluate(ruleset, probe(sources[who as Who] ?? who, to, over), machine);
  const chances = outcomes.reduce((sum, { chance }) => sum + chance, 0);
  assert.ok(Math.abs(chances - 1) < 1e-9, `chances sum to ${chances}`);
  return [...new Set(outcomes.map(describe))].sort().join(' | ');
};

const nodePort = (localOnly: boolean) => ({ type: 'nodePort' as const, port: 30_080, localOnly });
const lbAddress = (localOnly: boolean) => ({ type: 'loadBalancer' as const, address: '198.51.100.5', port: 80, localOnly });
const both = '10.244.1.2:8080 | 10.244.2.2:8080';
const bothMasqueraded = '10.244.1.2:8080 masqueraded | 10.244.2.2:8080 masqueraded';
const clusterIP = service().virtual[0]!;

const rows: [about: string, service: ServicePort, who: Who | string, to: string, expected: string][] = [
  ['KPX-05, KPX-06: a pod reaches every endpoint under its own address', service(), 'pod here', '10.96.0.10:80', both],
  ['KPX-03: so does a process of the node', service(), 'node', '10.96.0.10:80', both],
  ['KPX-15: a client from outside is masqueraded on the way to a cluster IP', service(), 'outside', '10.96.0.10:80', bothMasqueraded],
  ['KPX-14: a pod that reaches itself sees the node', service(), '10.244.1.2', '10.96.0.10:80', '10.244.1.2:8080 masqueraded | 10.244.2.2:8080'],
  ['an unknown port of a cluster IP is refused', service(), 'pod here', '10.96.0.10:81', 'tcp reset'],
  ['PROXY-74: a cluster IP that nobody has is silent', service(), 'pod here', '10.96.0.99:80', 'dropped'],
  ['KPX-10: no endpoint anywhere: refused at once', service({ endpoints: [] }), 'pod here', '10.96.0.10:80', 'tcp reset'],
  ['KPX-10: also from the node itself', service({ endpoints: [] }), 'node', '10.96.0.10:80', 'tcp reset'],
  ['KPX-10: and on a node port', service({ endpoints: [], virtual: [nodePort(false)] }), 'outside', '172.18.0.11:30080', 'tcp reset'],
  ['KPX-10: a Local policy changes nothing when no endpoint exists', service({ endpoints: [], localEndpoints: [], virtual: [nodePort(true)] }), 'outside', '172.18.0.11:30080', 'tcp reset'],
  ['KPX-33: a node port hides the client', service({ virtual: [nodePort(false)] }), 'outside', '172.18.0.11:30080', bothMasqueraded],
  ['a node port serves other nodes, masqueraded', service({ virtual: [nodePort(false)] }), 'other node', '172.18.0.11:30080', bothMasqueraded],
  ['a node port serves pods of other nodes, whose answers must come back this way', service({ virtual: [nodePort(false)] }), 'pod elsewhere', '172.18.0.11:30080', bothMasqueraded],
  ['a node port serves own pods under their own address', service({ virtual: [nodePort(false)] }), 'pod here', '172.18.0.11:30080', both],
  ['a node port serves the node itself', service({ virtual: [nodePort(false)] }), 'node', '172.18.0.11:30080', both],
  ['KPX-37: a node port answers on every own address', service({ virtual: [nodePort(false)] }), 'pod here', '10.244.1.1:30080', both],
  ['a node port is no port of other machines', service({ virtual: [nodePort(false)] }), 'pod here', '172.18.0.12:30080', '172.18.0.12:30080'],
  ['PROXY-41: a node port is not on loopback', service({ virtual: [nodePort(false)] }), 'node', '127.0.0.1:30080', '127.0.0.1:30080'],
  ['KPX-34: Local keeps the client and stays on the node', service({ virtual: [nodePort(true)], localEndpoints: [web] }), 'outside', '172.18.0.11:30080', '10.244.1.2:8080'],
  ['KPX-35: Local without an endpoint here is silent', service({ virtual: [nodePort(true)], localEndpoints: [] }), 'outside', '172.18.0.11:30080', 'dropped'],
  ['KPX-36: Local does not bind pods', service({ virtual: [lbAddress(true)], localEndpoints: [] }), 'pod here', '198.51.100.5:80', both],
  ['KPX-36: nor the node', service({ virtual: [lbAddress(true)], localEndpoints: [] }), 'node', '198.51.100.5:80', both],
  ['KPX-47: internal Local binds pods', service({ virtual: [{ ...clusterIP, localOnly: true }], localEndpoints: [web] }), 'pod here', '10.96.0.10:80', '10.244.1.2:8080'],
  ['KPX-48: internal Local without an endpoint here is silent', service({ virtual: [{ ...clusterIP, localOnly: true }], localEndpoints: [] }), 'pod here', '10.96.0.10:80', 'dropped'],
  ['ITP-09: internal Local binds the node', service({ virtual: [{ ...clusterIP, localOnly: true }], localEndpoints: [web] }), 'node', '10.96.0.10:80', '10.244.1.2:8080'],
  ['KPX-42: a load-balancer address is answered on every node', service({ virtual: [lbAddress(false)] }), 'outside', '198.51.100.5:80', bothMasqueraded],
  ['KPX-44: source ranges stop others', service({ virtual: [lbAddress(false)], allowedSources: ['203.0.114.0/24'] }), 'outside', '198.51.100.5:80', 'dropped'],
  ['KPX-44: source ranges let their own in', service({ virtual: [lbAddress(false)], allowedSources: ['203.0.113.0/24', '203.0.112.0/23'] }), 'outside', '198.51.100.5:80', bothMasqueraded],
  ['PROXY-39: source ranges do not concern the node itself', service({ virtual: [lbAddress(false)], allowedSources: ['203.0.114.0/24'] }), 'node', '198.51.100.5:80', both],
  ['PROXY-39: nor node ports', service({ virtual: [lbAddress(false), nodePort(false)], allowedSources: ['203.0.114.0/24'] }), 'outside', '172.18.0.11:30080', bothMasqueraded],
  ['KPX-40: an external IP is forwarded', service({ virtual: [{ type: 'externalIP', address: '198.51.100.32', port: 80, localOnly: false }] }), 'outside', '198.51.100.32:80', bothMasqueraded],
  ['HPT-03: a host port is nobody else’s: without one, the node’s own process', service(), 'outside', '172.18.0.11:80', '172.18.0.11:80'],
  ['NET-17: a pod speaks to the world as its node', service(), 'pod here', '203.0.113.9:443', '203.0.113.9:443 masqueraded'],
  ['NET-17: a pod speaks to pods as itself', service(), 'pod here', '10.244.2.9:80', '10.244.2.9:80'],
  ['NET-17: a pod speaks to nodes as itself', service(), 'pod here', '172.18.0.12:22', '172.18.0.12:22'],
];

for (const [about, subject, who, to, expected] of rows) {
  test(about, () => assert.equal(ask(rulesetFor([subject]), who, to), expected));
}

test('KPX-38: node ports are confined to the addresses asked for', () => {
  const ruleset = rulesetFor([service({ virtual: [nodePort(false)] })], [], ['172.18.0.0/16']);
  assert.equal(ask(ruleset, 'pod here', '172.18.0.11:30080'), both);
  assert.equal(ask(ruleset, 'pod here', '10.244.1.1:30080'), '10.244.1.1:30080');
});

test('PROXY-41: node ports are not on loopback, even where it is asked for', () => {
  const ruleset = rulesetFor([service({ virtual: [nodePort(false)] })], [], ['127.0.0.0/8', '172.18.0.11/32']);
  assert.equal(ask(ruleset, 'node', '127.0.0.1:30080'), '127.0.0.1:30080');
  assert.equal(ask(ruleset, 'node', '172.18.0.11:30080'), both);
});

test('PROXY-15: the same Service in IPv6', () => {
  const endpoint = { ...web, address: 'fd00:10:244:1:0:0:0:2' };
  const six = service({ family: 6, virtual: [{ type: 'clusterIP', address: 'fd00:10:96::a', port: 80, localOnly: false }, nodePort(false)], endpoints: [endpoint] });
  const packet = { family: 6 as const, protocol: 'TCP' as const, source: 'fd00:10:244:1::7', sourcePort: 1, destination: 'fd00:10:96::a', destinationPort: 80 };
  const outcomes = (to: string, port: number) =>
    evaluate(rulesetFor([six]), { packet: { ...packet, destination: to, destinationPort: port }, enters: 'prerouting' }, machine).map(describe);
  assert.deepEqual(outcomes('fd00:10:96::a', 80), ['fd00:10:244:1::2:8080']);
  assert.deepEqual(outcomes('fd00:10:96::a', 81), ['tcp reset']);
  assert.deepEqual(outcomes('fc00::11', 30_080), ['fd00:10:244:1::2:8080']);
});

test('PROXY-51: an answer that belongs to no connection is not forwarded: untranslated, it would make the client end a good one', () => {
  const answer = (connection: Probe['connection']) => evaluate(rulesetFor([service()]), { ...probe('10.244.2.2', '10.244.1.7:40000'), connection }, machine).map(describe);
  assert.deepEqual([answer('established'), answer('invalid')], [['10.244.1.7:40000'], ['dropped']]);
});

test('UDP to a port without endpoints is answered by port unreachable', () => {
  const dns = service({ protocol: 'UDP', endpoints: [] });
  const packet = { ...probe(sources['pod here'], '10.96.0.10:80').packet, protocol: 'UDP' as const };
  assert.deepEqual(evaluate(rulesetFor([dns]), { packet, enters: 'prerouting' }, machine).map(describe), ['port-unreachable']);
});

const near6: Endpoint = { ...web, address: 'fd00:10:244:1::2' };
const far6: Endpoint = { ...far, address: 'fd00:10:244:2::2' };
const stickyFronts = [
  { about: 'a cluster IP', over: { virtual: [clusterIP], stickySeconds: 10 }, ends: [web, far], source: '10.244.1.7', to: { destination: '10.96.0.10', destinationPort: 80 } },
  { about: 'a node port', over: { virtual: [nodePort(false)], stickySeconds: 10 }, ends: [web, far], source: '10.244.1.7', to: { destination: '172.18.0.11', destinationPort: 30_080 } },
  { about: 'a cluster IP in v6', over: { family: 6, virtual: [{ ...clusterIP, address: 'fd00:10:96::a' }], stickySeconds: 10 }, ends: [near6, far6], source: 'fd00:10:244:1::7', to: { destination: 'fd00:10:96::a', destinationPort: 80 } },
] as const;

for (const { about, over, ends, source, to } of stickyFronts) {
  const family = source.includes(':') ? 6 : 4;
  const packet = { family, protocol: 'TCP', source, sourcePort: 1, ...to } as const;
  const rulesets = { both: rulesetFor([service({ ...over, endpoints: ends })]), farOnly: rulesetFor([service({ ...over, endpoints: [ends[1]] })]) };
  const ask = (which: keyof typeof rulesets, memory: Probe['memory'], now: number, over: Partial<Probe['packet']> = {}) => evaluate(rulesets[which], { packet: { ...packet, ...over }, enters: 'prerouting', memory, now }, machine);
  const farAway = `${ends[1].address}:8080`;

  test(`KPX-53, KPX-54, PROXY-28, PROXY-72: a sticky client of ${about} stays until the timeout after its last packet`, () => {
    assert.equal(ask('both', undefined, 0).length, 2);
    for (const first of ask('both', undefined, 0)) {
      const again = ask('both', first.memory, 9);
      assert.deepEqual(again.map(describe), [describe(first)]);
      assert.deepEqual(ask('both', again[0]!.memory, 18).map(describe), [describe(first)]);
      assert.equal(ask('both', first.memory, 11).length, 2);
    }
  });

  test(`KPX-56, PROXY-29: clients of ${about} are told apart by address alone: one machine's share an endpoint, other machines choose for themselves`, () => {
    for (const first of ask('both', undefined, 0)) {
      assert.deepEqual(ask('both', first.memory, 1, { sourcePort: 2 }).map(describe), [describe(first)]);
      assert.equal(ask('both', first.memory, 1, { source: source.replace(/7$/, '8') }).length, 2);
    }
  });

  test(`KPX-55, PROXY-28: a sticky client of ${about} whose endpoint went gets another and stays there; others keep theirs`, () => {
    for (const first of ask('both', undefined, 0)) {
      const moved = ask('farOnly', first.memory, 1);
      assert.deepEqual(moved.map(describe), [farAway]);
      assert.deepEqual(ask('both', moved[0]!.memory, 2).map(describe), [farAway]);
    }
  });
}

test('KPX-57, PROXY-28: a client of two ports of a Service chooses for each', () => {
  const https = service({ key: 'default/web:https/tcp/4', virtual: [{ ...clusterIP, port: 443 }], stickySeconds: 10 });
  const ruleset = rulesetFor([service({ stickySeconds: 10 }), https]);
  const askPort = (port: number, memory?: Probe['memory']) => evaluate(ruleset, probe('10.244.1.7', `10.96.0.10:${port}`, memory && { memory }), machine);
  for (const first of askPort(80)) {
    assert.deepEqual(askPort(80, first.memory).map(describe), [describe(first)]);
    assert.equal(askPort(443, first.memory).length, 2);
  }
});

test('PROXY-71: the choice is a random number below the count of endpoints, and each number leads to one', () => {
  const text = printRuleset(rulesetFor([service()]));
  assert.match(text, /chain service4\/spread-2 \{\s+meta mark set numgen random mod 2\s+dnat ip to /);
  const [...indexes] = allElements(rulesetFor([service()]).sets.get('service4-endpoints')!).values();
  assert.deepEqual(indexes.map(({ key, data }) => [key.at(-1), data?.[0]]), [[0, '10.244.1.2'], [1, '10.244.2.2']]);
  assert.deepEqual(evaluate(rulesetFor([service()]), probe('10.244.1.7', '10.96.0.10:80'), machine).map(({ chance }) => chance), [0.5, 0.5]);
});

test('PROXY-80: one endpoint costs as much among five thousand Services of ten as among five', () => {
  const many = (count: number, moved?: Endpoint) =>
    Array.from({ length: count }, (_, i) => {
      const endpoints = Array.from({ length: 10 }, (_, e): Endpoint => ({ ...far, address: `10.244.${2 + (e & 1)}.${10 + e}`, port: 1024 + i }));
      return service({ key: `default/s${i}:http/tcp/4`, virtual: [{ ...clusterIP, address: `10.96.${i >> 8}.${i & 255}` }], endpoints: i === 3 && moved ? [moved, ...endpoints.slice(1)] : endpoints });
    });
  const costOf = (count: number): number => {
    const render = createRenderer();
    const services = many(count);
    const before = render(model(services));
    const [changed] = many(4, { ...far, address: '10.244.2.99' }).slice(3);
    const after = render(model(services.with(3, changed!)));
    return sizeOfDiff(diffRulesets(before, after)!);
  };
  assert.deepEqual([costOf(5), costOf(5000)], [2, 2]);
});

test('PROXY-73: a change of one endpoint sends its elements only; chains come when counts double', () => {
  const other = service({ key: 'default/other:http/tcp/4', virtual: [{ ...clusterIP, address: '10.96.0.11' }] });
  const withEndpoints = (...endpoints: Endpoint[]) => createRenderer()(model([service({ endpoints }), other]));
  const before = withEndpoints(web, far);
  const moved = diffRulesets(before, withEndpoints(web, { ...far, address: '10.244.2.3' }))!;
  assert.deepEqual(moved.addedElements.map(({ set, elements }) => [set.name, elements.length]), [['service4-endpoints', 1]]);
  assert.equal(sizeOfDiff(moved), 2);
  const less = diffRulesets(before, withEndpoints(web))!;
  assert.deepEqual([...less.addedChains, ...less.removedChains], []);
  const more = diffRulesets(before, withEndpoints(web, far, { ...far, port: 8081 }))!;
  assert.deepEqual(more.addedChains.map(({ name }) => name), ['service4/spread-3', 'service4/spread-4']);
  assert.equal(sizeOfDiff(diffRulesets(before, withEndpoints(web, far))!), 0);
});

test('a cluster IP stays while one of its ports is left', () => {
  const https = service({ key: 'default/web:https/tcp/4', virtual: [{ ...clusterIP, port: 443 }] });
  const render = createRenderer();
  const before = render(model([service(), https]));
  const after = render(model([https]));
  const diff = diffRulesets(before, after)!;
  assert.ok(diff.removedElements.every(({ set }) => set.name !== 'cluster-ips4'));
  assert.deepEqual([...allElements(after.sets.get('cluster-ips4')!).keys()], ['10.96.0.10']);
  const gone = diffRulesets(after, render(model([])))!;
  assert.ok(gone.removedElements.some(({ set }) => set.name === 'cluster-ips4'));
});

test('an address that is none is refused, and the next model is rendered as if nothing had happened', () => {
  const render = createRenderer();
  render(model([service()]));
  const broken = service({ key: 'x', family: 6, virtual: [{ ...clusterIP, address: 'fd00::zz' }] });
  assert.throws(() => render(model([service({ endpoints: [web] }), broken])), RangeError);
  assert.equal(printRuleset(render(model([service({ endpoints: [far] })]))), printRuleset(rulesetFor([service({ endpoints: [far] })])));
});

test('the renderer answers the same whatever it rendered before', () => {
  const render = createRenderer();
  render(model([service({ endpoints: [web] }), service({ key: 'x', virtual: [nodePort(false)] })]));
  render(model([]));
  assert.equal(printRuleset(render(model([service()]))), printRuleset(rulesetFor([service()])));
});

test('a cluster IP is known while one of its ports is, and a pod of two Services may reach itself while one of them has it', () => {
  const render = createRenderer();
  const https = service({ key: 'default/web:https/tcp/4', virtual: [{ type: 'clusterIP', address: '10.96.0.10', port: 443, localOnly: false }] });
  const held = (services: ServicePort[]) => {
    const { sets } = render(model(services));
    return ['cluster-ips4', 'hairpin4'].map((name) => [...allElements(sets.get(name)!).keys()]);
  };
  const both = [['10.96.0.10'], ['10.244.1.2 . 10.244.1.2']];
  assert.deepEqual(held([service(), https]), both);
  assert.deepEqual(held([https]), both);
  assert.deepEqual(held([service({ endpoints: [far] }), https]), both);
  assert.deepEqual(held([service({ endpoints: [far] })]), [['10.96.0.10'], []]);
  assert.deepEqual(held([]), [[], []]);
});
