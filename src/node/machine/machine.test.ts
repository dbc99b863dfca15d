import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { familyOf } from '../../base/net/address.ts';
import { hostSockets, type Sockets } from '../../base/run/sockets.ts';
import { addAddress } from '../netlink/addresses.ts';
import { createWiringRenderer } from '../dataplane/render-wiring.ts';
import { nodeSysctls } from '../linux/namespace-sysctls.ts';
import { attachPod, detachPod, type PodLink } from '../linux/pod-link.ts';
import { linuxWiringDriver } from '../linux/wiring-linux.ts';
import { createNamespace, inNamespace, listNamespaces, type Netns } from '../netlink/namespaces.ts';
import { namespaceSockets } from '../netlink/namespace-sockets.ts';
import { addRoute } from '../netlink/routes.ts';
import { withRtnetlink } from '../netlink/rtnetlink.ts';
import { readSysctlHere } from '../netlink/sysctl.ts';
import type { MachineDescription } from './description.ts';
import { addNode, createMachine, machineExists, removeMachine, removeNode, sweepMachine } from './machine.ts';
import { hostLinkName, namespacePrefix, nodeNamespace } from './names.ts';

const cluster = `m${process.pid}`;
const description: MachineDescription = {
  cluster,
  subnets: ['10.98.7.0/24', 'fd98:7::/64'],
  nodes: [
    { name: 'master', addresses: ['10.98.7.4', 'fd98:7::4'] },
    { name: 'node1', addresses: ['10.98.7.5', 'fd98:7::5'] },
    { name: 'node2', addresses: ['10.98.7.15', 'fd98:7::15'] },
  ],
  outside: [{ name: 'client', addresses: ['10.98.7.100', 'fd98:7::100'] }],
  pools: ['10.98.8.0/28', 'fd98:8::/120'],
};
const node = (name: string) => nodeNamespace(cluster, name);
/** Serves one connection: says who called. */
async function greet(sockets: Sockets, address: string): Promise<string[]> {
  const callers: string[] = [];
  const server = createServer((peer) => {
    callers.push(peer.remoteAddress!);
    peer.end(`hello from ${peer.localAddress}`);
  });
  await sockets.listenTcp(server, { address, port: 80 });
  server.unref();
  return callers;
}

const hello = (from: Sockets, address: string) => text(from.connectTcp({ address, port: 80 }));

async function udpEcho(from: Sockets, server: Sockets, [near, far]: readonly [string, string]): Promise<string> {
  const type = familyOf(far) === 4 ? 'udp4' : 'udp6';
  const [echo, client] = [createSocket(type), createSocket(type)];
  await server.bindUdp(echo, { address: far, port: 53 });
  await from.bindUdp(client, { address: near, port: 0 });
  echo.on('message', (message, peer) => echo.send(`${peer.address} said ${message}`, peer.port, peer.address));
  client.send('hi', 53, far);
  const [answer] = await once(client, 'message');
  echo.close();
  client.close();
  return String(answer);
}

const failure = async (from: Sockets, address: string) =>
  (await once(from.connectTcp({ address, port: 80 }), 'error'))[0].code as string;

describe('the machine room', () => {
  before(() => createMachine(description));
  after(() => removeMachine(cluster));

  for (const address of ['10.98.7.5', 'fd98:7::5']) {
    test(`NET-11: other nodes, outside hosts and this machine reach node address ${address}, each under its own`, async () => {
      const callers = await greet(namespaceSockets(node('node1')), address);
      for (const from of [namespaceSockets(node('node2')), namespaceSockets(node('client')), hostSockets]) {
        assert.equal(await hello(from, address), `hello from ${address}`);
      }
      const v4 = familyOf(address) === 4;
      assert.deepEqual(callers, v4 ? ['10.98.7.15', '10.98.7.100', '10.98.7.254'] : ['fd98:7::15', 'fd98:7::100', 'fd98:7::fe']);
    });
  }

  test('a LoadBalancer address beside the subnet is reached on the link once a node answers for it', async () => {
    const announces = ['10.98.8.1', 'fd98:8::1'];
    const view = { name: 'node2', ips: description.nodes[2]!.addresses, podCIDRs: [], peers: [], announces };
    const driver = linuxWiringDriver(node('node2'));
    await driver.apply(createWiringRenderer('eth0')({ self: view }));
    // IPv6 lets nobody bind to such an address, because no link has it: packets are translated before that matters.
    await greet(namespaceSockets(node('node2')), '::');
    for (const address of announces) {
      for (const from of [hostSockets, namespaceSockets(node('client')), namespaceSockets(node('node1'))]) {
        assert.equal((await hello(from, address)).replace('::ffff:', ''), `hello from ${address}`);
      }
    }
    await driver.remove();
  });

  for (const address of ['192.0.2.77', '2001:db8::77']) {
    test(`an unknown destination (${address}) is refused to a node: nobody waits for a time-out`, async () => {
      assert.match(await failure(namespaceSockets(node('node1')), address), /^(EHOSTUNREACH|ENETUNREACH)$/);
    });
  }

  test('PROXY-41: nodes forward in both families, send no redirects, and let nobody reach their loopback', () => {
    const read = (key: string) => inNamespace(node('node1'), () => readSysctlHere(key));
    assert.deepEqual(
      ['net/ipv4/ip_forward', 'net/ipv6/conf/all/forwarding', 'net/ipv4/conf/eth0/send_redirects', 'net/ipv4/conf/eth0/rp_filter', 'net/ipv4/conf/all/route_localnet', 'net/ipv4/conf/eth0/route_localnet'].map(read),
      ['1', '1', '0', '0', '0', '0'],
    );
    // Read above, the last two would be 0 without us as well, but on machines whose own were 1.
    assert.deepEqual(['all', 'default'].map((link) => nodeSysctls[`net/ipv4/conf/${link}/route_localnet`]), ['0', '0']);
  });

  test('a second machine of the same name is refused, and the first stays', () => {
    assert.throws(() => createMachine(description), /is up already/);
    assert.equal(listNamespaces(namespacePrefix(cluster)).length, 5);
  });

  describe('with routed pods', () => {
    const pods = {
      a: { on: 'node1', ips: ['10.244.1.2', 'fd00:244:1::2'] },
      b: { on: 'node1', ips: ['10.244.1.3', 'fd00:244:1::3'] },
      c: { on: 'node2', ips: ['10.244.2.2', 'fd00:244:2::2'] },
    };
    const podNs = new Map<string, Netns>();
    const sockets = (pod: string) => namespaceSockets(podNs.get(pod)!);

    before(() => {
      for (const [name, { on, ips }] of Object.entries(pods)) {
        podNs.set(name, createNamespace(`${namespacePrefix(cluster)}${on}.${name}`));
        attachPod(node(on), { podNs: podNs.get(name)!, name: `veth${name}`, ips, mtu: 1500 } satisfies PodLink);
      }
      const ranges = [['node1', '10.244.2.0/24', '10.98.7.15'], ['node1', 'fd00:244:2::/64', 'fd98:7::15'],
        ['node2', '10.244.1.0/24', '10.98.7.5'], ['node2', 'fd00:244:1::/64', 'fd98:7::5']] as const;
      for (const [name, prefix, via] of ranges) {
        withRtnetlink(node(name), (rtnetlink) => rtnetlink.send(addRoute({ prefix, via, link: 'eth0' })));
      }
    });

    for (const family of [0, 1] as const) {
      const [a, b, c] = [pods.a.ips[family]!, pods.b.ips[family]!, pods.c.ips[family]!];
      test(`NET-22: TCP and UDP from pod to pod, same node and across nodes, addresses untouched (${a})`, async () => {
        for (const [pod, address] of [['b', b], ['c', c]] as const) {
          const callers = await greet(sockets(pod), address);
          assert.equal(await hello(sockets('a'), address), `hello from ${address}`);
          assert.deepEqual(callers, [a]);
          assert.equal(await udpEcho(sockets('a'), sockets(pod), [a, address]), `${a} said hi`);
        }
      });
      test(`a pod reaches itself and its node, and the node reaches the pod under its own address (${a})`, async () => {
        const callers = await greet(sockets('a'), a);
        const nodeAddress = description.nodes[1]!.addresses[family]!;
        assert.equal(await hello(sockets('a'), a), `hello from ${a}`);
        assert.equal(await hello(namespaceSockets(node('node1')), a), `hello from ${a}`);
        assert.deepEqual(callers, [a, nodeAddress]);
        assert.equal(await udpEcho(sockets('a'), namespaceSockets(node('node1')), [a, nodeAddress]), `${a} said hi`);
      });
      test(`NET-15: a machine outside the cluster has no way to a pod address (${a})`, async () => {
        assert.match(await failure(hostSockets, a), /^(EHOSTUNREACH|ENETUNREACH)$/);
        assert.match(await failure(namespaceSockets(node('client')), a), /^(EHOSTUNREACH|ENETUNREACH)$/);
      });
    }

    test('a pod that speaks under another address is not heard', async () => {
      const forged = '10.244.9.9';
      withRtnetlink(podNs.get('a')!, (rtnetlink) => rtnetlink.send(addAddress({ link: 'eth0', address: `${forged}/32` })));
      const [server, liar, honest] = [createSocket('udp4'), createSocket('udp4'), createSocket('udp4')];
      await namespaceSockets(node('node1')).bindUdp(server, { address: '10.98.7.5', port: 5000 });
      await sockets('a').bindUdp(liar, { address: forged, port: 0 });
      await sockets('a').bindUdp(honest, { address: pods.a.ips[0]!, port: 0 });
      const first = once(server, 'message');
      liar.send('lie', 5000, '10.98.7.5', () => honest.send('truth', 5000, '10.98.7.5'));
      assert.equal(String((await first)[0]), 'truth');
      for (const socket of [server, liar, honest]) socket.close();
    });

    test('detaching takes links, routes and neighbours; twice is fine; the name is free again', async () => {
      const podRoutes = () => withRtnetlink(node('node1'), (rtnetlink) => rtnetlink.routes().filter(({ link }) => link === 'vethb'));
      assert.deepEqual(podRoutes().map(({ prefix }) => prefix).sort(), ['10.244.1.3/32', 'fd00:244:1::3/128', 'fe80::/64']);
      await detachPod(node('node1'), 'vethb');
      await detachPod(node('node1'), 'vethb');
      await detachPod(node('gone'), 'vethb');
      assert.deepEqual(podRoutes(), []);
      attachPod(node('node1'), { podNs: podNs.get('b')!, name: 'vethb', ips: pods.b.ips });
    });

    test('an attachment that fails leaves no link behind', () => {
      const spare = createNamespace(`${namespacePrefix(cluster)}node1.spare`);
      const link = { podNs: spare, name: 'vethspare', ips: pods.a.ips };
      assert.throws(() => attachPod(node('node1'), link), { name: 'Error', driver: 'pod link', input: /route add 10\.244\.1\.2\/32/ });
      withRtnetlink(node('node1'), (rtnetlink) => assert.equal(rtnetlink.link('vethspare'), undefined));
    });
  });

  test('a node may come later and go again', async () => {
    addNode(description, { name: 'node9', addresses: ['10.98.7.9', 'fd98:7::9'] });
    await greet(namespaceSockets(node('node9')), '10.98.7.9');
    assert.equal(await hello(hostSockets, '10.98.7.9'), 'hello from 10.98.7.9');
    assert.throws(() => addNode(description, { name: 'node9', addresses: ['10.98.7.9'] }), { code: 'EEXIST' });
    removeNode(cluster, 'node9');
    removeNode(cluster, 'node9');
    assert.equal(listNamespaces(namespacePrefix(cluster)).some(({ name }) => name.endsWith('node9')), false);
  });

  test('a cluster whose name begins with ours is not touched when ours is removed', () => {
    const neighbour = createNamespace(`${namespacePrefix(`${cluster}-b`)}node1`);
    removeMachine(cluster);
    assert.equal(machineExists(cluster), false);
    assert.deepEqual(listNamespaces(`fl-${cluster}`), [neighbour]);
    sweepMachine(`${cluster}-b`);
    assert.deepEqual(listNamespaces(`fl-${cluster}`), []);
    removeMachine(cluster);
  });

  test('a machine that cannot be finished leaves nothing either', () => {
    const broken = { ...description, nodes: [...description.nodes, { name: 'far', addresses: ['192.0.2.1'] }] };
    assert.throws(() => createMachine(broken), /192\.0\.2\.1 is in none of the node subnets/);
    assert.equal(machineExists(cluster), false);
    withRtnetlink({ name: '', path: '/proc/self/ns/net' }, (home) => assert.equal(home.link(hostLinkName(cluster)), undefined));
  });

  test('kill -9 in the middle of it all: one sweep, and links, routes, addresses and namespaces are as before', () => {
    const here = JSON.stringify(new URL('./machine.ts', import.meta.url).href);
    const make = `import(${here}).then((m) => { m.createMachine(${JSON.stringify(description)}); process.kill(process.pid, 'SIGKILL'); })`;
    const sweep = `import(${here}).then((m) => m.sweepMachine('${cluster}'))`;
    const script = `
      mount -t tmpfs tmpfs /run && mkdir -p /run/netns && ip link set lo up
      state() { ip -o link; ip route; ip -6 route; ip -o address; ip rule; ip netns; ls /run/netns; }
      before=$(state); "$0" -e "$1"; during=$(state); "$0" -e "$2" || exit 3
      [ "$before" != "$during" ] || exit 4
      [ "$before" = "$(state)" ]`;
    execFileSync('unshare', ['--net', '--mount', '--propagation', 'private', 'sh', '-c', script, process.execPath, make, sweep], { stdio: 'pipe' });
  });
});
