// Balancing when a process connects, on this machine's loopback: real programs on a real cgroup, without a rule beneath.
// Listeners tell at which port they were reached; the probes check that the answer seems to come from the front.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as passed } from 'node:timers/promises';
import { type ConnectFront, type ConnectTable } from '../../src/node/bpf/render-connect.ts';
import { nodeCgroup, removeCgroups } from '../../src/node/bpf/cgroups.ts';
import { connectDriver } from '../../src/node/bpf/connect-driver.ts';
import { DriverError } from '../../src/node/linux/driver.ts';
import { SOCK_DGRAM } from '../../src/node/netlink/ffi.ts';
import { homeNamespace } from '../../src/node/netlink/namespaces.ts';
import { whyNoConnectTime } from './judge/connect-support.ts';
import { type Listeners, openListeners, type Reception } from './judge/listeners.ts';
import { openSender, sendTcp, sendUdp, type Sending } from './judge/probes.ts';

const why = await whyNoConnectTime();
const cluster = 'connect-test';
const cgroup = nodeCgroup(cluster, 'one') ?? '';
const ports = [8081, 8082, 8083];
const origin = { kind: 'Service', name: 'web' };

const place = (port: number, address = '127.0.0.1') => ({ address, port });
const front = (part: Partial<ConnectFront> = {}): ConnectFront => ({ address: '10.96.0.1', port: 80, protocol: 'TCP', endpoints: [place(8081)], stickySeconds: 0, origin, ...part });
const table = (...fronts: ConnectFront[]): ConnectTable => new Map(fronts.map((each, index) => [`default/web:${index}`, [each]]));
const sending = (part: Partial<Sending> = {}): Sending => ({ namespace: homeNamespace, source: '127.0.0.1', destination: '10.96.0.1', port: 80, cgroup, unconnected: true, ...part });

/** The port that answered, `refused`, or `silence`: without a route to the front, whoever is not led knows at once. */
async function reached(part: Partial<Sending> = {}, send = sendTcp): Promise<number | string> {
  const answer = await send(sending(part), AbortSignal.timeout(5000));
  return typeof answer === 'string' ? answer : answer.port;
}

const many = (count: number, ask: () => Promise<number | string>): Promise<(number | string)[]> => Promise.all(Array.from({ length: count }, ask));
const distinct = (answers: readonly (number | string)[]) => [...new Set(answers)].sort();

describe(`connect-time balancing in the kernel${why === undefined ? '' : ` (skipped: ${why})`}`, { skip: why !== undefined }, () => {
  let listeners: Listeners;
  const driver = connectDriver(cgroup);
  before(async () => {
    listeners = openListeners(homeNamespace, 'here');
    await listeners.listen(ports);
  });
  afterEach(() => driver.remove());
  after(() => {
    listeners.close();
    removeCgroups(cluster);
  });

  const families: [says: string, source: string, destination: string, endpoint: string][] = [
    ['IPv4', '127.0.0.1', '10.96.0.1', '127.0.0.1'],
    ['IPv6', '::1', 'fd00::96', '::1'],
    ['IPv4 on an IPv6 socket', '::ffff:127.0.0.1', '::ffff:10.96.0.1', '127.0.0.1'],
  ];
  for (const [says, source, destination, endpoint] of families) {
    const address = destination.replace('::ffff:', '');
    test(`${says}: TCP is led to an endpoint, and the peer is the front`, async () => {
      await driver.apply(table(front({ address, endpoints: [place(8082, endpoint)] })));
      assert.equal(await reached({ source, destination }), 8082);
    });
    test(`${says}: a datagram is led to an endpoint, and its answer comes from the front`, async () => {
      await driver.apply(table(front({ address, protocol: 'UDP', endpoints: [place(8083, endpoint)] })));
      assert.equal(await reached({ source, destination }, sendUdp), 8083);
    });
  }

  test('protocols and ports do not cross-talk', async () => {
    await driver.apply(table(front(), front({ protocol: 'UDP', endpoints: [place(8082)] }), front({ port: 81, endpoints: [place(8083)] })));
    assert.deepEqual([await reached(), await reached({}, sendUdp), await reached({ port: 81 }), await reached({ port: 82 })], [8081, 8082, 8083, 'silence']);
  });

  test('all endpoints are chosen, by connections as by datagram sockets', async () => {
    const endpoints = ports.map((port) => place(port));
    await driver.apply(table(front({ endpoints }), front({ protocol: 'UDP', endpoints })));
    // The chance to miss one of three in 100 tries is below 10^-17.
    assert.deepEqual(distinct(await many(100, () => reached())), ports);
    assert.deepEqual(distinct(await many(100, () => reached({}, sendUdp))), ports);
  });

  test('UDP with a connection is left to nftables, which can lead it elsewhere when its endpoint goes', async () => {
    await driver.apply(table(front({ protocol: 'UDP' })));
    assert.equal(await reached({ unconnected: false }, sendUdp), 'silence');
  });

  test('one datagram socket keeps its endpoint, follows the front to another, and knows whom it addressed itself', async () => {
    const endpoints = ports.map((port) => place(port));
    await driver.apply(table(front({ protocol: 'UDP', endpoints })));
    const socket = createSocket('udp4');
    const bound = once(socket, 'listening');
    socket.bind({ fd: openSender(sending(), SOCK_DGRAM) });
    await bound;
    const ask = async (address: string, port: number): Promise<[port: number, from: string]> => {
      socket.send('who is there?', port, address);
      const [data, peer] = (await once(socket, 'message')) as [Buffer, { address: string; port: number }];
      return [(JSON.parse(data.toString()) as Reception).port, `${peer.address}:${peer.port}`];
    };
    const answers: number[] = [];
    for (let i = 0; i < 10; i++) answers.push((await ask('10.96.0.1', 80))[0]);
    assert.equal(distinct(answers).length, 1);
    await driver.apply(table(front({ protocol: 'UDP', endpoints: endpoints.filter(({ port }) => port !== answers[0]).slice(0, 1) })));
    const [port, from] = await ask('10.96.0.1', 80);
    assert.notEqual(port, answers[0]);
    assert.equal(from, '10.96.0.1:80');
    assert.deepEqual(await ask('127.0.0.1', port), [port, `127.0.0.1:${port}`]);
    socket.close();
  });

  test('KPX-53, KPX-55: a sticky client stays with its endpoint while others come, and gets another when it goes', async () => {
    const sticky = (...endpoints: number[]) => table(front({ endpoints: endpoints.map((port) => place(port)), stickySeconds: 10_800 }));
    await driver.apply(sticky(8082));
    assert.equal(await reached(), 8082);
    await driver.apply(sticky(8081, 8082, 8083));
    assert.deepEqual(distinct(await many(40, () => reached())), [8082]);
    await driver.apply(sticky(8081));
    assert.equal(await reached(), 8081);
    await driver.apply(sticky(8081, 8082, 8083));
    assert.deepEqual(distinct(await many(40, () => reached())), [8081]);
  });

  test('KPX-54: after its timeout a sticky client may be given another endpoint, one with a longer timeout not, as by nftables', async () => {
    // The kernel's own clock measures it.
    const timeoutSeconds = 1;
    const numbers = Array.from({ length: 60 }, (_, index) => 1000 + index);
    const fronts = (...endpoints: number[]) =>
      table(...numbers.map((port, index) => front({ port, endpoints: endpoints.map((each) => place(each)), stickySeconds: index % 2 === 0 ? timeoutSeconds : 3600 })));
    const ask = async (parity: 0 | 1) => distinct(await Promise.all(numbers.filter((_, index) => index % 2 === parity).map((port) => reached({ port }))));
    await driver.apply(fronts(8082));
    assert.deepEqual([await ask(0), await ask(1)], [[8082], [8082]]);
    await driver.apply(fronts(8081, 8082, 8083));
    await passed(1100 * timeoutSeconds);
    // All thirty by chance at the old one: 1 in 10^14.
    assert.notDeepEqual(await ask(0), [8082]);
    assert.deepEqual(await ask(1), [8082]);
  });

  test('whoever is not in the cgroup is not led', async () => {
    await driver.apply(table(front()));
    assert.equal(await reached({ cgroup: undefined }), 'silence');
  });

  test('endpoints change, a front moves to another Service, fronts go', async () => {
    await driver.apply(new Map([['a', [front()]]]));
    await driver.apply(new Map([['a', [front({ endpoints: [place(8082)] })]]]));
    assert.equal(await reached(), 8082);
    await driver.apply(new Map([['b', [front({ endpoints: [place(8083)] })]]]));
    assert.equal(await reached(), 8083);
    assert.equal((await driver.apply(new Map([['b', []]]))).changes, 1);
    assert.equal(await reached(), 'silence');
  });

  test('maps that are outgrown are replaced while they serve; what clients were given is remembered', async () => {
    const more = (count: number) => Array.from({ length: count }, (_, i) => front({ port: 1000 + i, endpoints: ports.map((port) => place(port)) }));
    const sticky = front({ endpoints: ports.map((port) => place(port)), stickySeconds: 60 });
    await driver.apply(table(sticky, ...more(10)));
    const first = await reached();
    await driver.apply(table(sticky, ...more(5000)));
    assert.deepEqual(distinct(await many(40, () => reached())), [first]);
    assert.equal(typeof (await reached({ port: 5999 })), 'number');
  });

  test('remove leaves nothing behind, and the driver can start again', async () => {
    await driver.apply(table(front()));
    await driver.remove();
    assert.equal(existsSync(cgroup), false);
    await driver.apply(table(front()));
    assert.equal(await reached(), 8081);
  });

  test('a machine that refuses says what and where, and nothing stays open', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'no-cgroup-'));
    const open = () => readdirSync('/proc/self/fd').length;
    const before = open();
    for (const path of [folder, '/proc/no/such']) {
      await assert.rejects(connectDriver(path).apply(table(front())), (error) => error instanceof DriverError && error.input === path && error.message !== '');
    }
    assert.equal(open(), before);
    rmdirSync(folder);
  });

  test('when its process is killed, nobody is led any more', async () => {
    const program = `
      import { connectDriver } from ${JSON.stringify(import.meta.resolve('../../src/node/bpf/connect-driver.ts'))};
      await connectDriver(${JSON.stringify(cgroup)}).apply(new Map([['a', ${JSON.stringify([front()])}]]));
      process.send('ready');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    await once(child, 'message');
    assert.equal(await reached(), 8081);
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.equal(await reached(), 'silence');
  });
});
