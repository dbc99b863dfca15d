import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig, type ConfigOverrides } from './read-config.ts';

const read = (text: string, overrides?: ConfigOverrides) => readConfig({ file: 'cluster.yaml', text }, overrides);

test('an empty file is a cluster of three nodes, the first its control plane, in both families', () => {
  const { nodes, name, loadBalancerCIDRs } = read('');
  assert.equal(name, 'default');
  assert.deepEqual(nodes.map((n) => [n.name, n.roles, n.addresses]), [
    ['node1', ['control-plane'], ['172.30.0.10', 'fd00:172:30::a']],
    ['node2', [], ['172.30.0.11', 'fd00:172:30::b']],
    ['node3', [], ['172.30.0.12', 'fd00:172:30::c']],
  ]);
  assert.deepEqual(loadBalancerCIDRs, ['172.30.0.128/26', 'fd00:172:30:0:8000::/66']);
});

test('the command line wins over the file', () => {
  const { nodes, name } = read('name: a\nnodes: [{ name: x }]', { name: 'b', nodes: 2, subnet: 7 });
  assert.equal(name, 'b');
  assert.deepEqual(nodes.map((n) => n.addresses[0]), ['172.30.7.10', '172.30.7.11']);
});

test('the article: three nodes with their own addresses and an outside host', () => {
  const { nodes, outside, podCIDRs } = read(`
nodeCIDRs: [10.0.2.0/24]
serviceCIDRs: [10.96.0.0/12]
nodes:
  - { name: k8s-node1, addresses: [10.0.2.4], roles: [control-plane] }
  - { name: k8s-node2, addresses: [10.0.2.5], zone: a, labels: { disk: ssd } }
  - { name: k8s-node3, addresses: [10.0.2.15] }
outside: [{ name: client, addresses: [10.0.2.100] }]
`);
  assert.deepEqual(nodes[1], { name: 'k8s-node2', addresses: ['10.0.2.5'], roles: [], labels: { disk: 'ssd' }, zone: 'a' });
  assert.deepEqual(outside, [{ name: 'client', addresses: ['10.0.2.100'] }]);
  assert.deepEqual(podCIDRs, ['10.244.0.0/16'], 'an IPv4-only link makes an IPv4-only cluster');
});

for (const [about, link, pods, services] of [
  ['DS-06: an IPv6-only link makes an IPv6-only cluster', ['fd00:10:6::/64'], ['fd00:10:244::/48'], ['fd00:10:96::/112']],
  ['DS-06: a link with IPv6 first makes a cluster with IPv6 first', ['fd00:10:6::/64', '10.6.0.0/24'], ['fd00:10:244::/48', '10.244.0.0/16'], ['fd00:10:96::/112', '10.96.0.0/16']],
] as const) {
  test(about, () => {
    const { podCIDRs, serviceCIDRs } = read(`nodeCIDRs: ${JSON.stringify(link)}`);
    assert.deepEqual([podCIDRs, serviceCIDRs], [pods, services]);
  });
}

test('DS-26: ranges of a family that the nodes have no link for are refused', () => {
  assert.throws(() => read('nodeCIDRs: [10.0.2.0/24]\npodCIDRs: [10.244.0.0/16, "fd00:10:244::/48"]'), /podCIDRs\[1\]: fd00:10:244::\/48 is IPv6, but nodeCIDRs \(10\.0\.2\.0\/24\) has no IPv6 prefix to carry it/);
  assert.throws(() => read('nodeCIDRs: ["fd00:10:6::/64"]\nserviceCIDRs: [10.96.0.0/16]'), /serviceCIDRs\[0\]: 10\.96\.0\.0\/16 is IPv4/);
});

test('DS-02: two prefixes of one family are refused, in every kind of range', () => {
  assert.throws(() => read('serviceCIDRs: [10.96.0.0/16, 10.97.0.0/16]'), /serviceCIDRs: \["10\.96\.0\.0\/16","10\.97\.0\.0\/16"\] has two prefixes of one IP family/);
  assert.throws(() => read('podCIDRs: [fd00:1::/48, fd00:2::/48]'), /podCIDRs: .* has two prefixes of one IP family/);
});

const refused: [text: string, complaint: RegExp][] = [
  ['nodes: [{ name: a }, { name: a }]', /cluster\.yaml:1: nodes\[1\]\.name: "a" is already used by nodes\.0\.name/],
  ['name: x\nnode: []', /cluster\.yaml:2: node: unknown field "node"; known are name, nodes/],
  ['nodes:\n  - name: a\n    addresses: [10.0.2]', /cluster\.yaml:3: nodes\[0\]\.addresses\[0\]: "10\.0\.2" is no IP address/],
  ['nodes:\n  - name: a\n    addresses: [192.0.2.1]', /nodes\[0\]\.addresses\[0\]: 192\.0\.2\.1 is outside nodeCIDRs/],
  ['nodes:\n  - name: a\n    addresses: [172.30.0.130]', /172\.30\.0\.130 lies in loadBalancerCIDRs/],
  ['nodes: [{ addresses: [] }]', /nodes\[0\]\.name: undefined is no host name/],
  ['nodes: []', /nodes: there are 0 nodes; 1 to 100 are possible/],
  ['ingress: maybe', /cluster\.yaml:1: ingress: "maybe" must be true or false/],
  ['podCIDRs: [10.244.0.0/33]', /podCIDRs\[0\]: "10\.244\.0\.0\/33" is no address prefix/],
  ['podCIDRs: [10.96.0.0/16]', /serviceCIDRs\[0\]: 10\.96\.0\.0\/16 overlaps podCIDRs 10\.96\.0\.0\/16/],
  ['internalLoadBalancerCIDRs: [172.30.0.0/28]', /internalLoadBalancerCIDRs\[0\]: 172\.30\.0\.0\/28 overlaps nodeCIDRs/],
  ['podCIDRs: [10.1.0.0/16, 10.2.0.0/16]', /two prefixes of one IP family/],
  ['nodePorts: { first: 5, last: 3 }', /nodePorts: .* is no port range/],
  ['maxEndpointsPerSlice: 1001', /cluster\.yaml:1: maxEndpointsPerSlice: 1001 is no number of endpoints; 1 to 1000 are possible/],
  ['maxEndpointsPerSlice: 0', /maxEndpointsPerSlice: 0 is no number of endpoints/],
  ['maxEndpointsPerSlice: many', /maxEndpointsPerSlice: "many" must be a number/],
  ['connectTimeBalancing: sometimes', /cluster\.yaml:1: connectTimeBalancing: "sometimes" is no mode; known are auto, on, off/],
  ['proxyMode: ipvs', /cluster\.yaml:1: proxyMode: "ipvs" is no mode; known are nftables, iptables/],
  ['domain: Cluster', /domain: "Cluster" is no DNS domain/],
  ['name: "a b"', /name: "a b" is no cluster name/],
  ['a: [', /cluster\.yaml:\d+: not YAML/],
];

for (const [text, complaint] of refused) {
  test(`refused with line, field and reason: ${JSON.stringify(text)}`, () => assert.throws(() => read(text), complaint));
}
