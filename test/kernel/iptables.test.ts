// The iptables driver on a kernel of its own: what people read in iptables-save, what it leaves to others, how it repairs,
// and how a node goes from one language to the other.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Endpoint, NetworkModel, ServicePort } from '../../src/model/network-model.ts';
import { type ProxyMode, removeRules, rulesStep } from '../../src/node/agent/rules-step.ts';
import { createIptablesRenderer } from '../../src/node/dataplane/iptables/render-iptables.ts';
import type { Driver } from '../../src/node/linux/driver.ts';
import { createIptablesDriver, holdsIptablesRules } from '../../src/node/linux/iptables/iptables-driver.ts';
import type { IptablesRules } from '../../src/node/iptables/rules.ts';
import { createNamespace, inNamespace, type Netns, removeNamespace } from '../../src/node/netlink/namespaces.ts';

const origin = { kind: 'Service', namespace: 'default', name: 'web' };
const isHere = (address: string) => address.startsWith('10.244.1.');
const endpoint = (address: string): Endpoint => ({ address, port: 8080, local: isHere(address), node: isHere(address) ? 'a' : 'b', origin });
const web = (addresses: readonly string[], more: Partial<ServicePort> = {}): ServicePort => ({
  key: 'default/web:http/tcp/4',
  family: 4,
  protocol: 'TCP',
  virtual: [{ type: 'clusterIP', address: '10.96.9.14', port: 80, localOnly: false }, { type: 'nodePort', port: 31_160, localOnly: false }],
  endpoints: addresses.map(endpoint),
  origin,
  ...more,
});
const self = { name: 'a', ips: ['192.168.0.1'], podCIDRs: ['10.244.1.0/24'], peers: [], announces: [] };
const ranges = { podCIDRs: ['10.244.0.0/16'], serviceCIDRs: ['10.96.0.0/16'], nodePortAddresses: [] };
const modelOf = (...ports: ServicePort[]) => ({ self, ranges, services: new Map(ports.map((port) => [port.key, port])), hostPorts: new Map(), policies: new Map() }) as unknown as NetworkModel;
const three = ['10.244.1.2', '10.244.1.3', '10.244.2.2'];

let namespace: Netns;
let driver: Driver<IptablesRules>;
const render = createIptablesRenderer();
const run = (program: string, ...words: string[]) => inNamespace(namespace, () => execFileSync(program, words, { encoding: 'utf8' }));
/** Without times and packet counts. */
const saved = (program = 'iptables-save') => run(program).replaceAll(/^#.*\n/gm, '').replaceAll(/ \[\d+:\d+\]$/gm, '');
let made = 0;

beforeEach(() => {
  namespace = createNamespace(`iptables-${process.pid}-${made++}`);
  driver = createIptablesDriver(namespace);
});
afterEach(() => removeNamespace(namespace));

test('KPX-12, PROXY-44 … PROXY-46, PROXY-49 … PROXY-51: iptables-save shows a Service as people know it', async () => {
  await driver.apply(render(modelOf(web(three))));
  // Declarations say nothing that the rules do not.
  const rules = saved().replaceAll(/^:.*\n/gm, '');
  assert.equal(rules, readFileSync(join(import.meta.dirname, 'iptables-save.golden'), 'utf8'));
});

test('PROXY-81: the same wish again changes nothing; PROXY-55: an endpoint costs the chains of its Service', async () => {
  const other = { ...web(three), key: 'default/other:http/tcp/4', virtual: [{ type: 'clusterIP' as const, address: '10.96.9.15', port: 80, localOnly: false }] };
  await driver.apply(render(modelOf(web(three), other)));
  assert.equal((await driver.apply(render(modelOf(web(three), other)))).changes, 0);
  // KUBE-SVC is written, one KUBE-SEP goes.
  assert.equal((await driver.apply(render(modelOf(web(three.slice(0, 2)), other)))).changes, 2);
});

test('PROXY-59: the driver says how many rules there are and how many it wrote', async () => {
  const lines = (table: string) => saved().split('*').find((section) => section.startsWith(table))!.split('\n').filter((line) => line.startsWith('-A')).length;
  const first = (await driver.apply(render(modelOf(web(three))))).rules!;
  for (const table of ['nat', 'filter']) assert.deepEqual(first[table], { total: lines(table), written: lines(table) }, table);
  const next = (await driver.apply(render(modelOf(web(three.slice(0, 2)))))).rules!;
  // KUBE-SVC again, with its mark and two choices; one KUBE-SEP goes.
  assert.deepEqual([next['nat'], next['filter']], [{ total: lines('nat'), written: 3 }, { total: lines('filter'), written: 0 }]);
});

test('PROXY-56: what a Service had goes with it; PROXY-15: a node without IPv6 has no ip6tables', async () => {
  await driver.apply(render(modelOf()));
  const without = saved();
  await driver.apply(render(modelOf(web(three, { stickySeconds: 60, allowedSources: ['203.0.113.0/24'] }))));
  assert.notEqual(saved(), without);
  await driver.apply(render(modelOf()));
  assert.equal(saved(), without);
  assert.equal(saved('ip6tables-save'), '');
});

test('PROXY-57: of more than 1000 endpoints the rules carry no comments', async () => {
  const many = Array.from({ length: 1001 }, (_, i) => `10.244.${2 + (i >> 8)}.${i & 255}`);
  await driver.apply(render(modelOf(web(many))));
  assert.equal(/-A KUBE-SEP-\S+ .*comment/.test(saved()), false);
  assert.match(saved(), /-A KUBE-SERVICES -d 10.96.9.14\/32 -p tcp -m comment --comment "default\/web:http cluster IP"/);
});

test('HPT-03: a host port has a chain as kubelets gave it, and it goes with its pod', async () => {
  const origin = { kind: 'Pod', namespace: 'default', name: 'agent' };
  const hostPort: ServicePort = {
    key: 'pod/default/agent:80/tcp/4', family: 4, protocol: 'TCP', origin,
    virtual: [{ type: 'hostPort', address: '172.18.0.11', port: 80, localOnly: false }],
    endpoints: [{ address: '10.244.1.9', port: 8080, node: 'a', local: true, pod: origin, origin }],
  };
  await driver.apply(render(modelOf()));
  const without = saved();
  await driver.apply(render({ ...modelOf(), hostPorts: new Map([[hostPort.key, hostPort]]) }));
  const [chain] = /KUBE-HP-[A-Z2-7]{16}/.exec(saved()) ?? [];
  assert.deepEqual(saved().split('\n').filter((line) => line.startsWith('-A') && line.includes('hostport')), [
    `-A ${chain} -s 10.244.1.9/32 -m comment --comment "default/agent hostport 80" -j KUBE-MARK-MASQ`,
    `-A ${chain} -p tcp -m comment --comment "default/agent hostport 80" -j DNAT --to-destination 10.244.1.9:8080`,
    `-A KUBE-SERVICES -d 172.18.0.11/32 -p tcp -m comment --comment "default/agent hostport 80" -m tcp --dport 80 -j ${chain}`,
  ]);
  await driver.apply(render(modelOf()));
  assert.equal(saved(), without);
});

describe('beside others', () => {
  const foreign = () => {
    run('iptables', '-A', 'FORWARD', '-s', '198.51.100.0/24', '-j', 'DROP');
    run('iptables', '-t', 'nat', '-N', 'KUBE-KUBELET-CANARY');
    run('iptables', '-t', 'nat', '-A', 'POSTROUTING', '-m', 'comment', '--comment', 'not -j KUBE-SERVICES', '-j', 'RETURN');
  };

  test('PROXY-82: a new driver finds what an old one left; removal leaves what others have', async () => {
    foreign();
    const before = saved();
    await driver.apply(render(modelOf(web(three), { ...web(three), key: 'default/gone:http/tcp/4' })));
    const again = createIptablesDriver(namespace);
    await again.apply(render(modelOf(web(three))));
    const fresh = saved();
    await driver.remove();
    assert.equal(saved(), before);
    await createIptablesDriver(namespace).apply(render(modelOf(web(three))));
    assert.equal(saved(), fresh);
  });

  const damages = [
    ['iptables', '-t', 'nat', '-F'],
    ['iptables', '-F', 'KUBE-SERVICES'],
    ['iptables', '-D', 'FORWARD', '1'],
    ['nft', 'flush ruleset'],
  ] as const;
  for (const [program, ...words] of damages) {
    test(`KPX-25: after "${program} ${words.join(' ')}" the check says so, and all comes back`, async () => {
      await driver.apply(render(modelOf(web(three))));
      assert.equal(await driver.check!(), true);
      const whole = saved();
      run(program, ...words);
      assert.equal(await driver.check!(), false);
      await driver.apply(render(modelOf(web(three))));
      assert.equal(saved(), whole);
      assert.equal(await driver.check!(), true);
    });
  }

  test('what others do with chains of their own is no damage', async () => {
    await driver.apply(render(modelOf(web(three))));
    foreign();
    assert.equal(await driver.check!(), true);
    assert.equal((await driver.apply(render(modelOf(web(three))))).changes, 0);
  });
});

describe('PROXY-06: from one language to the other', () => {
  const has = () => ({ iptables: holdsIptablesRules(namespace) || saved().includes('KUBE-'), nftables: run('nft', 'list', 'tables').includes('inet fairlead') });
  const model = modelOf(web(three));

  for (const [from, to] of [['nftables', 'iptables'], ['iptables', 'nftables']] as const satisfies [ProxyMode, ProxyMode][]) {
    test(`${from} to ${to} leaves nothing of the first; removal leaves nothing at all`, async () => {
      await rulesStep(from, namespace).apply(model);
      assert.deepEqual(has(), { iptables: from === 'iptables', nftables: from === 'nftables' });
      await rulesStep(to, namespace).apply(model);
      assert.deepEqual(has(), { iptables: to === 'iptables', nftables: to === 'nftables' });
      await removeRules(namespace);
      assert.deepEqual(has(), { iptables: false, nftables: false });
    });
  }

  test('nftables lets the chains of a kube-proxy be', async () => {
    run('iptables', '-t', 'nat', '-N', 'KUBE-SERVICES');
    run('iptables', '-t', 'nat', '-A', 'PREROUTING', '-j', 'KUBE-SERVICES');
    const before = saved();
    await rulesStep('nftables', namespace).apply(model);
    await removeRules(namespace);
    assert.equal(saved(), before);
  });
});
