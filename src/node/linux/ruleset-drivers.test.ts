// One suite for every ruleset driver: the fake kernel and the real one must take and refuse the same.
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { createNamespace, inNamespace, type Netns, removeNamespace } from '../netlink/namespaces.ts';
import type { Chain, Element, ElementGroup, NftSet, Ruleset } from '../nft/ruleset.ts';
import { allElements, printKey } from '../nft/ruleset.ts';
import { type Driver, DriverError } from './driver.ts';
import { createMemoryRulesetDriver } from './ruleset-memory.ts';
import { createNetlinkRulesetDriver } from './ruleset-netlink.ts';
import { createTextRulesetDriver } from './ruleset-text.ts';

interface Bench {
  readonly driver: Driver<Ruleset>;
  /** What the kernel holds: names of chains, sets, and per set the number of elements; undefined = no table. */
  holds(): { chains: string[]; sets: Record<string, number> } | undefined;
  close(): void;
}

const names = (listing: string, word: string): string[] =>
  [...listing.matchAll(new RegExp(`^\\t${word} (\\S+) \\{$`, 'gm'))].map((match) => match[1]!);

/** As nft lists it; elements are counted by their commas, so no comment here may hold one. */
function readListing(listing: string): ReturnType<Bench['holds']> {
  const sets: Record<string, number> = {};
  for (const match of listing.matchAll(/^\t(?:set|map) (\S+) \{\n([\s\S]*?)^\t\}/gm)) {
    const elements = /elements = \{([\s\S]*?)\}/.exec(match[2]!)?.[1];
    sets[match[1]!] = elements === undefined ? 0 : elements.split(',').length;
  }
  return { chains: names(listing, 'chain').sort(), sets };
}

function holdsIn(namespace: Netns): ReturnType<Bench['holds']> {
  const listing = inNamespace(namespace, () => execFileSync('nft', ['list', 'ruleset'], { encoding: 'utf8' }));
  return listing.includes('table inet fairlead') ? readListing(listing) : undefined;
}

let made = 0;

function kernelBench(create: (namespace: Netns, table: string) => KernelDriver): Bench {
  const namespace = createNamespace(`rsd-${process.pid}-${made++}`);
  const driver = create(namespace, 'fairlead');
  return {
    driver,
    holds: () => holdsIn(namespace),
    close: () => {
      driver.close?.();
      removeNamespace(namespace);
    },
  };
}

function memoryBench(): Bench {
  const driver = createMemoryRulesetDriver();
  return {
    driver,
    holds: () => {
      const held = driver.held();
      return held && {
        chains: [...held.chains.keys()].sort(),
        sets: Object.fromEntries([...held.sets].map(([name, set]) => [name, allElements(set).size])),
      };
    },
    close: () => {},
  };
}

type KernelDriver = Driver<Ruleset> & { close?(): void };

const kernelDrivers: Record<string, (namespace: Netns, table: string) => KernelDriver> = {
  'nft text': createTextRulesetDriver,
  netlink: (namespace, table) => createNetlinkRulesetDriver(namespace, table),
  'netlink, all in stages': (namespace, table) => createNetlinkRulesetDriver(namespace, table, 0),
};

const benches: Record<string, () => Bench> = {
  memory: memoryBench,
  ...Object.fromEntries(Object.entries(kernelDrivers).map(([name, create]) => [name, () => kernelBench(create)])),
};

const group = (...elements: Element[]): ElementGroup => new Map(elements.map((element) => [printKey(element.key), element]));
const setOf = (shape: Omit<NftSet, 'elements'>, ...groups: ElementGroup[]): NftSet => ({
  ...shape,
  elements: new Map(groups.map((each, i) => [String(i), each])),
});
const rulesetOf = (chains: Chain[], sets: NftSet[]): Ruleset => ({
  table: 'fairlead',
  chains: new Map(chains.map((chain) => [chain.name, chain])),
  sets: new Map(sets.map((set) => [set.name, set])),
});

const ports = { name: 'ports', type: 'vmap', key: ['inet_proto', 'inet_service'] } as const;
const to = (chain: string, port: number, protocol = 'tcp'): Element => ({ key: [protocol, port], verdict: { do: 'goto', chain } });
const dropChain = (name: string): Chain => ({ name, rules: [{ when: [], then: { do: 'drop' } }] });
const input: Chain = {
  name: 'input',
  hook: { type: 'filter', hook: 'input', priority: 0, policy: 'accept' },
  rules: [{ when: [], then: { do: 'vmap', fields: ['meta l4proto', 'th dport'], map: 'ports' }, origin: { kind: 'Service', namespace: 'default', name: 'web' } }],
};

const first = rulesetOf([dropChain('a'), input], [setOf(ports, group(to('a', 80)))]);
const more = rulesetOf([dropChain('a'), dropChain('b'), input], [setOf(ports, group(to('b', 80), to('a', 81)))]);
const empty = rulesetOf([], []);

for (const [name, bench] of Object.entries(benches)) {
  const scene = (about: string, body: (bench: Bench) => Promise<void>) =>
    test(`${name}: ${about}`, async () => {
      const made = bench();
      try {
        await body(made);
      } finally {
        made.close();
      }
    });

  scene('the first apply brings everything, the next only the difference', async ({ driver, holds }) => {
    await driver.apply(first);
    assert.deepEqual(holds(), { chains: ['a', 'input'], sets: { ports: 1 } });
    const { changes } = await driver.apply(more);
    assert.equal(changes, 4, 'one chain, one element replaced, one added');
    assert.deepEqual(holds(), { chains: ['a', 'b', 'input'], sets: { ports: 2 } });
    assert.equal((await driver.apply(more)).changes, 0);
  });

  scene('a chain goes after the element that led to it', async ({ driver, holds }) => {
    await driver.apply(more);
    await driver.apply(first);
    assert.deepEqual(holds(), { chains: ['a', 'input'], sets: { ports: 1 } });
  });

  scene('an element that moves to another group stays', async ({ driver, holds }) => {
    const shape = { name: 'cluster-ips', type: 'set', key: ['ipv4_addr'] } as const;
    const ip = group({ key: ['10.96.0.10'] });
    await driver.apply(rulesetOf([], [setOf(shape, ip)]));
    assert.equal((await driver.apply(rulesetOf([], [setOf(shape, group(), ip)]))).changes, 0);
    assert.deepEqual(holds()?.sets, { 'cluster-ips': 1 });
  });

  scene('of two groups that claim one key, one has it', async ({ driver, holds }) => {
    const shape = { name: 'fronts', type: 'map', key: ['ipv4_addr'], data: ['number'] } as const;
    const claims = [1, 2].map((data) => group({ key: ['10.96.0.10'], data: [data] }, { key: [`10.96.0.2${data}`], data: [data] }));
    await driver.apply(rulesetOf([], [setOf(shape, ...claims)]));
    assert.deepEqual(holds()?.sets, { fronts: 3 });
  });

  scene('a set may change its shape under the same name', async ({ driver, holds }) => {
    await driver.apply(first);
    const v6 = setOf({ name: 'ports', type: 'set', key: ['ipv6_addr'] }, group({ key: ['fd00::1'] }, { key: ['fd00::2'] }));
    await driver.apply(rulesetOf([], [v6]));
    assert.deepEqual(holds(), { chains: [], sets: { ports: 2 } });
  });

  scene('blocks, ranges, concatenations with intervals and interface names are taken and given back', async ({ driver, holds }) => {
    const blocks = { name: 'blocks', type: 'set', key: ['ipv4_addr'], interval: true } as const;
    const allowed = { name: 'allowed', type: 'set', key: ['ipv4_addr', 'inet_proto', 'inet_service', 'ipv4_addr'], interval: true } as const;
    const links = { name: 'links', type: 'set', key: ['ifname', 'ipv4_addr'] } as const;
    const full = [
      setOf(blocks, group({ key: ['10.0.0.0/8'] }, { key: ['192.0.2.5-192.0.2.9'] }, { key: ['203.0.113.1'] })),
      setOf(allowed, group({ key: ['10.96.0.1', 'tcp', 80, '10.0.0.0/8'] }, { key: ['10.96.0.1', 'tcp', 80, '192.0.2.1'] })),
      setOf(links, group({ key: ['fl0', '10.244.1.2'] })),
    ];
    await driver.apply(rulesetOf([], full));
    assert.deepEqual(holds()?.sets, { blocks: 3, allowed: 2, links: 1 });
    const less = [setOf(blocks, group({ key: ['203.0.113.1'] })), setOf(allowed, group({ key: ['10.96.0.1', 'tcp', 80, '192.0.2.1'] })), setOf(links)];
    await driver.apply(rulesetOf([], less));
    assert.deepEqual(holds()?.sets, { blocks: 1, allowed: 1, links: 0 });
    await driver.apply(rulesetOf([], full));
    assert.deepEqual(holds()?.sets, { blocks: 3, allowed: 2, links: 1 });
  });

  const refused: [string, Ruleset][] = [
    ['an element that leads to no chain', rulesetOf([input], [setOf(ports, group(to('nowhere', 80)))])],
    ['a rule that asks no set', rulesetOf([input], [])],
    ['a jump to a base chain', rulesetOf([input, { name: 'x', rules: [{ when: [], then: { do: 'jump', chain: 'input' } }] }], [setOf(ports)])],
    ['a v6 address among v4', rulesetOf([], [setOf({ name: 's', type: 'set', key: ['ipv4_addr'] }, group({ key: ['fd00::1'] }))])],
    ['a port beyond the last', rulesetOf([], [setOf(ports, group({ key: ['tcp', 65_536], verdict: { do: 'drop' } }))])],
  ];
  for (const [about, ruleset] of refused) {
    scene(`PROXY-73: ${about} is refused, what was there stays, and the next apply mends all`, async ({ driver, holds }) => {
      await driver.apply(first);
      await assert.rejects(driver.apply(ruleset), (error: unknown) => error instanceof DriverError && error.input.length > 0);
      const held = holds();
      assert.deepEqual(held?.chains, ['a', 'input']);
      assert.equal(held?.sets['ports'], 1);
      await driver.apply(more);
      assert.deepEqual(holds(), { chains: ['a', 'b', 'input'], sets: { ports: 2 } });
    });
  }

  scene('remove leaves nothing, may be repeated, and apply starts anew', async ({ driver, holds }) => {
    await driver.remove();
    await driver.apply(first);
    await driver.remove();
    assert.equal(holds(), undefined);
    await driver.remove();
    await driver.apply(empty);
    assert.deepEqual(holds(), { chains: [], sets: {} });
  });

}

for (const [name, create] of Object.entries(kernelDrivers)) {
  test(`${name}: a new driver sweeps what any driver before it left`, async () => {
    const namespace = createNamespace(`rsd-${process.pid}-${made++}`);
    try {
      for (const before of Object.values(kernelDrivers)) {
        const old = before(namespace, 'fairlead');
        await old.apply(more);
        old.close?.();
        const driver = create(namespace, 'fairlead');
        await driver.apply(first);
        assert.deepEqual(holdsIn(namespace), { chains: ['a', 'input'], sets: { ports: 1 } });
        driver.close?.();
      }
    } finally {
      removeNamespace(namespace);
    }
  });
}
