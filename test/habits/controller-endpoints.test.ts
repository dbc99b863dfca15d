// EndpointSlices over time, through all controllers: what is written when pods, nodes and Services change, and no more.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEndpointSlices } from '../../src/control/controllers/endpoint-slices.ts';
import type { Kind } from '../../src/kube/kinds/kind.ts';
import { endpointSliceKind } from '../../src/kube/kinds/endpoint-slice.ts';
import { endpointsKind } from '../../src/kube/kinds/endpoints.ts';
import { nodeKind } from '../../src/kube/kinds/node.ts';
import { podKind } from '../../src/kube/kinds/pod.ts';
import { serviceKind } from '../../src/kube/kinds/service.ts';
import type { Pod, Service } from '../../src/kube/objects/core.ts';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import type { EndpointSlice } from '../../src/kube/objects/networking.ts';
import type { Snapshot } from '../../src/kube/store/store.ts';
import { createWorld, namespace, node, service, type World } from './controller-world.ts';

/** A pod that runs, is ready and selected by Service web. */
function pod(name: string, number: number, { labels = { app: 'web' }, port = 8080, nodeName = 'a' }: { labels?: Record<string, string>; port?: number; nodeName?: string } = {}): KubeObject {
  const address = `10.244.${number >> 8}.${number & 255}`;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels },
    spec: { nodeName, containers: [{ name: 'c', image: 'echo:1', ports: [{ name: 'http', containerPort: port, protocol: 'TCP' }] }] },
    status: { phase: 'Running', podIP: address, podIPs: [{ ip: address }], conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2024-05-01T11:00:00Z' }] },
  } as KubeObject;
}
const pods = (count: number, prefix = 'p'): KubeObject[] => Array.from({ length: count }, (_, i) => pod(`${prefix}${String(i).padStart(4, '0')}`, i + 1));

async function worldWith(...objects: KubeObject[]): Promise<World> {
  const world = createWorld();
  // The kubelet of these pods is this file.
  world.silent.add('a');
  await world.add(namespace('default'), node('a'));
  await add(world, ...objects);
  return world;
}

/** Objects with their status, and rest. */
async function add(world: World, ...objects: KubeObject[]): Promise<void> {
  await world.add(...objects);
  for (const object of objects.filter(({ kind }) => kind === 'Pod')) await tell(world, object.metadata.name, (object as Pod).status!);
  await world.rest();
}

const podNamed = (world: World, name: string): Pod => world.seen().get(podKind, name, 'default')!;
const tell = (world: World, name: string, status: Partial<Pod['status']>) =>
  world.store.write({ verb: 'update', object: { ...podNamed(world, name), status: { ...podNamed(world, name).status, ...status } } as Pod, subresource: 'status' });

const slicesOf = (world: World, name = 'web'): EndpointSlice[] => world.list(endpointSliceKind).filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name);
const sizes = (world: World): number[] => slicesOf(world).map(({ endpoints }) => endpoints.length).toSorted((a, b) => b - a);
const web = (world: World): Service => world.seen().get(serviceKind, 'web', 'default')!;

/** Writes, comes to rest, and answers which slices came, changed and went: what a watcher would be sent. */
async function eventsOf(world: World, change: () => Promise<unknown>): Promise<string[]> {
  const before = new Map(world.list(endpointSliceKind).map((slice) => [slice.metadata.uid, slice]));
  await change();
  await world.rest();
  const now = new Map(world.list(endpointSliceKind).map((slice) => [slice.metadata.uid, slice]));
  return [
    ...[...now].flatMap(([uid, slice]) => (!before.has(uid) ? ['added'] : before.get(uid)!.metadata.resourceVersion !== slice.metadata.resourceVersion ? ['modified'] : [])),
    ...[...before.keys()].flatMap((uid) => (now.has(uid) ? [] : ['deleted'])),
  ];
}

const changeWeb = (world: World, spec: object, meta: object = {}) =>
  world.store.write({ verb: 'update', object: { ...web(world), metadata: { ...web(world).metadata, ...meta }, spec: { ...web(world).spec, ...spec } } as KubeObject });
const removePod = (world: World, name: string) => world.store.write({ verb: 'delete', target: { apiVersion: 'v1', kind: 'Pod', name, namespace: 'default' }, gracePeriodSeconds: 0 });
const unready = (lastTransitionTime: string): Partial<Pod['status']> => ({ conditions: [{ type: 'Ready', status: 'False', lastTransitionTime }] });

test('EPS-36, EPS-41, ESL-58: one pod of 500 that comes, fails or goes is one slice of a hundred to its watchers', async () => {
  const world = await worldWith(service('web'), ...pods(500));
  assert.deepEqual(sizes(world), [100, 100, 100, 100, 100]);
  assert.deepEqual(await eventsOf(world, () => tell(world, 'p0007', unready('2024-05-01T12:34:56Z'))), ['modified']);
  assert.deepEqual(await eventsOf(world, () => removePod(world, 'p0007')), ['modified']);
  assert.deepEqual(await eventsOf(world, () => add(world, pod('new', 600))), ['modified'], 'there is room in one slice');
  assert.deepEqual(await eventsOf(world, () => add(world, pod('more', 601))), ['added'], 'there is none now');
  const bytes = (objects: readonly KubeObject[]) => Math.max(...objects.map((object) => JSON.stringify(object).length));
  assert.ok(bytes(slicesOf(world)) * 3 < bytes(world.list(endpointsKind)), 'Endpoints are sent whole');
});

test('EPT-03: of 1,001 pods Endpoints show a thousand, slices all; the note goes when they fit again', async () => {
  const world = await worldWith(service('web'), ...pods(1001));
  const shown = () => world.seen().get(endpointsKind, 'web', 'default')!;
  const note = () => shown().metadata.annotations?.['endpoints.kubernetes.io/over-capacity'];
  const count = () => shown().subsets!.flatMap(({ addresses = [] }) => addresses).length;
  assert.deepEqual([count(), note(), sizes(world).reduce((sum, size) => sum + size)], [1000, 'truncated', 1001]);
  await removePod(world, 'p0000');
  await world.rest();
  assert.deepEqual([count(), note()], [1000, undefined]);
});

test('ESL-19, SVC-11, SVC-29: pods and selector may change altogether; the address stays', async () => {
  const world = await worldWith(service('web'), ...pods(3), pod('other', 9, { labels: { app: 'other' } }));
  const { clusterIP, ports } = web(world).spec;
  const names = () => slicesOf(world).flatMap(({ endpoints }) => endpoints.map(({ targetRef }) => targetRef?.name)).toSorted();
  for (const name of ['p0000', 'p0001', 'p0002']) await removePod(world, name);
  await add(world, pod('q', 20));
  assert.deepEqual(names(), ['q']);
  assert.deepEqual(await eventsOf(world, () => changeWeb(world, { selector: { app: 'other' } })), ['modified'], 'the old object is used again');
  assert.deepEqual([names(), web(world).spec.clusterIP, web(world).spec.ports], [['other'], clusterIP, ports]);
});

test('SVC-18: pods with another number under the same port name come beside the old ones, and the Service is not touched', async () => {
  const world = await worldWith(service('web'), pod('old', 1));
  const { resourceVersion } = web(world).metadata;
  const shown = () => slicesOf(world).map(({ ports, endpoints }) => `${ports?.[0]?.name} ${ports?.[0]?.port} ${endpoints.length}`).toSorted();
  await add(world, pod('new', 2, { port: 9090 }));
  assert.deepEqual(shown(), ['http 8080 1', 'http 9090 1']);
  await removePod(world, 'old');
  await world.rest();
  assert.deepEqual([shown(), web(world).metadata.resourceVersion], [['http 9090 1'], resourceVersion]);
});

test('EPS-08, ESL-35: a family that is dropped takes its slices along; one that comes has its own', async () => {
  const world = await worldWith(service('web', { ipFamilyPolicy: 'PreferDualStack' }));
  const types = () => slicesOf(world).map(({ addressType, endpoints, ports }) => `${addressType} ${endpoints.length} ${ports?.length}`).toSorted();
  assert.deepEqual(types(), ['IPv4 0 0', 'IPv6 0 0']);
  await changeWeb(world, { ipFamilyPolicy: 'SingleStack', clusterIPs: [web(world).spec.clusterIP], ipFamilies: ['IPv4'] });
  await world.rest();
  assert.deepEqual(types(), ['IPv4 0 0']);
});

test('SVC-32, SVC-91, SVC-92, SVC-95, SVC-96: only a selector makes slices, and only below a name with endpoints of its own', async () => {
  const alias = { type: 'ExternalName', externalName: 'db.example.com' };
  const world = await worldWith(...pods(2), service('web', alias), service('bare', { selector: undefined }), service('headless', { clusterIP: 'None', selector: { app: 'web' } }), service('hands', { clusterIP: 'None', selector: undefined }));
  const counts = () => ['web', 'bare', 'headless', 'hands'].map((name) => slicesOf(world, name).flatMap(({ endpoints }) => endpoints).length);
  assert.deepEqual(counts(), [0, 0, 2, 0]);
  assert.deepEqual(world.list(endpointsKind).map(({ metadata }) => metadata.name), ['headless']);
  await changeWeb(world, { type: 'ClusterIP', externalName: undefined });
  await world.rest();
  assert.deepEqual([counts(), typeof web(world).spec.clusterIP], [[2, 0, 2, 0], 'string']);
});

test('ESL-29, ESL-39: a pod whose node comes late becomes an endpoint then; another zone of the node is told', async () => {
  const world = await worldWith(service('web'), pod('p', 1, { nodeName: 'late' }));
  const zones = () => slicesOf(world).flatMap(({ endpoints }) => endpoints.map(({ nodeName, zone }) => `${nodeName} ${zone}`));
  assert.deepEqual(zones(), []);
  await world.add(node('late', { labels: { 'topology.kubernetes.io/zone': 'east' } }));
  await world.rest();
  assert.deepEqual(zones(), ['late east']);
  const late = world.seen().get(nodeKind, 'late')!;
  await world.store.write({ verb: 'update', object: { ...late, metadata: { ...late.metadata, labels: { 'topology.kubernetes.io/zone': 'west' } } } });
  await world.rest();
  assert.deepEqual(zones(), ['late west']);
});

test('EPS-37, ESL-36: a slice tells when the change it reports began', async () => {
  const world = await worldWith(service('web'), pod('p', 1));
  const time = () => slicesOf(world)[0]!.metadata.annotations?.['endpoints.kubernetes.io/last-change-trigger-time'];
  assert.equal(time(), '2024-05-01T12:00:00Z', 'the Service came later than its pod');
  await tell(world, 'p', unready('2024-05-01T12:34:56Z'));
  await world.rest();
  assert.equal(time(), '2024-05-01T12:34:56Z');
});

test('ESL-57: a controller that does not see its own writes yet makes no slice twice and overwrites nothing', async () => {
  const world = await worldWith(service('web'), pod('p', 1));
  const [slice] = slicesOf(world);
  const blind = createEndpointSlices();
  const withSlices = (slices: readonly EndpointSlice[]): Snapshot => {
    const seen = world.seen();
    return { ...seen, get: (kind, name, space) => seen.get(kind, name, space), list: <T extends KubeObject>(kind: Kind<T>) => (kind.kind === 'EndpointSlice' ? (slices as unknown as readonly T[]) : seen.list(kind)) };
  };
  await world.add(pod('q', 2));
  await tell(world, 'q', (pod('q', 2) as Pod).status!);
  for (const write of blind.decide(withSlices([]), world.now)) await assert.rejects(world.store.write(write), { reason: 'AlreadyExists' });
  await world.rest();
  for (const write of createEndpointSlices().decide(withSlices([slice!]), world.now)) await assert.rejects(world.store.write(write), { reason: 'Conflict' });
  assert.deepEqual(sizes(world), [2]);
});
