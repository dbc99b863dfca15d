import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service, ServiceSpec } from '../../objects/core.ts';
import { createServiceKind, serviceKind } from '../service.ts';
import { addressBands } from './allocate-addresses.ts';
import { portBands } from './allocate-ports.ts';
import { pickFree } from './bands.ts';
import type { KubeObject } from '../../objects/meta.ts';
import type { Snapshot } from '../../store/store.ts';
import type { Kind } from '../kind.ts';
import { service, snapshotOf, writeService } from './write-service.ts';
import { takenBook } from './taken.ts';
import { prefixOf } from '../../../base/net/prefix.ts';
import { printAddress } from '../../../base/net/address.ts';

const base: ServiceSpec = { ports: [{ port: 80 }], selector: { app: 'web' } };
const nodePorts = { first: 30_000, last: 32_767 };
const kindWith = (...serviceCidrs: string[]) => createServiceKind({ serviceCidrs, nodePorts });
const create = (spec: Partial<ServiceSpec> = {}, others: readonly Service[] = [], kind = serviceKind) => writeService(kind, service({ ...base, ...spec }), others);
const update = (old: Service, change: Partial<ServiceSpec>, kind = serviceKind) => writeService(kind, service({ ...old.spec, ...change }), [], old);
const named = (name: string, spec: Partial<ServiceSpec> = {}) => service({ ...base, ...spec }, { name });
const message = (text: string | RegExp) => ({ message: text });

test('SVC-01, SVC-02, SVC-14, IPAM-01: a minimal Service gets everything else', () => {
  const { clusterIP, clusterIPs, ...rest } = create().spec;
  assert.match(clusterIP ?? '', /^10\.96\./);
  assert.deepEqual(clusterIPs, [clusterIP]);
  assert.deepEqual(rest, {
    type: 'ClusterIP', selector: { app: 'web' }, ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }], sessionAffinity: 'None',
    internalTrafficPolicy: 'Cluster', ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4'],
  });
});

test('SVC-107: ClientIP affinity lasts three hours by default', () =>
  assert.deepEqual(create({ sessionAffinity: 'ClientIP' }).spec.sessionAffinityConfig, { clientIP: { timeoutSeconds: 10_800 } }));

test('SVC-49, SVC-51, SVC-55, IPAM-02, IPAM-03, IPAM-16, PROXY-13: an address is given once, and again when it is free', () => {
  const first = create({ clusterIP: '10.96.0.10' });
  assert.equal(first.spec.clusterIP, '10.96.0.10');
  const again = () => writeService(serviceKind, named('b', { clusterIP: '10.96.0.10' }), [first]);
  assert.throws(again, message('Service "b" is invalid: spec.clusterIPs: Invalid value: []string{"10.96.0.10"}: failed to allocate IP 10.96.0.10: provided IP is already allocated'));
  assert.equal(writeService(serviceKind, named('b', { clusterIP: '10.96.0.10' })).spec.clusterIP, '10.96.0.10');
});

for (const ip of ['1.2.3.4', '10.96.0.0', '10.96.255.255']) {
  test(`SVC-50, SVC-52, IPAM-14: ${ip} is outside the range`, () =>
    assert.throws(() => create({ clusterIP: ip }), message(`Service "web" is invalid: spec.clusterIPs: Invalid value: []string{"${ip}"}: failed to allocate IP ${ip}: the provided IP (${ip}) is not in the valid range. The range of valid IPs is 10.96.0.0/16`)));
}

test('IPAM-11: the last IPv6 address can be used, the first cannot', () => {
  assert.equal(create({ clusterIP: 'fd00:10:96::ffff', ipFamilies: ['IPv6'] }).spec.clusterIP, 'fd00:10:96::ffff');
  assert.throws(() => create({ clusterIP: 'fd00:10:96::', ipFamilies: ['IPv6'] }), message(/The range of valid IPs is fd00:10:96::\/112$/));
});

const bands: [prefix: string, first: string, dynamic: string, last: string][] = [
  ['10.96.0.0/24', '10.96.0.1', '10.96.0.17', '10.96.0.254'],
  ['10.96.0.0/23', '10.96.0.1', '10.96.0.33', '10.96.1.254'],
  ['10.96.0.0/22', '10.96.0.1', '10.96.0.65', '10.96.3.254'],
  ['10.96.0.0/21', '10.96.0.1', '10.96.0.129', '10.96.7.254'],
  ['10.96.0.0/20', '10.96.0.1', '10.96.1.1', '10.96.15.254'],
  ['10.96.0.0/16', '10.96.0.1', '10.96.1.1', '10.96.255.254'],
  ['10.96.0.0/28', '10.96.0.1', '10.96.0.1', '10.96.0.14'],
  ['fd00::/108', 'fd00::1', 'fd00::101', 'fd00::f:ffff'],
];
for (const [prefix, ...expected] of bands) {
  test(`SVC-53, IPAM-04, IPAM-06, IPAM-07, IPAM-08, IPAM-09, IPAM-10: bands of ${prefix}`, () => {
    const { first, dynamic, last } = addressBands(prefixOf(prefix));
    const { family } = prefixOf(prefix);
    assert.deepEqual([first, dynamic, last].map((value) => printAddress({ family, value })), expected);
  });
}

test('SVC-54, IPAM-05, IPAM-06, IPAM-26: the upper band is used up before the lower, then the range is full', () => {
  const kind = kindWith('10.96.0.0/24');
  const services: Service[] = [];
  for (let i = 0; i < 254; i++) services.push(writeService(kind, named(`s${i}`), services));
  const lastBytes = services.map(({ spec }) => Number(spec.clusterIP?.split('.')[3]));
  assert.equal(new Set(lastBytes).size, 254);
  assert.ok(lastBytes.slice(0, 238).every((byte) => byte >= 17));
  assert.ok(lastBytes.slice(238).every((byte) => byte <= 16));
  assert.throws(() => writeService(kind, named('one-more'), services), { code: 500, message: 'Internal error occurred: failed to allocate a serviceIP: range is full' });
});

test('IPAM-13: an address may be asked for from either band', () => {
  const ask = (clusterIP: string) => create({ clusterIP }, [], kindWith('10.96.0.0/24')).spec.clusterIP;
  assert.deepEqual(['10.96.0.10', '10.96.0.200'].map(ask), ['10.96.0.10', '10.96.0.200']);
});

test('IPAM-12: addresses are handed out all over the upper band, and from a taken one on to the next', () => {
  const lastBytes = Array.from({ length: 400 }, (_, i) => Number(writeService(kindWith('10.96.0.0/24'), named(`s${i}`)).spec.clusterIP?.split('.')[3]));
  const fourths = [0, 1, 2, 3].map((fourth) => lastBytes.filter((byte) => Math.floor((byte - 17) / 59.5) === fourth).length);
  assert.ok(fourths.every((count) => count > 60), `about a hundred in each fourth: ${fourths}`);
  const bands = { first: 1n, last: 10n, dynamic: 3n };
  const picks = (taken: readonly bigint[]) => pickFree(bands, 'a seed', (number) => !taken.includes(number))!;
  const taken: bigint[] = [];
  for (let i = 0; i < 10; i++) taken.push(picks(taken));
  const [start] = taken;
  const upper = Array.from({ length: 8 }, (_, i) => 3n + ((start! - 3n + BigInt(i)) % 8n));
  assert.deepEqual(taken.slice(0, 8), upper, 'round the upper band once');
  assert.deepEqual(taken.slice(8).toSorted(), [1n, 2n], 'then the lower');
});

test('IPAM-24: each family has bands of its own', () => {
  const kind = kindWith('10.96.0.0/24', 'fd00:10:96::/120');
  const services: Service[] = [];
  for (let i = 0; i < 100; i++) services.push(writeService(kind, named(`s${i}`, { ipFamilyPolicy: 'RequireDualStack' }), services));
  const ofFamily = (at: 0 | 1, read: (ip: string) => number) => services.map(({ spec }) => read(spec.clusterIPs![at]!));
  for (const bytes of [ofFamily(0, (ip) => Number(ip.split('.')[3])), ofFamily(1, (ip) => Number.parseInt(ip.split('::')[1]!, 16))]) {
    assert.equal(new Set(bytes).size, 100);
    assert.ok(bytes.every((byte) => byte >= 17));
  }
});

test('IPAM-25: two hundred Services of a /24 leave the tenth address to the DNS Service', () => {
  const kind = kindWith('10.96.0.0/24');
  const services: Service[] = [];
  for (let i = 0; i < 200; i++) services.push(writeService(kind, named(`s${i}`), services));
  assert.equal(writeService(kind, named('kube-dns', { clusterIP: '10.96.0.10' }), services).spec.clusterIP, '10.96.0.10');
});

test('IPAM-10, IPAM-11: tiny ranges give all they have', () => {
  const count = (cidr: string) => {
    const kind = kindWith(cidr);
    const services: Service[] = [];
    try {
      while (services.length < 20) services.push(writeService(kind, named(`s${services.length}`), services));
    } catch (error) {
      assert.match(String(error), /range is full/);
    }
    return services.length;
  };
  assert.deepEqual(['10.96.0.0/29', 'fd00::/125', '10.96.0.0/30'].map(count), [6, 7, 2]);
});

test('SVC-93, SVC-94, IPAM-19, ITP-10: headless and ExternalName Services take no address; only the former have a policy', () => {
  const headless = create({ clusterIP: 'None' }).spec;
  assert.deepEqual([headless.clusterIPs, headless.internalTrafficPolicy], [['None'], 'Cluster']);
  const named = create({ type: 'ExternalName', externalName: 'a.b' }).spec;
  assert.deepEqual([named.clusterIP, named.clusterIPs, named.ipFamilies, named.internalTrafficPolicy], [undefined, undefined, undefined, undefined]);
});

const families: [id: string, spec: Partial<ServiceSpec>, cidrs: string[], expected: [policy: string, families: string]][] = [
  ['DS-06: the first range decides', {}, ['fd00:10:96::/112', '10.96.0.0/16'], ['SingleStack', 'IPv6']],
  ['DS-07: a named family', { ipFamilies: ['IPv6'] }, ['10.96.0.0/16', 'fd00:10:96::/112'], ['SingleStack', 'IPv6']],
  ['DS-14: PreferDualStack', { ipFamilyPolicy: 'PreferDualStack' }, ['10.96.0.0/16', 'fd00:10:96::/112'], ['PreferDualStack', 'IPv4,IPv6']],
  ['DS-15: PreferDualStack on one family', { ipFamilyPolicy: 'PreferDualStack' }, ['10.96.0.0/16'], ['PreferDualStack', 'IPv4']],
  ['DS-16: RequireDualStack', { ipFamilyPolicy: 'RequireDualStack' }, ['fd00:10:96::/112', '10.96.0.0/16'], ['RequireDualStack', 'IPv6,IPv4']],
  ['DS-17: the order asked for', { ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv6', 'IPv4'] }, ['10.96.0.0/16', 'fd00:10:96::/112'], ['PreferDualStack', 'IPv6,IPv4']],
  ['DS-29: families follow addresses', { clusterIP: 'fd00:10:96::7' }, ['10.96.0.0/16', 'fd00:10:96::/112'], ['SingleStack', 'IPv6']],
  ['DS-13, DS-19: headless with selector', { clusterIP: 'None' }, ['10.96.0.0/16', 'fd00:10:96::/112'], ['SingleStack', 'IPv4']],
  ['DS-22: headless without selector, even on one family', { clusterIP: 'None', selector: undefined }, ['10.96.0.0/16'], ['RequireDualStack', 'IPv4,IPv6']],
];
for (const [about, spec, cidrs, expected] of families) {
  test(about, () => {
    const { ipFamilyPolicy, ipFamilies, clusterIPs } = create(spec, [], kindWith(...cidrs)).spec;
    assert.deepEqual([ipFamilyPolicy, ipFamilies?.join(',')], expected);
    const seen = clusterIPs?.map((ip) => (ip.includes(':') ? 'IPv6' : 'IPv4')).join(',');
    if (spec.clusterIP !== 'None') assert.equal(seen, expected[1]);
  });
}

test('DS-20, DS-21: a Service gains and loses its second family, the first address stays', () => {
  const single = create();
  const both = update(single, { ipFamilyPolicy: 'PreferDualStack' });
  assert.equal(both.spec.clusterIPs?.length, 2);
  assert.equal(both.spec.clusterIPs?.[0], single.spec.clusterIP);
  const back = update(both, { ipFamilyPolicy: 'SingleStack' });
  assert.deepEqual([back.spec.clusterIPs, back.spec.ipFamilies], [[single.spec.clusterIP], ['IPv4']]);
});

const v4Only = kindWith('10.96.0.0/16');

test('DS-10: the singular address is the first of the plural, and of the first family', () => {
  for (const ipFamilies of [['IPv4', 'IPv6'], ['IPv6', 'IPv4']] as const) {
    const { spec } = create({ ipFamilyPolicy: 'RequireDualStack', ipFamilies: [...ipFamilies] });
    assert.equal(spec.clusterIP, spec.clusterIPs?.[0]);
    assert.equal(spec.clusterIP?.includes(':'), ipFamilies[0] === 'IPv6');
  }
});

test('DS-18: a Service stored before there were families becomes SingleStack with the family of the address it has', () => {
  for (const [clusterIP, family] of [['10.96.0.9', 'IPv4'], ['fd00:10:96::9', 'IPv6']] as const) {
    const before = service({ ...base, clusterIP });
    const { spec } = writeService(serviceKind, before, [], before);
    assert.deepEqual([spec.ipFamilyPolicy, spec.ipFamilies, spec.clusterIP, spec.clusterIPs], ['SingleStack', [family], clusterIP, [clusterIP]]);
  }
});

test('DS-08, DS-37: PreferDualStack on one family has one, and the second comes with the first write after the cluster has both', () => {
  const old = create({ ipFamilyPolicy: 'PreferDualStack' }, [], v4Only);
  assert.deepEqual(old.spec.ipFamilies, ['IPv4']);
  assert.equal(update(old, {}, v4Only).spec.clusterIPs?.length, 1);
  const { spec } = update(old, {});
  assert.deepEqual([spec.clusterIPs?.[0], spec.clusterIPs?.length, spec.ipFamilies], [old.spec.clusterIP, 2, ['IPv4', 'IPv6']]);
});

test('DS-39: when the second family has no address left, the first is not kept either; a dry run takes nothing', () => {
  const kind = kindWith('10.96.0.0/30', 'fd00::/126');
  const six = [1, 2, 3].map((n) => writeService(kind, named(`six-${n}`, { clusterIP: `fd00::${n}` })));
  assert.throws(() => create({ ipFamilyPolicy: 'RequireDualStack' }, six, kind), /range is full/);
  const four: Service[] = [];
  for (const n of [1, 2]) four.push(writeService(kind, named(`four-${n}`, { clusterIP: `10.96.0.${n}` }), [...six, ...four]));
  assert.deepEqual(four.map(({ spec }) => spec.clusterIP), ['10.96.0.1', '10.96.0.2']);
  const tried = kind.allocate!(service({ ...base, ipFamilyPolicy: 'RequireDualStack' }), undefined, snapshotOf([]), true);
  assert.deepEqual(tried.spec.clusterIPs, ['10.96.0.0', 'fd00::'], 'addresses that nobody can have');
});

test('DS-36: an old client that knows only clusterIP downgrades nothing', () => {
  const both = create({ ipFamilyPolicy: 'RequireDualStack' });
  const again = writeService(serviceKind, service({ ...base, clusterIP: both.spec.clusterIP }), [], both);
  assert.deepEqual(again.spec, both.spec);
});

test('SVC-46: re-applying the first manifest keeps what was allocated', () => {
  const spec: ServiceSpec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports: [{ name: 'a', port: 80 }, { name: 'b', port: 81 }] };
  const old = writeService(serviceKind, service(spec));
  assert.deepEqual(writeService(serviceKind, service(spec), [], old), old);
  const swapped = writeService(serviceKind, service({ ...spec, ports: [{ name: 'b', port: 82 }, { name: 'a', port: 80 }] }), [], old);
  assert.deepEqual(swapped.spec.ports?.map(({ nodePort }) => nodePort), [old.spec.ports?.[1]?.nodePort, old.spec.ports?.[0]?.nodePort]);
});

const portBandRows: [first: number, last: number, dynamic: number][] = [
  [30_000, 32_767, 30_086], [30_000, 30_127, 30_016], [30_000, 34_095, 30_128], [30_000, 30_015, 30_000],
];
for (const [first, last, dynamic] of portBandRows) {
  test(`SVC-66: node ports ${first}-${last} are handed out from ${dynamic}`, () => assert.equal(Number(portBands({ first, last }).dynamic), dynamic));
}

test('SVC-62, SVC-63, SVC-72: node ports are handed out or honoured, from the range of the cluster', () => {
  const handed = create({ type: 'NodePort' }).spec.ports?.[0]?.nodePort ?? 0;
  assert.ok(handed >= 30_086 && handed <= 32_767);
  assert.equal(create({ type: 'NodePort', ports: [{ port: 80, nodePort: 30_007 }] }).spec.ports?.[0]?.nodePort, 30_007);
  const low = createServiceKind({ serviceCidrs: ['10.96.0.0/16'], nodePorts: { first: 80, last: 90 } });
  assert.equal(create({ type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] }, [], low).spec.ports?.[0]?.nodePort, 80);
});

test('SVC-64: a node port outside the range', () =>
  assert.throws(() => create({ type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] }), message('Service "web" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767')));

test('PROXY-13, SVC-65, SVC-71: a node port belongs to one Service', () => {
  const first = create({ type: 'NodePort', ports: [{ port: 80, nodePort: 30_007 }] });
  const second = () => writeService(serviceKind, named('b', { type: 'NodePort', ports: [{ port: 53, protocol: 'UDP', nodePort: 30_007 }] }), [first]);
  assert.throws(second, message('Service "b" is invalid: spec.ports[0].nodePort: Invalid value: 30007: provided port is already allocated'));
});

test('SVC-67: node ports run out', () => {
  const kind = createServiceKind({ serviceCidrs: ['10.96.0.0/16'], nodePorts: { first: 30_000, last: 30_001 } });
  const ports = [1, 2, 3].map((port) => ({ name: `p${port}`, port }));
  assert.throws(() => create({ type: 'NodePort', ports }, [], kind), { code: 500, message: 'Internal error occurred: failed to allocate a nodePort: range is full' });
});

test('SVC-68: one number for TCP and UDP shares its node port, also one asked for further down', () => {
  const dns = (nodePort?: number) => create({ type: 'NodePort', ports: [{ name: 'tcp', port: 53 }, { name: 'udp', port: 53, protocol: 'UDP', ...(nodePort && { nodePort }) }] });
  const shared = dns().spec.ports?.map(({ nodePort }) => nodePort) ?? [];
  assert.equal(shared[0], shared[1]);
  assert.deepEqual(dns(30_053).spec.ports?.map(({ nodePort }) => nodePort), [30_053, 30_053]);
});

test('SVC-43: node ports come and go with the type', () => {
  const inside = create();
  const outside = update(inside, { type: 'NodePort' });
  assert.ok(outside.spec.ports?.[0]?.nodePort);
  assert.equal(outside.spec.externalTrafficPolicy, 'Cluster');
  const back = update(outside, { type: 'ClusterIP' });
  assert.deepEqual(back, inside);
});

test('SVC-44, SVC-45, DS-38, IPAM-18: addresses go with ExternalName and come back anew', () => {
  const old = create({ type: 'NodePort' });
  const alias = update(old, { type: 'ExternalName', externalName: 'a.b' });
  const { clusterIP, clusterIPs, ipFamilies, ipFamilyPolicy, ports, externalTrafficPolicy } = alias.spec;
  assert.deepEqual([clusterIP, clusterIPs, ipFamilies, ipFamilyPolicy, ports?.[0]?.nodePort, externalTrafficPolicy], Array(6).fill(undefined));
  assert.match(update(alias, { type: 'ClusterIP', externalName: undefined }).spec.clusterIP ?? '', /^10\.96\./);
  assert.equal(update(alias, { type: 'ClusterIP', externalName: undefined, clusterIP: '10.96.0.9' }).spec.clusterIP, '10.96.0.9');
});

test('SVC-74 … SVC-76: a balancer may go without node ports', () => {
  const without = create({ type: 'LoadBalancer', allocateLoadBalancerNodePorts: false });
  assert.equal(without.spec.ports?.[0]?.nodePort, undefined);
  const asked = create({ type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [{ port: 80, nodePort: 30_009 }] });
  assert.equal(asked.spec.ports?.[0]?.nodePort, 30_009);
  const usual = create({ type: 'LoadBalancer' });
  assert.equal(usual.spec.allocateLoadBalancerNodePorts, true);
  const later = update(usual, { allocateLoadBalancerNodePorts: false });
  assert.equal(later.spec.ports?.[0]?.nodePort, usual.spec.ports?.[0]?.nodePort);
  const removed = update(later, { ports: [{ port: 80 }] });
  assert.equal(removed.spec.ports?.[0]?.nodePort, undefined);
});

test('SVC-42, ITP-01: a LoadBalancer has a node port and a cluster IP too, a NodePort a cluster IP; inside, all reach all', () => {
  const has = (type: ServiceSpec['type']) => {
    const { clusterIP, ports, internalTrafficPolicy } = create({ type }).spec;
    return [clusterIP !== undefined, ports?.[0]?.nodePort !== undefined, internalTrafficPolicy];
  };
  assert.deepEqual((['ClusterIP', 'NodePort', 'LoadBalancer'] as const).map(has), [[true, false, 'Cluster'], [true, true, 'Cluster'], [true, true, 'Cluster']]);
});

test('SVC-47: what fails takes nothing: a hundred refused creates leave the last address and the last port free', () => {
  const kind = createServiceKind({ serviceCidrs: ['10.96.0.0/30'], nodePorts: { first: 30_000, last: 30_001 } });
  const first = writeService(kind, named('first', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_000 }] }));
  for (let i = 0; i < 100; i++) {
    const ports = [{ name: 'free', port: 81, nodePort: 30_001 }, { name: 'taken', port: 80, nodePort: 30_000 }];
    assert.throws(() => writeService(kind, named('second', { type: 'NodePort', ports }), [first]), /provided port is already allocated/);
  }
  const last = writeService(kind, named('last', { type: 'NodePort' }), [first]);
  assert.deepEqual([new Set([first, last].map(({ spec }) => spec.clusterIP)).size, last.spec.ports?.[0]?.nodePort], [2, 30_001]);
});

test('PROXY-32, SVC-83: a health-check port belongs to Local balancers', () => {
  const local = create({ type: 'LoadBalancer', externalTrafficPolicy: 'Local' });
  const port = local.spec.healthCheckNodePort ?? 0;
  assert.ok(port >= 30_000 && port !== local.spec.ports?.[0]?.nodePort);
  assert.equal(update(local, { externalTrafficPolicy: 'Cluster' }).spec.healthCheckNodePort, undefined);
  assert.equal(create({ type: 'LoadBalancer' }).spec.healthCheckNodePort, undefined);
  assert.equal(create({ type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 32_100 }).spec.healthCheckNodePort, 32_100);
  const asked = () => create({ type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 80 });
  assert.throws(asked, { code: 500, message: 'Internal error occurred: failed to allocate requested HealthCheck NodePort 80: provided port is not in the valid range. The range of valid ports is 30000-32767' });
});

test('PROXY-16: what is seen from outside has an external policy, Cluster unless told otherwise; what is not has none', () => {
  const policyOf = (spec: Partial<ServiceSpec>) => create(spec).spec.externalTrafficPolicy;
  assert.deepEqual([{ type: 'NodePort' as const }, { type: 'LoadBalancer' as const }, { externalIPs: ['198.51.100.32'] }, {}].map(policyOf), ['Cluster', 'Cluster', 'Cluster', undefined]);
});

test('LoadBalancer fields and addresses end with the type', () => {
  const old: Service = { ...create({ type: 'LoadBalancer', loadBalancerClass: 'a/b' }), status: { loadBalancer: { ingress: [{ ip: '1.2.3.4', ipMode: 'VIP' }] } } };
  const wished: Service = { ...service({ ...old.spec, type: 'ClusterIP' }), status: old.status };
  const after = writeService(serviceKind, wished, [], old);
  assert.deepEqual([after.spec.loadBalancerClass, after.spec.allocateLoadBalancerNodePorts, after.status], [undefined, undefined, { loadBalancer: {} }]);
});

test('SVC-80: an address of a balancer is a VIP by default', () => {
  const given: Service = { ...service({ ...base, type: 'LoadBalancer' }), status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }, { hostname: 'a.b' }] } } };
  assert.deepEqual(serviceKind.setDefaults?.(given).status?.loadBalancer?.ingress, [{ ip: '1.2.3.4', ipMode: 'VIP' }, { hostname: 'a.b' }]);
});

test('SVC-48: five hundred Services have five hundred addresses, and the same name gets the same one again', () => {
  const services: Service[] = [];
  for (let i = 0; i < 500; i++) services.push(writeService(serviceKind, named(`s${i}`), services));
  assert.equal(new Set(services.map(({ spec }) => spec.clusterIP)).size, 500);
  assert.equal(writeService(serviceKind, named('s7')).spec.clusterIP, services[7]?.spec.clusterIP);
});

test('IPAM-36: an IPAddress made by hand keeps Services off; the mirror of a Service that is gone does not', () => {
  const seenWith = (labels: Record<string, string>): Snapshot => ({
    ...snapshotOf([]),
    get: <T extends KubeObject>(_kind: Kind<T>, name: string) =>
      name === '10.96.0.10' ? ({ apiVersion: 'networking.k8s.io/v1', kind: 'IPAddress', metadata: { name, labels } } as unknown as T) : undefined,
  });
  const wished = serviceKind.setDefaults?.(service({ ...base, clusterIP: '10.96.0.10' })) as Service;
  assert.throws(() => serviceKind.allocate?.(wished, undefined, seenWith({})), /provided IP is already allocated/);
  const mirrored = seenWith({ 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' });
  assert.equal(serviceKind.allocate?.(wished, undefined, mirrored).spec.clusterIP, '10.96.0.10');
});

test('what is taken follows the list through additions, changes and removals', () => {
  const [a, b, c] = ['10.96.0.1', '10.96.0.2', '10.96.0.3'].map((clusterIP, i) => create({ clusterIP, type: 'NodePort', ports: [{ port: 80, nodePort: 30_001 + i }] }));
  assert.ok(a && b && c);
  const takenIn = takenBook();
  const seen = (list: readonly Service[]) => {
    const taken = takenIn(snapshotOf(list).list(serviceKind));
    return [[1, 2, 3].filter((i) => taken.hasAddress(`10.96.0.${i}`)), [1, 2, 3].filter((i) => taken.hasPort(30_000 + i))];
  };
  const rows: [list: Service[], expected: number[]][] = [[[a, b], [1, 2]], [[a, c, b], [1, 2, 3]], [[c, b], [2, 3]], [[a, b], [1, 2]], [[a], [1]], [[], []], [[a, a], [1]], [[a], [1]]];
  for (const [list, expected] of rows) assert.deepEqual(seen(list), [expected, expected]);
});

const now = new Date('2026-01-01T00:00:10Z');
const cells: [id: string, spec: Partial<ServiceSpec>, status: Service['status'], expected: string[]][] = [
  ['ClusterIP', { clusterIP: '10.96.0.9' }, undefined, ['web', 'ClusterIP', '10.96.0.9', '<none>', '80/TCP', '10s', 'app=web']],
  ['headless, no ports, no selector', { clusterIP: 'None', ports: undefined, selector: undefined }, undefined, ['web', 'ClusterIP', 'None', '<none>', '<none>', '10s', '<none>']],
  ['NodePort with external addresses', { type: 'NodePort', clusterIP: '10.96.0.9', externalIPs: ['1.1.1.1', '2.2.2.2'], ports: [{ name: 'w', port: 80, nodePort: 31_160 }, { name: 'd', port: 53, protocol: 'UDP', nodePort: 31_161 }] }, undefined, ['web', 'NodePort', '10.96.0.9', '1.1.1.1,2.2.2.2', '80:31160/TCP,53:31161/UDP', '10s', 'app=web']],
  ['a balancer still pending', { type: 'LoadBalancer', clusterIP: '10.96.0.9', ports: [{ port: 80, nodePort: 31_160 }] }, undefined, ['web', 'LoadBalancer', '10.96.0.9', '<pending>', '80:31160/TCP', '10s', 'app=web']],
  ['a balancer with addresses', { type: 'LoadBalancer', clusterIP: '10.96.0.9', externalIPs: ['9.9.9.9'], ports: [{ port: 80, nodePort: 31_160 }] }, { loadBalancer: { ingress: [{ ip: '6.6.6.6' }, { hostname: 'a.b' }, { ip: '5.5.5.5' }] } }, ['web', 'LoadBalancer', '10.96.0.9', '5.5.5.5,6.6.6.6,a.b,9.9.9.9', '80:31160/TCP', '10s', 'app=web']],
  ['ExternalName', { type: 'ExternalName', externalName: 'a.b', ports: undefined }, undefined, ['web', 'ExternalName', '<none>', 'a.b', '<none>', '10s', 'app=web']],
];
for (const [about, spec, status, expected] of cells) {
  test(`SVC-10: the table row of ${about}`, () => {
    const written = writeService(serviceKind, service({ ...base, ...spec } as ServiceSpec, { creationTimestamp: '2026-01-01T00:00:00Z' }));
    const object: Service = { ...written, status };
    assert.deepEqual(serviceKind.columns.map(({ cell }) => cell(object, now)), expected);
  });
}
