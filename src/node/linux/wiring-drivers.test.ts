// One suite for the wiring drivers: Linux in a namespace, and the fake machine.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { addAddress } from '../netlink/addresses.ts';
import { addBridge, addVeth, deleteLink, setLink } from '../netlink/links.ts';
import { createNamespace, inNamespace, type Netns, removeNamespace } from '../netlink/namespaces.ts';
import { addRoute, fixedRouteProtocol, removeRoute } from '../netlink/routes.ts';
import { withRtnetlink } from '../netlink/rtnetlink.ts';
import { readSysctlHere } from '../netlink/sysctl.ts';
import type { Driver } from './driver.ts';
import { nodeSysctls } from './namespace-sysctls.ts';
import { noWiring, type Wiring, type WiringParts, wiringOf } from './wiring.ts';
import { linuxWiringDriver } from './wiring-linux.ts';
import { memoryWiringDriver, newMemoryNetwork } from './wiring-memory.ts';

interface Machine {
  newDriver(): Driver<Wiring>;
  /** What of ours is there, as sorted lines. */
  seen(): string[];
  sysctl(key: string): string;
  /** Routes are lost: somebody takes the link down for a moment. */
  disturb(): void;
  close(): void;
}

const lines = ({ links, addresses, routes, neighbours }: Pick<Wiring, 'links' | 'addresses' | 'routes' | 'neighbours'>) =>
  [...[...links.keys()].map((key) => `link ${key}`), ...addresses.keys(),
    ...[...routes].map(([key, { type, via, link, source }]) => [type, key, via && `via ${via}`, link && `dev ${link}`, source && `src ${source}`].filter(Boolean).join(' ')),
    ...neighbours.keys()].sort();

function memoryMachine(): Machine {
  const network = newMemoryNetwork({ lo: ['127.0.0.1/8'], eth0: ['10.0.2.4/24', 'fd00:2::4/64'] }, { 'net/ipv4/ip_forward': '0' });
  return {
    newDriver: () => memoryWiringDriver(network),
    seen: () => lines(network.held),
    sysctl: (key) => network.sysctls.get(key)!,
    disturb: () => void (network.held = { ...network.held, routes: new Map() }),
    close() {},
  };
}

let made = 0;

function linuxMachine(): Machine {
  const namespace = createNamespace(`test-wiring-${process.pid}-${++made}`, { ...nodeSysctls, 'net/ipv4/ip_forward': '0' });
  withRtnetlink(namespace, (rtnetlink) =>
    rtnetlink.send(
      setLink('lo', { up: true }),
      addVeth({ name: 'eth0' }, { name: 'far' }),
      setLink('eth0', { up: true }),
      setLink('far', { up: true }),
      addAddress({ link: 'eth0', address: '10.0.2.4/24' }, fixedRouteProtocol),
      addAddress({ link: 'eth0', address: 'fd00:2::4/64' }, fixedRouteProtocol),
      addRoute({ prefix: '10.244.7.7/32', link: 'eth0' }, fixedRouteProtocol),
    ),
  );
  return {
    newDriver: () => linuxWiringDriver(namespace),
    seen: () => withRtnetlink(namespace, (rtnetlink) => {
      const ours = ({ protocol }: { protocol: number }) => protocol === 70;
      const links = rtnetlink.links().filter(({ name, kind }) => name.startsWith('flw-') && !name.endsWith('p') && kind);
      return lines(wiringOf({
        links: links.map(({ name }) => ({ name, kind: 'bridge' })),
        addresses: rtnetlink.addresses().filter(ours), routes: rtnetlink.routes().filter(ours), neighbours: rtnetlink.neighbours().filter(ours),
      }));
    }),
    sysctl: (key) => inNamespace(namespace, () => readSysctlHere(key)),
    disturb: () => withRtnetlink(namespace, (rtnetlink) => rtnetlink.send(setLink('eth0', { up: false }), setLink('eth0', { up: true }), addAddress({ link: 'eth0', address: 'fd00:2::4/64' }, fixedRouteProtocol))),
    close: () => removeNamespace(namespace),
  };
}

const full: WiringParts = {
  links: [{ name: 'flw-br', kind: 'bridge' }, { name: 'flw-v', kind: 'veth', master: 'flw-br' }],
  addresses: [{ link: 'eth0', address: '10.0.3.1/32' }, { link: 'flw-br', address: 'fd00:3:0::1/64' }],
  routes: [
    { prefix: '10.244.1.0/24', via: '10.0.2.5', link: 'eth0', origin: { kind: 'Node', name: 'node1' } },
    { prefix: 'fd00:244:1::/64', via: 'fd00:2::5', link: 'eth0' },
    { prefix: '10.244.0.0/24', type: 'blackhole' },
    { prefix: 'fd00:244:0::/64', type: 'blackhole', metric: 1024 },
    { prefix: '10.9.0.0/16', type: 'unicast', link: 'flw-br', table: 254 },
  ],
  neighbours: [{ link: 'flw-br', address: '10.9.0.7', mac: 'ee:ee:ee:ee:ee:ee' }, { link: 'eth0', address: '10.0.3.9' }],
  sysctls: { 'net/ipv4/ip_forward': '1' },
};
const fullSeen = [
  '10.0.3.1/32 on eth0', '10.244.1.0/24 via 10.0.2.5 dev eth0', '10.9.0.0/16 dev flw-br', '10.9.0.7 on flw-br',
  'blackhole 10.244.0.0/24', 'blackhole fd00:244::/64', 'fd00:244:1::/64 via fd00:2::5 dev eth0', 'fd00:3::1/64 on flw-br',
  'link flw-br', 'link flw-v', 'proxy 10.0.3.9 on eth0',
].sort();

for (const [kind, newMachine] of [['Linux', linuxMachine], ['memory', memoryMachine]] as const) {
  describe(`wiring driver on ${kind}`, () => {
    let machine: Machine;
    let driver: Driver<Wiring>;

    beforeEach(() => {
      machine = newMachine();
      driver = machine.newDriver();
    });
    afterEach(() => machine.close());

    test('a whole wish comes true in one go, and costs nothing the second time', async () => {
      assert.equal((await driver.apply(wiringOf(full))).changes, 12);
      assert.deepEqual(machine.seen(), fullSeen);
      assert.equal(machine.sysctl('net/ipv4/ip_forward'), '1');
      assert.equal((await driver.apply(wiringOf(full))).changes, 0);
    });

    test('a restarted driver finds everything as it wishes and changes nothing', async () => {
      await driver.apply(wiringOf(full));
      assert.equal((await machine.newDriver().apply(wiringOf(full))).changes, 0);
    });

    test('a restarted driver sweeps what is ours and no longer wished for, and nothing else', async () => {
      await driver.apply(wiringOf(full));
      await machine.newDriver().apply(wiringOf({ routes: [{ prefix: '10.244.0.0/24', type: 'blackhole' }] }));
      assert.deepEqual(machine.seen(), ['blackhole 10.244.0.0/24']);
    });

    test('KPX-25: routes that left with their link are missed, and put back', async () => {
      await driver.apply(wiringOf(full));
      assert.equal(await driver.check!(), true);
      machine.disturb();
      assert.equal(await driver.check!(), false);
      await driver.apply(wiringOf(full));
      assert.deepEqual(machine.seen(), fullSeen);
      assert.equal(await driver.check!(), true);
    });

    test('only the difference is sent: a peer moves, another goes, one comes', async () => {
      const peer = (n: number, via: string) => ({ prefix: `10.244.${n}.0/24`, via, link: 'eth0' });
      await driver.apply(wiringOf({ routes: [peer(1, '10.0.2.5'), peer(2, '10.0.2.15'), peer(3, '10.0.2.16')] }));
      const { changes } = await driver.apply(wiringOf({ routes: [peer(1, '10.0.2.6'), peer(3, '10.0.2.16'), peer(4, '10.0.2.17')] }));
      assert.equal(changes, 3);
      assert.deepEqual(machine.seen(), ['10.244.1.0/24 via 10.0.2.6 dev eth0', '10.244.3.0/24 via 10.0.2.16 dev eth0', '10.244.4.0/24 via 10.0.2.17 dev eth0']);
    });

    test('a route may turn into a blackhole and back without a moment of being gone', async () => {
      for (const prefix of ['10.244.1.0/24', 'fd00:244:1::/64']) {
        const via = prefix.startsWith('1') ? '10.0.2.5' : 'fd00:2::5';
        await driver.apply(wiringOf({ routes: [{ prefix, via, link: 'eth0' }] }));
        assert.equal((await driver.apply(wiringOf({ routes: [{ prefix, type: 'blackhole' }] }))).changes, 1);
        assert.deepEqual(machine.seen(), [`blackhole ${prefix}`]);
        await driver.apply(wiringOf({ routes: [{ prefix, via, link: 'eth0' }] }));
        assert.deepEqual(machine.seen(), [`${prefix} via ${via} dev eth0`]);
        await driver.apply(noWiring);
      }
    });

    test('a link of another kind is made anew, with all that hangs on it', async () => {
      const hanging = { addresses: [{ link: 'flw-x', address: '10.7.0.1/24' }], routes: [{ prefix: '10.8.0.0/16', via: '10.7.0.9', link: 'flw-x' }] };
      await driver.apply(wiringOf({ links: [{ name: 'flw-x', kind: 'bridge' }], ...hanging }));
      await driver.apply(wiringOf({ links: [{ name: 'flw-x', kind: 'veth' }], ...hanging }));
      assert.deepEqual(machine.seen(), ['10.7.0.1/24 on flw-x', '10.8.0.0/16 via 10.7.0.9 dev flw-x', 'link flw-x']);
    });

    test('removal leaves the machine as if we had never run, sysctls included', async () => {
      await driver.apply(wiringOf(full));
      await driver.remove();
      assert.deepEqual(machine.seen(), []);
      assert.equal(machine.sysctl('net/ipv4/ip_forward'), '0');
      await driver.remove();
    });

    const refused: [about: string, wish: WiringParts, message: RegExp][] = [
      ['a route over a link that is not there', { routes: [{ prefix: '10.1.0.0/16', link: 'eth9' }] }, /ip .*route replace 10\.1\.0\.0\/16 dev eth9.*ENODEV/],
      ['a gateway on no network of ours', { routes: [{ prefix: '10.1.0.0/16', via: '192.0.2.1', link: 'eth0' }] }, /ENETUNREACH/],
      ['an IPv6 gateway on no network of ours', { routes: [{ prefix: 'fd00:1::/64', via: '2001:db8::1', link: 'eth0' }] }, /EHOSTUNREACH|ENETUNREACH/],
      ['a source that is not ours', { routes: [{ prefix: '10.1.0.0/16', link: 'eth0', source: '192.0.2.1' }] }, /EINVAL/],
      ['an address on a link that is not there', { addresses: [{ link: 'eth9', address: '10.1.0.1/32' }] }, /ENODEV/],
      ['a neighbour on a link that is not there', { neighbours: [{ link: 'eth9', address: '10.1.0.1' }] }, /ENODEV/],
      ['a setting the kernel does not have', { sysctls: { 'net/ipv4/no_such_thing': '1' } }, /no_such_thing.*ENOENT/],
    ];
    for (const [about, wish, message] of refused) {
      test(`refused with the request in words, and the next apply mends everything: ${about}`, async () => {
        await assert.rejects(driver.apply(wiringOf({ ...wish })), (error: Error) => error.constructor.name === 'DriverError' && message.test(error.message));
        await driver.apply(wiringOf(full));
        assert.deepEqual(machine.seen(), fullSeen);
      });
    }

    test('a gateway far away is accepted when it is said to be on the link', async () => {
      await driver.apply(wiringOf({ routes: [{ prefix: '10.1.0.0/16', via: '192.0.2.1', link: 'eth0', onlink: true }] }));
      assert.deepEqual(machine.seen(), ['10.1.0.0/16 via 192.0.2.1 dev eth0']);
    });
  });
}

describe('wiring driver on Linux, disturbed', () => {
  let namespace: Netns;
  beforeEach(() => (namespace = createNamespace(`test-wiring-${process.pid}-d`, nodeSysctls)));
  afterEach(() => removeNamespace(namespace));

  test('what somebody else took away is no error to remove', async () => {
    const driver = linuxWiringDriver(namespace);
    await driver.apply(wiringOf({ links: [{ name: 'flw-br', kind: 'bridge' }], routes: [{ prefix: '10.1.0.0/16', link: 'flw-br' }, { prefix: '10.2.0.0/16', type: 'blackhole' }] }));
    withRtnetlink(namespace, (rtnetlink) => rtnetlink.send(removeRoute({ prefix: '10.2.0.0/16', type: 'blackhole' }), deleteLink('flw-br'), addBridge('other')));
    await driver.apply(noWiring);
    withRtnetlink(namespace, (rtnetlink) => assert.deepEqual(rtnetlink.links().map(({ name }) => name), ['lo', 'other']));
  });
});
