import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { addAddress, removeAddress } from './addresses.ts';
import { addBridge, addVeth, deleteLink, setLink } from './links.ts';
import { createNamespace, listNamespaces, type Netns, removeNamespace } from './namespaces.ts';
import { removeNeighbour, setNeighbour } from './neighbours.ts';
import { addRoute, removeRoute, replaceRoute, type Route } from './routes.ts';
import { Rtnetlink } from './rtnetlink.ts';

const prefix = `test-rt-${process.pid}-`;
const mac = 'ee:ee:ee:ee:ee:ee';
const ip = (namespace: Netns, ...args: string[]) => execFileSync('ip', ['-n', namespace.name, ...args], { encoding: 'utf8', stdio: 'pipe' });

describe('rtnetlink', () => {
  let near: Netns;
  let far: Netns;
  let rtnetlink: Rtnetlink;

  beforeEach(() => {
    near = createNamespace(`${prefix}near`);
    far = createNamespace(`${prefix}far`);
    rtnetlink = new Rtnetlink(near);
  });
  afterEach(() => {
    rtnetlink.close();
    listNamespaces(prefix).forEach(removeNamespace);
  });

  test('a veth pair is born with each end in its namespace, and dies whole', () => {
    rtnetlink.send(addVeth({ name: 'v0', mac, mtu: 1400 }, { name: 'eth0', namespace: far }), setLink('v0', { up: true }));
    const { index: _index, ...link } = rtnetlink.link('v0')!;
    assert.deepEqual(link, { name: 'v0', kind: 'veth', up: true, running: false, mtu: 1400, mac }, 'not running while the far end is down');
    assert.match(ip(far, 'link', 'show', 'dev', 'eth0'), /eth0@/);
    rtnetlink.send(deleteLink('v0'));
    assert.equal(rtnetlink.link('v0'), undefined);
    assert.throws(() => ip(far, 'link', 'show', 'dev', 'eth0'));
  });

  test('links change: master and back, mtu, mac, name, down', () => {
    rtnetlink.send(addBridge('br0'), addVeth({ name: 'v0' }, { name: 'v1' }), setLink('v0', { master: 'br0' }));
    assert.equal(rtnetlink.link('v0')!.master, rtnetlink.linkIndex('br0'));
    rtnetlink.send(setLink('v0', { master: null, mtu: 1300, mac, rename: 'w0' }));
    const link = rtnetlink.link('w0')!;
    assert.deepEqual([link.master, link.mtu, link.mac, link.up], [undefined, 1300, mac, false]);
    assert.deepEqual(rtnetlink.links().map(({ name }) => name).sort(), ['br0', 'lo', 'v1', 'w0']);
  });

  test('addresses of both families: added twice is once, marked as ours, usable at once', () => {
    const wishes = [{ link: 'lo', address: '10.9.0.1/24' }, { link: 'lo', address: 'fd00:9::1/64' }];
    rtnetlink.send(setLink('lo', { up: true }), ...[...wishes, ...wishes].map((wish) => addAddress(wish)));
    const ours = () => rtnetlink.addresses().filter(({ protocol }) => protocol === 70);
    assert.deepEqual(ours(), wishes.map((wish) => ({ ...wish, protocol: 70 })));
    assert.doesNotMatch(ip(near, 'address'), /tentative/);
    rtnetlink.send(...wishes.map(removeAddress));
    assert.deepEqual(ours(), []);
  });

  const routes: Route[] = [
    { prefix: '10.244.1.0/24', via: '10.9.0.5', link: 'v0' },
    { prefix: '10.244.2.7/32', link: 'v0', source: '10.9.0.1' },
    { prefix: '10.244.3.0/24', type: 'blackhole' },
    { prefix: '0.0.0.0/0', type: 'unreachable', metric: 42 },
    { prefix: '10.244.4.0/24', via: '192.0.2.1', link: 'v0', onlink: true },
    { prefix: '10.10.0.0/16', type: 'local', link: 'lo', table: 100 },
    { prefix: 'fd00:244:1::/64', via: 'fd00:9::5', link: 'v0' },
    { prefix: 'fd00:244:2::7/128', link: 'v0' },
    { prefix: 'fd00:244:3::/64', type: 'blackhole' },
    { prefix: '::/0', via: 'fe80::1', link: 'v0', metric: 7 },
  ];
  const byPrefix = (list: readonly Route[]) => list.toSorted((a, b) => a.prefix.localeCompare(b.prefix));

  test('every kind of route is read back as it was written, and can be removed', () => {
    rtnetlink.send(
      addVeth({ name: 'v0' }, { name: 'v1' }),
      setLink('lo', { up: true }),
      setLink('v0', { up: true }),
      setLink('v1', { up: true }),
      addAddress({ link: 'v0', address: '10.9.0.1/24' }),
      addAddress({ link: 'v0', address: 'fd00:9::1/64' }),
    );
    rtnetlink.send(...routes.map((route) => addRoute(route)));
    const ours = () => rtnetlink.routes().filter(({ protocol }) => protocol === 70);
    assert.deepEqual(byPrefix(ours()), byPrefix(routes.map((route) => ({ ...route, protocol: 70 }))));
    rtnetlink.send(...routes.map((route) => removeRoute(route)));
    assert.deepEqual(ours(), []);
  });

  test('replacing a route leaves one', () => {
    rtnetlink.send(setLink('lo', { up: true }));
    for (const prefix of ['10.1.0.0/16', 'fd00:1::/64']) {
      rtnetlink.send(addRoute({ prefix, type: 'blackhole' }), replaceRoute({ prefix, type: 'unreachable' }));
      assert.deepEqual(rtnetlink.routes().filter((route) => route.prefix === prefix).map(({ type }) => type), ['unreachable']);
    }
  });

  test('neighbours: permanent and proxy, both families', () => {
    const neighbours = [
      { link: 'v0', address: '169.254.1.1', mac },
      { link: 'v0', address: 'fe80::1', mac },
      { link: 'v0', address: '10.9.0.77' },
      { link: 'v0', address: 'fd00:9::77' },
    ];
    rtnetlink.send(addVeth({ name: 'v0' }, { name: 'v1' }), setLink('v0', { up: true }));
    rtnetlink.send(...neighbours.map((neighbour) => setNeighbour(neighbour)));
    const ours = () => rtnetlink.neighbours().filter(({ protocol }) => protocol === 70);
    const plain = ours().map(({ link, address, mac }) => (mac ? { link, address, mac } : { link, address }));
    const order = (list: { address: string }[]) => list.toSorted((a, b) => a.address.localeCompare(b.address));
    assert.deepEqual(order(plain), order(neighbours));
    rtnetlink.send(...neighbours.map((neighbour) => removeNeighbour(neighbour)));
    assert.deepEqual(ours(), []);
  });

  const refusals: [about: string, request: () => ReturnType<typeof setLink>, code: string, words: RegExp][] = [
    ['an unknown link', () => setLink('nope', { up: true }), 'ENODEV', /^ip -n \S+ link set dev nope up$/],
    ['a taken name', () => addVeth({ name: 'lo' }, { name: 'x' }), 'EEXIST', /^ip -n \S+ link add name lo type veth peer name x$/],
    ['a gateway nobody knows', () => addRoute({ prefix: '10.0.0.0/8', via: '192.0.2.1', link: 'lo' }), 'ENETUNREACH|ENETDOWN|EINVAL', /via 192\.0\.2\.1 dev lo proto 70$/],
    ['a route that is not there', () => removeRoute({ prefix: '10.0.0.0/8', type: 'blackhole' }), 'ESRCH', /^ip -n \S+ route del blackhole 10\.0\.0\.0\/8 proto 70$/],
  ];
  for (const [about, request, code, words] of refusals) {
    test(`a refusal names the code and the command to try by hand: ${about}`, () => {
      assert.throws(() => rtnetlink.send(request()), (error: { code: string; request: string }) => {
        assert.match(error.code, new RegExp(`^(${code})$`));
        assert.match(error.request, words);
        return true;
      });
    });
  }

  test('one refused request does not stop the others', () => {
    const answers = rtnetlink.tryEach([addBridge('br0'), setLink('nope', { up: true }), addBridge('br1')]);
    assert.deepEqual(answers.map((answer) => answer?.code), [undefined, 'ENODEV', undefined]);
    assert.ok(rtnetlink.link('br0') && rtnetlink.link('br1'));
  });

  test('hundreds of requests in one call are all answered', () => {
    rtnetlink.send(setLink('lo', { up: true }));
    const many = Array.from({ length: 500 }, (_, n) => ({ prefix: `10.200.${n >> 8}.${n & 255}/32`, type: 'blackhole' as const }));
    rtnetlink.send(...many.map((route) => addRoute(route)));
    assert.equal(rtnetlink.routes().length, 500);
  });
});
