// Random walks over models: whatever changes come in whatever order, every driver must take them,
// and the kernel must end where a fresh load of the last model starts.
import { execFileSync } from 'node:child_process';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deepFreeze } from '../../src/base/data/freeze.ts';
import type { Endpoint, NetworkModel, Permit, PodPolicy, PortRange, ServicePort, VirtualAddress } from '../../src/model/network-model.ts';
import { createRenderer } from '../../src/node/dataplane/render.ts';
import { createMemoryRulesetDriver } from '../../src/node/linux/ruleset-memory.ts';
import { createNetlinkRulesetDriver } from '../../src/node/linux/ruleset-netlink.ts';
import { createTextRulesetDriver } from '../../src/node/linux/ruleset-text.ts';
import type { Driver } from '../../src/node/linux/driver.ts';
import { createNamespace, inNamespace, type Netns, removeNamespace } from '../../src/node/netlink/namespaces.ts';
import { printRuleset } from '../../src/node/nft/print.ts';
import type { Ruleset } from '../../src/node/nft/ruleset.ts';

/** mulberry32: the same seed walks the same way on every machine. */
function dice(seed: number) {
  const next = () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n: number) => Math.floor(next() * n);
  return {
    below,
    chance: (p: number) => next() < p,
    some: <T>(items: readonly T[]): T[] => items.filter(() => next() < 0.5),
    one: <T>(items: readonly T[]): T => items[below(items.length)]!,
  };
}
type Dice = ReturnType<typeof dice>;

const ref = (kind: string, name: string) => ({ kind, namespace: 'default', name });

const endpointsOf = (roll: Dice, family: 4 | 6): Endpoint[] =>
  Array.from({ length: roll.below(5) }, (_, i): Endpoint => {
    const local = roll.chance(0.5);
    const host = 2 + i + roll.below(2) * 10;
    const address = family === 4 ? `10.244.${local ? 1 : 2}.${host}` : `fd00:10:244:${local ? 1 : 2}::${host}`;
    return { address, port: 8080 + roll.below(2), local, origin: ref('EndpointSlice', 's') };
  });

function virtualsOf(roll: Dice, n: number, family: 4 | 6): VirtualAddress[] {
  const at = (net: string, net6: string) => (family === 4 ? `${net}.${n + 10}` : `${net6}::${n + 10}`);
  const all: VirtualAddress[] = [
    { type: 'clusterIP', address: at('10.96.0', 'fd00:10:96'), port: 80, localOnly: roll.chance(0.2) },
    { type: 'clusterIP', address: at('10.96.0', 'fd00:10:96'), port: 443, localOnly: false },
    { type: 'nodePort', port: 30_000 + n, localOnly: roll.chance(0.4) },
    { type: 'loadBalancer', address: at('198.51.100', '2001:db8'), port: 80, localOnly: roll.chance(0.4) },
    { type: 'externalIP', address: at('203.0.113', '2001:db8:1'), port: 80, localOnly: roll.chance(0.4) },
  ];
  return roll.some(all);
}

function serviceOf(roll: Dice, n: number): ServicePort {
  const family = n % 3 === 0 ? 6 : 4;
  const endpoints = endpointsOf(roll, family);
  const ranges = family === 4 ? ['10.0.0.0/8', '10.1.0.0/16', '192.0.2.7/32'] : ['2001:db8::/32', 'fd00::7/128'];
  return {
    key: `default/s${n}:http/tcp/${family}`,
    family,
    protocol: roll.one(['TCP', 'UDP', 'SCTP'] as const),
    virtual: virtualsOf(roll, n, family),
    endpoints,
    localEndpoints: endpoints.filter(({ local }) => local),
    ...(roll.chance(0.3) && { stickySeconds: roll.one([10, 10_800, 86_400]) }),
    ...(roll.chance(0.3) && { allowedSources: roll.some(ranges) }),
    origin: ref('Service', `s${n}`),
  };
}

const peerChoices = [
  { cidr: '10.244.2.5/32' }, { cidr: '10.244.2.6/32' }, { cidr: 'fd00:10:244:2::5/128' }, { cidr: '0.0.0.0/0', except: ['10.0.0.0/8', '192.168.0.0/16'] },
  { cidr: '172.16.0.0/12', except: ['172.18.0.0/16'] }, { cidr: '172.18.5.0/24' }, { cidr: '::/0', except: ['fd00::/8'] },
];
const portChoices: PortRange[] = [
  { protocol: 'TCP', first: 80, last: 80 }, { protocol: 'UDP' }, { protocol: 'TCP', first: 8000, last: 9000 }, { protocol: 'SCTP', first: 7 },
  { protocol: 'TCP', first: 81, last: 81, onlyFor: '10.244.2.5' }, { protocol: 'TCP', first: 82, last: 82, onlyFor: 'fd00:10:244:2::5' },
];

/** Rules are the same for all pods of a policy, most of the time. */
const permitOf = (roll: Dice, policy: number): Permit => ({
  peers: roll.chance(0.2) ? 'anyone' : roll.some(peerChoices),
  ports: roll.chance(0.3) ? 'any' : roll.some(portChoices),
  origin: ref('NetworkPolicy', `p${policy}`),
});

function policiesOf(roll: Dice): PodPolicy[] {
  const permits = [0, 1, 2].map((n) => permitOf(roll, n));
  return roll.some([2, 3, 4, 5]).map((n) => ({
    pod: ref('Pod', `pod-${n}.with-dots.and-a-rather-long-name`),
    ips: [`10.244.1.${n}`, `fd00:10:244:1::${n}`],
    ingress: roll.chance(0.3) ? 'open' : [...roll.some(permits), ...(roll.chance(0.2) ? [permitOf(roll, 0)] : [])],
    egress: roll.chance(0.3) ? 'open' : roll.some(permits),
    isolatedBy: { ingress: [ref('NetworkPolicy', 'p0'), ref('NetworkPolicy', 'p1')], egress: [ref('NetworkPolicy', 'p2')] },
  }));
}

const modelOf = (services: ReadonlyMap<string, ServicePort>, policies: PodPolicy[]): NetworkModel =>
  deepFreeze({
    revision: 1,
    self: {
      name: 'a', ips: ['172.18.0.11', 'fc00::11'], podCIDRs: ['10.244.1.0/24', 'fd00:10:244:1::/64'], announces: [],
      peers: [{ name: 'b', ips: ['172.18.0.12'], podCIDRs: ['10.244.2.0/24'], origin: { kind: 'Node', name: 'b' } }],
    },
    ranges: { podCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'], serviceCIDRs: ['10.96.0.0/16', 'fd00:10:96::/112'], nodePortAddresses: [] },
    services,
    hostPorts: new Map(),
    policies: new Map(policies.map((policy) => [`${policy.pod.namespace}/${policy.pod.name}`, policy])),
    names: { domain: 'cluster.local', ttlSeconds: 5, reverseCIDRs: [], namespaces: new Set(), services: new Map() },
    listeners: new Map(),
    problems: [],
  });

/** Each step keeps most Services as the same objects, as the model does. */
function* walk(seed: number, steps: number): Generator<NetworkModel> {
  const roll = dice(seed);
  let services = new Map<string, ServicePort>();
  let policies: PodPolicy[] = [];
  for (let step = 0; step < steps; step++) {
    services = new Map(services);
    for (let changes = roll.below(4); changes >= 0; changes--) {
      const service = serviceOf(roll, roll.below(8));
      if (roll.chance(0.3)) services.delete(service.key);
      else services.set(service.key, service);
    }
    if (roll.chance(0.4)) policies = policiesOf(roll);
    yield modelOf(services, policies);
  }
}

/** The table as nft lists it, without order, without the name of the table, without what packets left. */
function listed(namespace: Netns): string[] {
  const listing = inNamespace(namespace, () => execFileSync('nft', ['list', 'ruleset'], { encoding: 'utf8' }));
  const sorted = listing.replaceAll(/elements = \{([^}]*)\}/g, (_, inner: string) => `elements = { ${inner.split(',').map((each) => each.trim()).sort().join(', ')} }`);
  return sorted.split('\n\n').map((block) => block.replaceAll(/^table inet \S+ \{|^\}$/gm, '').trim()).sort();
}

const drivers: Record<string, (namespace: Netns) => Driver<Ruleset> & { close?(): void }> = {
  text: (namespace) => createTextRulesetDriver(namespace, 'fairlead'),
  netlink: (namespace) => createNetlinkRulesetDriver(namespace, 'fairlead'),
  'netlink in stages': (namespace) => createNetlinkRulesetDriver(namespace, 'fairlead', 0),
};

async function end(create: (namespace: Netns) => Driver<Ruleset> & { close?(): void }, name: string, rulesets: readonly Ruleset[]): Promise<string[]> {
  const namespace = createNamespace(name);
  const driver = create(namespace);
  try {
    for (const ruleset of rulesets) await driver.apply(ruleset);
    return listed(namespace);
  } finally {
    driver.close?.();
    removeNamespace(namespace);
  }
}

for (const seed of [1, 2, 3]) {
  const render = createRenderer();
  const models = [...walk(seed, 25)];
  const rulesets = models.map((model) => render(model));
  const last = createRenderer()(models.at(-1)!);

  test(`memory: walk ${seed} ends where a fresh load starts`, async () => {
    const driver = createMemoryRulesetDriver();
    for (const ruleset of rulesets) await driver.apply(ruleset);
    const fresh = createMemoryRulesetDriver();
    await fresh.apply(last);
    const lines = (ruleset: Ruleset) => printRuleset(ruleset).split('\n').map((line) => line.replace(/,$/, '')).sort();
    assert.deepEqual(lines(driver.held()!), lines(fresh.held()!));
  });

  for (const [name, create] of Object.entries(drivers)) {
    test(`${name === 'text' ? 'PROXY-76: every script is accepted by ' : ''}${name}: walk ${seed} ends where a fresh load starts`, async () => {
      const id = `walk-${process.pid}-${seed}`;
      assert.deepEqual(await end(create, `${id}-w`, rulesets), await end(drivers['text']!, `${id}-f`, [last]));
    });
  }
}
