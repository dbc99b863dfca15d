import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findConflicts, findMistakes, freeSubnet, gatewaysOf, hostAddressesOf, type MachineDescription, poolsBeside } from './description.ts';
import { hostLinkName, namespacePrefix, portName } from './names.ts';

const plain: MachineDescription = {
  cluster: 'demo',
  subnets: ['10.0.2.0/24', 'fd00:2::/64'],
  nodes: [{ name: 'a', addresses: ['10.0.2.4', 'fd00:2::4'] }],
  pools: ['10.0.2.128/26', '10.0.3.0/28'],
};

describe('the description of a machine', () => {
  test('router and host take the first and the 254th address unless told otherwise', () => {
    assert.deepEqual(gatewaysOf(plain), ['10.0.2.1', 'fd00:2::1']);
    assert.deepEqual(hostAddressesOf(plain), ['10.0.2.254', 'fd00:2::fe']);
    assert.deepEqual(hostAddressesOf({ ...plain, subnets: ['10.0.2.0/28'] }), ['10.0.2.14']);
    assert.deepEqual(hostAddressesOf({ ...plain, hostAddresses: ['10.0.2.9'] }), ['10.0.2.9']);
  });

  test('only pools outside the subnets need a route', () => assert.deepEqual(poolsBeside(plain), ['10.0.3.0/28']));

  const mistakes: [about: string, change: Partial<MachineDescription>, expected: string[]][] = [
    ['the plain description is fine', {}, []],
    ['a cluster name that cannot be a name', { cluster: 'a.b' }, ['cluster name "a.b" must be lower-case letters, digits and dashes']],
    ['a subnet that is none', { subnets: ['10.0.2.0'] }, ['10.0.2.0 is not an address prefix']],
    ['an address outside', { nodes: [{ name: 'a', addresses: ['10.9.9.9'] }] }, ['10.9.9.9 of a is in none of the node subnets 10.0.2.0/24, fd00:2::/64']],
    ['an address that is none', { nodes: [{ name: 'a', addresses: ['10.0.2'] }] }, ['10.0.2 of a is not an address']],
    ['the gateway\'s address', { nodes: [{ name: 'a', addresses: ['10.0.2.1'] }] }, ['10.0.2.1 of a is taken by the gateway']],
    ['the host\'s address, written otherwise', { nodes: [{ name: 'a', addresses: ['fd00:2:0::fe'] }] }, ['fd00:2:0::fe of a is taken by this machine']],
    ['an address in the pool', { outside: [{ name: 'c', addresses: ['10.0.2.130'] }] }, ['10.0.2.130 of c is in the LoadBalancer pool 10.0.2.128/26']],
    ['a name twice', { outside: [{ name: 'a', addresses: ['10.0.2.100'] }] }, ['the name a is used twice']],
  ];
  for (const [about, change, expected] of mistakes) {
    test(`mistakes: ${about}`, () => assert.deepEqual(findMistakes({ ...plain, ...change }), expected));
  }

  test('a network that this machine already reaches otherwise is named with its link', () => {
    const routes = [
      { prefix: '0.0.0.0/0', link: 'eth0' },
      { prefix: '10.0.0.0/8', link: 'tun0' },
      { prefix: '10.0.3.8/29' },
      { prefix: '192.168.0.0/16', link: 'wlan0' },
      { prefix: '10.0.2.0/24', link: 'fl-demo' },
    ];
    assert.deepEqual(findConflicts(plain, routes, hostLinkName('demo')), [
      'node subnet 10.0.2.0/24 overlaps 10.0.0.0/8, which this machine already routes to tun0',
      'LoadBalancer pool 10.0.3.0/28 overlaps 10.0.0.0/8, which this machine already routes to tun0',
      'LoadBalancer pool 10.0.3.0/28 overlaps 10.0.3.8/29, which this machine already routes to nowhere',
    ]);
  });

  test('a free subnet steps over what is routed, and says when there is none', () => {
    assert.equal(freeSubnet('172.30.0.0/16', 24, [{ prefix: '0.0.0.0/0', link: 'eth0' }]), '172.30.0.0/24');
    assert.equal(freeSubnet('172.30.0.0/16', 24, [{ prefix: '172.30.0.0/23', link: 'docker0' }]), '172.30.2.0/24');
    assert.equal(freeSubnet('fd00:30::/48', 64, [{ prefix: 'fd00:30::/64', link: 'eth0' }]), 'fd00:30:0:1::/64');
    assert.equal(freeSubnet('172.30.0.0/16', 24, [{ prefix: '172.16.0.0/12', link: 'vpn' }]), undefined);
  });
});

describe('names on the machine', () => {
  test('one cluster\'s prefix is never the beginning of another\'s', () => {
    assert.equal(`${namespacePrefix('a-b')}node`.startsWith(namespacePrefix('a')), false);
  });

  test('link names fit the kernel and stay apart', () => {
    const names = ['short', 'a-rather-long-cluster-1', 'a-rather-long-cluster-2'].map(hostLinkName);
    assert.equal(names[0], 'fl-short');
    assert.ok(names.every((name) => name.length <= 15));
    assert.equal(new Set(names).size, 3);
    assert.equal(portName('node-1'), 'to-node-1');
  });
});
