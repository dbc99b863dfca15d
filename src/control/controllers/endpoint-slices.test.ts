import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deepFreeze } from '../../base/data/freeze.ts';
import { kinds } from '../../kube/kinds/kinds.ts';
import type { Endpoints, Node, Pod, Service } from '../../kube/objects/core.ts';
import type { KubeObject } from '../../kube/objects/meta.ts';
import type { EndpointSlice } from '../../kube/objects/networking.ts';
import { snapshotOf, stateOf } from '../../kube/store/state.ts';
import type { Write } from '../../kube/store/store.ts';
import { createEndpointSlices } from './endpoint-slices.ts';
import { createEndpoints } from './endpoints.ts';

const now = new Date('2024-05-01T12:00:00Z');
const seen = (...objects: KubeObject[]) => {
  assert.ok(objects.every(({ kind }) => kinds.some((one) => one.kind === kind)));
  return snapshotOf(stateOf(1, objects.map((object) => deepFreeze(object))));
};

const service = (spec: Partial<Service['spec']> = {}, labels?: Record<string, string>): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'default', uid: 's1', ...(labels && { labels }) },
  spec: { selector: { app: 'web' }, ipFamilies: ['IPv4'], ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 'http' }], ...spec },
});

interface PodParts {
  ready?: boolean;
  going?: boolean;
  phase?: 'Running' | 'Succeeded' | 'Failed' | 'Pending';
  ips?: string[];
  port?: number;
  spec?: Partial<Pod['spec']>;
}

function pod(name: string, { ready = true, going = false, phase = 'Running', ips = ['10.0.0.1'], port = 8080, spec }: PodParts = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid: name, labels: { app: 'web' }, ...(going && { deletionTimestamp: '2024-05-01T12:00:30Z' }) },
    spec: { nodeName: 'a', containers: [{ name: 'c', ports: [{ name: 'http', containerPort: port, protocol: 'TCP' }] }], ...spec },
    status: { phase, podIPs: ips.map((ip) => ({ ip })), conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: '2024-05-01T11:00:00Z' }] },
  };
}

const node = (name: string, zone?: string): Node => ({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels: zone ? { 'topology.kubernetes.io/zone': zone } : {} } });

const slicesIn = (writes: readonly Write[]): EndpointSlice[] => writes.map((write) => (write.verb === 'delete' ? assert.fail('a removal') : write.object) as EndpointSlice);
const decide = (...objects: KubeObject[]) => slicesIn(createEndpointSlices().decide(seen(...objects), now));
const endpointsOf = (...objects: KubeObject[]) => decide(...objects).flatMap(({ endpoints }) => endpoints);

for (const [ready, going, always] of [0, 1, 2, 3, 4, 5, 6, 7].map((n) => [n & 1, n & 2, n & 4].map(Boolean) as [boolean, boolean, boolean])) {
  const expected = { ready: always || (ready && !going), serving: ready, terminating: going };
  test(`EPS-12, EPS-15, ESL-25 … ESL-28: pod ${ready ? 'ready' : 'not ready'}${going ? ', terminating' : ''}${always ? ', published anyway' : ''}: ${JSON.stringify(expected)}`, () => {
    const [endpoint] = endpointsOf(service({ publishNotReadyAddresses: always }), pod('p', { ready, going }), node('a'));
    assert.deepEqual(endpoint?.conditions, expected);
  });
}

const rows: readonly (readonly [name: string, objects: KubeObject[], addresses: string[]])[] = [
  ['EPS-26: a finished pod is no endpoint', [service(), pod('p', { phase: 'Succeeded' }), node('a')], []],
  ['EPS-26: a pod without an address is no endpoint yet', [service(), pod('p', { ips: [] }), node('a')], []],
  ['EPS-28, ESL-39: a pod on an unknown node waits', [service(), pod('p')], []],
  ['EPS-28, ESL-39: unless not-ready addresses are published', [service({ publishNotReadyAddresses: true }), pod('p')], ['10.0.0.1']],
  ['DS-27, ESL-38: only addresses of the Service’s family', [service({ ipFamilies: ['IPv6'] }), pod('p', { ips: ['10.0.0.1', 'fd00::1'] }), node('a')], ['fd00::1']],
  ['DS-27, EPS-08, ESL-24: both families, a slice each', [service({ ipFamilies: ['IPv4', 'IPv6'] }), pod('p', { ips: ['10.0.0.1', 'fd00::1'] }), node('a')], ['10.0.0.1', 'fd00::1']],
  ['EPS-02, SVC-32: no selector, no slices', [service({ selector: undefined }), pod('p'), node('a')], []],
  ['EPS-02, SVC-92: an ExternalName has none', [service({ type: 'ExternalName' }), pod('p'), node('a')], []],
];

for (const [name, objects, addresses] of rows) {
  test(name, () => assert.deepEqual(endpointsOf(...objects).flatMap((endpoint) => endpoint.addresses), addresses));
}

test('EPS-03, ESL-20, SVC-17: pods that number a named port differently land in different slices', () => {
  const slices = decide(service(), pod('p'), pod('q', { port: 9090, ips: ['10.0.0.2'] }), node('a'));
  assert.deepEqual(slices.map(({ ports, endpoints }) => [ports?.[0]?.port, endpoints[0]?.addresses]), [[8080, ['10.0.0.1']], [9090, ['10.0.0.2']]]);
});

test('ESL-40, SVC-19: a port name that a pod does not know is left out for that pod', () => {
  const ports = [{ name: 'http', port: 80, targetPort: 'http' }, { name: 'admin', port: 81, targetPort: 'nope' }];
  assert.deepEqual(decide(service({ ports }), pod('p'), node('a'))[0]?.ports?.map(({ name }) => name), ['http']);
});

test('EPS-17, EPS-23, EPS-24, ESL-29, ESL-37: node, zone, target and host name', () => {
  const [endpoint] = endpointsOf(service(), pod('p', { spec: { hostname: 'p-0', subdomain: 'web' } }), node('a', 'z1'));
  assert.deepEqual([endpoint?.nodeName, endpoint?.zone, endpoint?.hostname], ['a', 'z1', 'p-0']);
  assert.deepEqual(endpoint?.targetRef, { kind: 'Pod', namespace: 'default', name: 'p', uid: 'p' });
});

for (const [about, spec] of [['below another Service', { hostname: 'p-0', subdomain: 'db' }], ['without a subdomain', { hostname: 'p-0' }], ['of its own', { subdomain: 'web' }]] as const) {
  test(`EPS-24, ESL-37: no host name ${about}`, () => assert.equal(endpointsOf(service(), pod('p', { spec }), node('a'))[0]?.hostname, undefined));
}

test('EPS-39, TOPO-29: PreferClose hints at the endpoint’s own zone, while it is ready', () => {
  const near = service({ trafficDistribution: 'PreferClose' });
  const zoneless = pod('r', { ips: ['10.0.0.3'], spec: { nodeName: 'b' } });
  const endpoints = endpointsOf(near, pod('p'), pod('q', { ready: false, ips: ['10.0.0.2'] }), zoneless, node('a', 'z1'), node('b'));
  assert.deepEqual(endpoints.map(({ hints }) => hints), [{ forZones: [{ name: 'z1' }] }, undefined, { forZones: [{ name: '' }] }]);
});

test('EPS-19, EPS-21, EPS-22, EPS-25, EPS-37, ESL-21, ESL-31, ESL-32, ESL-34, ESL-36: labels, owner, name and trigger time', () => {
  const [slice] = decide(service({ clusterIP: 'None' }, { team: 'red', 'kubernetes.io/service-name': 'mine' }), pod('p'), node('a'));
  assert.deepEqual(slice?.metadata.labels, {
    team: 'red',
    'service.kubernetes.io/headless': '',
    'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
    'kubernetes.io/service-name': 'web',
  });
  assert.deepEqual(slice?.metadata.ownerReferences, [{ apiVersion: 'v1', kind: 'Service', name: 'web', uid: 's1', controller: true, blockOwnerDeletion: true }]);
  assert.equal(slice?.metadata.annotations?.['endpoints.kubernetes.io/last-change-trigger-time'], '2024-05-01T11:00:00Z');
  assert.match(slice?.metadata.name ?? '', /^web-[a-z0-9]{5}$/);
});

test('EPS-20, ESL-31: a slice of another maker is neither counted nor touched', () => {
  const [ours] = decide(service(), pod('p'), node('a'));
  const theirs = { ...ours!, metadata: { ...ours!.metadata, name: 'theirs', labels: { ...ours!.metadata.labels, 'endpointslice.kubernetes.io/managed-by': 'me' } }, endpoints: [] };
  const writes = createEndpointSlices().decide(seen(service(), pod('p'), node('a'), ours!, theirs), now);
  assert.deepEqual(writes, []);
});

test('SVC-39: a slice by hand under a name of its maker stays; one that claims to be ours without being so goes', () => {
  const [ours] = decide(service(), pod('p'), node('a'));
  const made = (name: string, by: string) => ({ ...ours!, metadata: { name, namespace: 'default', uid: name, labels: { ...ours!.metadata.labels, 'endpointslice.kubernetes.io/managed-by': by } } });
  const writes = createEndpointSlices().decide(seen(service(), pod('p'), node('a'), ours!, made('theirs', 'cluster-admins'), made('false', 'endpointslice-controller.k8s.io')), now);
  assert.deepEqual(writes.map((write) => (write.verb === 'delete' ? write.target.name : write.verb)), ['false']);
});

test('TOPO-30: a slice is written again if, and only if, a ready endpoint has no hint, more than one, or a wrong one', () => {
  const objects = [service({ trafficDistribution: 'PreferClose' }), pod('p'), pod('q', { ready: false, ips: ['10.0.0.2'] }), node('a', 'z1')];
  const [slice] = decide(...objects);
  const hinted = (...names: string[]) => ({ ...slice!, endpoints: slice!.endpoints.map((each) => (each.hints ? { ...each, hints: { forZones: names.map((name) => ({ name })) } } : each)) });
  const bare = { ...slice!, endpoints: slice!.endpoints.map((each) => ({ ...each, hints: undefined })) };
  const written = [slice!, hinted('z2'), hinted('z1', 'z2'), bare].map((old) => createEndpointSlices().decide(seen(...objects, old), now).length);
  assert.deepEqual(written, [0, 1, 1, 1]);
});

test('ESL-34: a label that the Service loses, its slices lose; one of their own they keep not', () => {
  const [old] = decide(service({}, { team: 'red' }), pod('p'), node('a'));
  const [slice] = slicesIn(createEndpointSlices().decide(seen(service(), pod('p'), node('a'), old!), now));
  assert.deepEqual([Object.keys(slice!.metadata.labels!), slice!.endpoints], [['endpointslice.kubernetes.io/managed-by', 'kubernetes.io/service-name'], old!.endpoints]);
});

test('ESL-57: decided twice on the same snapshot, the same slices are asked for', () => {
  const objects = [service(), pod('p'), node('a')];
  assert.deepEqual(decide(...objects), decide(...objects));
});

function subsets(...objects: KubeObject[]): Endpoints & Required<Pick<Endpoints, 'subsets'>> {
  const [write] = createEndpoints().decide(seen(...objects), now);
  assert.ok(write?.verb === 'create');
  return write.object as Endpoints & Required<Pick<Endpoints, 'subsets'>>;
}

test('EPT-01: ready and not-ready addresses; terminating pods are absent', () => {
  const { subsets: [subset] } = subsets(service(), pod('p'), pod('q', { ready: false, ips: ['10.0.0.2'] }), pod('r', { going: true, ips: ['10.0.0.3'] }), node('a'));
  assert.deepEqual([subset?.addresses?.map(({ ip }) => ip), subset?.notReadyAddresses?.map(({ ip }) => ip)], [['10.0.0.1'], ['10.0.0.2']]);
});

test('EPT-02, ESL-58: of 1001 pods a thousand are listed, ready ones first, and it is noted', () => {
  const pods = Array.from({ length: 1001 }, (_, i) => pod(`p${i}`, { ready: i !== 0, ips: [`10.0.${i >> 8}.${i & 255}`] }));
  const { subsets: [subset], metadata } = subsets(service(), ...pods, node('a'));
  assert.deepEqual([subset?.addresses?.length, subset?.notReadyAddresses?.length], [1000, undefined]);
  assert.equal(metadata.annotations?.['endpoints.kubernetes.io/over-capacity'], 'truncated');
});
