import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { addAddress } from '../netlink/addresses.ts';
import { type Flow, listFlows } from '../netlink/conntrack.ts';
import { setLink } from '../netlink/links.ts';
import { createNamespace, type Netns, removeNamespace } from '../netlink/namespaces.ts';
import { namespaceSockets, spawnIn } from '../netlink/namespace-sockets.ts';
import { withRtnetlink } from '../netlink/rtnetlink.ts';
import { conntrackDriver } from './conntrack-driver.ts';
import { flowKey, type FlowTargets, type FlowWishes } from './wiring.ts';

const service = '10.96.0.10';
const [first, second] = ['10.1.0.1', '10.1.0.2'];

const wishes = (...targets: FlowTargets[]): FlowWishes => new Map(targets.map((each) => [flowKey(each), each]));
const to = (...addresses: string[]): FlowTargets => ({ protocol: 'UDP', address: service, port: 53, endpoints: addresses.map((address) => ({ address, port: 5353 })) });

describe('conntrack driver', () => {
  let namespace: Netns;
  let client: Socket;
  const servers: Socket[] = [];

  const lead = async (endpoint: string) => {
    const rules = `flush ruleset
      table inet t { chain o { type nat hook output priority -100; meta l4proto udp ip daddr ${service} udp dport 53 dnat ip to ${endpoint}:5353; }
      }`;
    const nft = spawnIn(namespace, 'nft', ['-f', '-'], { stdio: ['pipe', 'inherit', 'inherit'] });
    nft.stdin!.end(rules);
    assert.equal((await once(nft, 'close'))[0], 0);
  };
  const ask = async () => {
    client.send('?', 53, service);
    return String((await once(client, 'message'))[0]);
  };
  const toService = () => listFlows(namespace).filter(({ original }) => original.destination === service);

  beforeEach(async () => {
    namespace = createNamespace(`test-ct-${process.pid}`);
    withRtnetlink(namespace, (rtnetlink) =>
      rtnetlink.send(setLink('lo', { up: true }), ...[service, first, second].map((address) => addAddress({ link: 'lo', address: `${address}/32` }))),
    );
    const sockets = namespaceSockets(namespace);
    for (const address of [first, second]) {
      const server = createSocket('udp4');
      await sockets.bindUdp(server, { address, port: 5353 });
      server.on('message', (_, peer) => server.send(address, peer.port, peer.address));
      servers.push(server);
    }
    client = createSocket('udp4');
    await sockets.bindUdp(client, { address: '127.0.0.1', port: 0 });
    await lead(first);
  });
  afterEach(() => {
    client.close();
    servers.splice(0).forEach((server) => server.close());
    removeNamespace(namespace);
  });

  test('an entry says where a connection was sent and who answers', async () => {
    assert.equal(await ask(), first);
    const { port } = client.address();
    const expected: Flow = {
      protocol: 17,
      original: { source: '127.0.0.1', destination: service, sourcePort: port, destinationPort: 53 },
      reply: { source: first, destination: '127.0.0.1', sourcePort: 5353, destinationPort: port },
    };
    assert.deepEqual(toService(), [expected]);
  });

  test('KPX-17, PROXY-26: a UDP client follows at once when its endpoint goes: the old entry is forgotten, the rule decides anew', async () => {
    const driver = conntrackDriver(namespace);
    await driver.apply(wishes(to(first)));
    assert.equal(await ask(), first);
    await lead(second);
    assert.equal(await ask(), first, 'the entry outlives the rule: that is why the driver exists');
    assert.equal((await driver.apply(wishes(to(second)))).changes, 1);
    assert.equal(await ask(), second);
  });

  test('TOPO-41, PROXY-31: entries to endpoints that stay are kept, however the rest changes', async () => {
    const driver = conntrackDriver(namespace);
    await ask();
    assert.equal((await driver.apply(wishes(to(first)))).changes, 0);
    assert.equal((await driver.apply(wishes(to(first, second)))).changes, 0);
    assert.equal((await driver.apply(wishes(to(first)))).changes, 0);
    assert.equal(toService().length, 1);
  });

  test('KPX-17: when the last endpoint goes, what led to it is forgotten, and nothing else', async () => {
    const driver = conntrackDriver(namespace);
    const other: FlowTargets = { ...to(first), address: second, port: 5353, endpoints: [{ address: second, port: 5353 }] };
    await driver.apply(wishes(to(first), other));
    await ask();
    client.send('?', 5353, second);
    await once(client, 'message');
    assert.equal((await driver.apply(wishes(to(), other))).changes, 1);
    assert.deepEqual([toService(), listFlows(namespace).filter(({ original }) => original.destination === second).length], [[], 1]);
  });

  test('a Service that goes takes its entries along', async () => {
    const driver = conntrackDriver(namespace);
    await driver.apply(wishes(to(first)));
    await ask();
    assert.equal((await driver.apply(wishes())).changes, 1);
    assert.deepEqual(toService(), []);
  });

  test('a restarted driver forgets what leads elsewhere than wished', async () => {
    await ask();
    assert.equal((await conntrackDriver(namespace).apply(wishes(to(second)))).changes, 1);
  });

  test('entries that were made before the Service had endpoints are forgotten too', async () => {
    const driver = conntrackDriver(namespace);
    await driver.apply(wishes(to()));
    await ask();
    assert.equal((await driver.apply(wishes(to(second)))).changes, 1);
  });
});
