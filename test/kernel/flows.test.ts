// What is decided once a flow: its packets go one way, whatever becomes of the Service meanwhile. By each kind of rules.
//
//   client 10.244.1.100 ── node ── 10.244.1.2, .3, .4: echoes of lines and datagrams that say which of them answers
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { createInterface } from 'node:readline';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type { Endpoint, NetworkModel, ServicePort } from '../../src/model/network-model.ts';
import { namespaceSockets } from '../../src/node/netlink/namespace-sockets.ts';
import { createNamespace, inNamespace, type Netns, removeNamespace } from '../../src/node/netlink/namespaces.ts';
import { openRuleHands, type RuleHands, type RulesBy } from './judge/rule-hands.ts';

const clusterIP = '10.96.0.10';
const client = '10.244.1.100';
const pods = ['10.244.1.2', '10.244.1.3', '10.244.1.4'] as const;
const port = 8080;

const origin = { kind: 'Service', namespace: 'default', name: 'web' };
const endpoint = (address: string): Endpoint => ({ address, port, local: true, origin });
const self = { name: 'a', ips: ['192.168.0.1'], podCIDRs: ['10.244.1.0/24'], peers: [], announces: [] };
const ranges = { podCIDRs: ['10.244.0.0/16'], serviceCIDRs: ['10.96.0.0/16'], nodePortAddresses: [] };

const portOf = (protocol: 'TCP' | 'UDP', addresses: readonly string[]): ServicePort => ({
  key: `default/web:80/${protocol.toLowerCase()}/4`, family: 4, protocol, origin,
  virtual: [{ type: 'clusterIP', address: clusterIP, port: 80, localOnly: false }],
  endpoints: addresses.map(endpoint),
});
const modelOf = (...ports: ServicePort[]) =>
  ({ self, ranges, services: new Map(ports.map((each) => [each.key, each])), hostPorts: new Map(), policies: new Map() }) as unknown as NetworkModel;
const web = (...addresses: string[]): NetworkModel => modelOf(portOf('TCP', addresses), portOf('UDP', addresses));

const room = (what: string) => createNamespace(`flows-${what}-${process.pid}`, { 'net/ipv4/ip_forward': '1' });
const ip = (namespace: Netns, ...lines: string[]) => inNamespace(namespace, () => execFileSync('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n` }));

let node: Netns;
let far: Netns;
let near: Netns;
const servers: (Server | UdpSocket)[] = [];
const open = new Set<() => unknown>();

before(async () => {
  [node, far, near] = [room('n'), room('p'), room('c')];
  ip(node, 'link set lo up', `link add p0 type veth peer name e0 netns ${far.name}`, `link add c0 type veth peer name e0 netns ${near.name}`, 'link set p0 up', 'link set c0 up', 'addr add 192.168.0.1/32 dev lo');
  for (const [namespace, link, addresses] of [[far, 'p0', pods], [near, 'c0', [client]]] as const) {
    ip(namespace, 'link set lo up', 'link set e0 up', ...addresses.map((address) => `addr add ${address}/32 dev e0`), 'route add 192.168.0.1 dev e0', 'route add default via 192.168.0.1');
    ip(node, ...addresses.map((address) => `route add ${address}/32 dev ${link}`));
  }
  for (const address of pods) {
    const tcp = createServer((stream) => {
      open.add(() => stream.destroy());
      stream.on('error', () => {});
      createInterface({ input: stream }).on('line', (line) => stream.write(`${address} ${line}\n`));
    });
    await namespaceSockets(far).listenTcp(tcp, { address, port });
    const udp = createSocket('udp4');
    udp.on('message', (_, peer) => udp.send(address, peer.port, peer.address));
    await namespaceSockets(far).bindUdp(udp, { address, port });
    servers.push(tcp, udp);
  }
});
after(() => {
  servers.forEach((server) => server.close());
  for (const each of [node, far, near]) removeNamespace(each);
});
afterEach(() => {
  for (const close of open) close();
  open.clear();
});

/** A stream through the cluster IP: each word is answered with the address of whoever has it. */
async function openStream(): Promise<{ say(word: string): Promise<string> }> {
  const stream = namespaceSockets(near).connectTcp({ address: clusterIP, port: 80 });
  open.add(() => stream.destroy());
  await once(stream, 'connect');
  const lines = createInterface({ input: stream })[Symbol.asyncIterator]();
  return {
    async say(word) {
      stream.write(`${word}\n`);
      const [address, heard] = String((await lines.next()).value).split(' ');
      assert.equal(heard, word);
      return address!;
    },
  };
}

async function openDatagrams(): Promise<{ ask(): Promise<string> }> {
  const socket = createSocket('udp4');
  open.add(() => socket.close());
  await namespaceSockets(near).bindUdp(socket, { address: client, port: 0 });
  return {
    async ask() {
      const answer = once(socket, 'message');
      socket.send('?', 80, clusterIP);
      return String((await answer)[0]);
    },
  };
}

const times = async <T>(count: number, ask: () => Promise<T>): Promise<Set<T>> => {
  const seen = new Set<T>();
  for (let i = 0; i < count; i++) seen.add(await ask());
  return seen;
};

for (const by of ['netlink', 'text', 'iptables'] satisfies RulesBy[]) {
  describe(`rules by ${by}`, () => {
    let hands: RuleHands;
    beforeEach(() => (hands = openRuleHands(node, by)));
    afterEach(async () => {
      await hands.apply(modelOf());
      hands.close();
    });

    test('KPX-07: all datagrams of one socket, and all words of one stream, go to one endpoint; others to any', async () => {
      await hands.apply(web(...pods));
      const [stream, datagrams] = [await openStream(), await openDatagrams()];
      assert.equal((await times(30, () => stream.say('word'))).size, 1);
      assert.equal((await times(30, () => datagrams.ask())).size, 1);
      // To miss one of three in sixty tries: below one in ten thousand million.
      assert.deepEqual([...(await times(60, async () => (await openStream()).say('word')))].toSorted(), [...pods]);
      assert.deepEqual([...(await times(60, async () => (await openDatagrams()).ask()))].toSorted(), [...pods]);
    });

    test('KPX-19, PROXY-26: a stream stays where it is while endpoints come, while its own goes, and without the Service', async () => {
      await hands.apply(web(pods[0]));
      const stream = await openStream();
      assert.equal(await stream.say('alone'), pods[0]);
      await hands.apply(web(...pods));
      assert.equal(await stream.say('together'), pods[0]);
      await hands.apply(web(pods[1]));
      assert.equal(await stream.say('removed'), pods[0]);
      assert.deepEqual([...(await times(10, async () => (await openStream()).say('new')))], [pods[1]]);
      await hands.apply(modelOf());
      assert.equal(await stream.say('orphaned'), pods[0]);
    });
  });
}
