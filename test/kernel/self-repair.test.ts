// KPX-25: what others do to our table is noticed without listing it, and the next apply puts it back.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import type { Endpoint, NetworkModel, ServicePort } from '../../src/model/network-model.ts';
import { createRenderer, TABLE } from '../../src/node/dataplane/render.ts';
import { createNetlinkRulesetDriver, type NetlinkRulesetDriver } from '../../src/node/linux/ruleset-netlink.ts';
import { createNamespace, inNamespace, type Netns, removeNamespace } from '../../src/node/netlink/namespaces.ts';

const origin = { kind: 'Service', namespace: 'default', name: 'web' };
const endpoint = (address: string): Endpoint => ({ address, port: 8080, local: true, origin });
const web = (...addresses: string[]): ServicePort => ({
  key: 'default/web:http/tcp/4',
  family: 4,
  protocol: 'TCP',
  virtual: [{ type: 'clusterIP', address: '10.96.0.10', port: 80, localOnly: false }, { type: 'nodePort', port: 30_080, localOnly: false }, { type: 'loadBalancer', address: '198.51.100.5', port: 80, localOnly: false }],
  endpoints: addresses.map(endpoint),
  allowedSources: ['203.0.113.0/24', '198.51.100.7'],
  origin,
});
const self = { name: 'a', ips: ['192.168.0.1'], podCIDRs: ['10.244.1.0/24'], peers: [], announces: [] };
const ranges = { podCIDRs: ['10.244.0.0/16'], serviceCIDRs: ['10.96.0.0/16'], nodePortAddresses: [] };
const modelOf = (port: ServicePort) => ({ self, ranges, services: new Map([[port.key, port]]), hostPorts: new Map(), policies: new Map() }) as unknown as NetworkModel;

let namespace: Netns;
let driver: NetlinkRulesetDriver;
const render = createRenderer();
const desired = render(modelOf(web('10.244.1.2', '10.244.1.3')));
const nft = (...words: string[]) => inNamespace(namespace, () => execFileSync('nft', words, { encoding: 'utf8' }));
/** Without what the kernel counts by itself. */
const listing = () => nft('-s', 'list', 'table', 'inet', TABLE);

before(async () => {
  namespace = createNamespace(`repair-${process.pid}`);
  driver = createNetlinkRulesetDriver(namespace, TABLE);
  await driver.apply(desired);
});
after(() => {
  driver.close();
  removeNamespace(namespace);
});

const damages = ['flush ruleset', `flush table inet ${TABLE}`, `delete table inet ${TABLE}`, `flush chain inet ${TABLE} services`, `flush map inet ${TABLE} service4`, `flush set inet ${TABLE} cluster-ips4`, `flush set inet ${TABLE} pods4`, `flush set inet ${TABLE} allowed-sources4`];
for (const damage of damages) {
  test(`KPX-25: after "nft ${damage}" the check says so, and the table comes back whole`, async () => {
    assert.equal(await driver.check!(), true);
    const whole = listing();
    nft(damage);
    assert.equal(await driver.check!(), false);
    await driver.apply(desired);
    assert.equal(listing(), whole);
    assert.equal(await driver.check!(), true);
  });
}

test('what others do in tables of their own leaves ours alone', async () => {
  nft('add table ip foreign; add chain ip foreign c; add rule ip foreign c accept');
  assert.equal(await driver.check!(), true);
  assert.equal((await driver.apply(desired)).changes, 0);
});

test('PROXY-68: all of ours is in one table; what others have, filters and holes in them, is untouched by every change and by the end', async () => {
  const elsewhere = createNamespace(`repair-others-${process.pid}`);
  const others = createNetlinkRulesetDriver(elsewhere, TABLE);
  const look = (...words: string[]) => inNamespace(elsewhere, () => execFileSync('nft', words, { encoding: 'utf8' }));
  try {
    look('add table inet filter; add chain inet filter input { type filter hook input priority 0; policy drop; }; add rule inet filter input tcp dport 22 accept');
    look('add table ip kube-proxy; add chain ip kube-proxy services; add set ip kube-proxy cluster-ips { type ipv4_addr; }');
    const before = look('list', 'ruleset');
    const foreign = () => look('list', 'ruleset').split(/^(?=table )/m).filter((table) => !table.startsWith(`table inet ${TABLE} `)).join('');
    for (const model of [modelOf(web('10.244.1.2')), modelOf(web('10.244.1.2', '10.244.1.3')), modelOf(web())]) {
      await others.apply(render(model));
      assert.equal(foreign(), before);
      assert.deepEqual(look('list', 'tables').trim().split('\n').toSorted(), [`table inet ${TABLE}`, 'table inet filter', 'table ip kube-proxy']);
    }
    await others.remove();
    assert.equal(look('list', 'ruleset'), before);
  } finally {
    others.close();
    removeNamespace(elsewhere);
  }
});

test('our own changes are no damage, and damage among them is seen', async () => {
  await driver.apply(render(modelOf(web('10.244.1.2', '10.244.1.4'))));
  assert.equal(await driver.check!(), true);
  nft(`flush chain inet ${TABLE} refuse`);
  await driver.apply(desired);
  assert.equal(await driver.check!(), false);
  await driver.apply(desired);
  assert.equal(await driver.check!(), true);
});
