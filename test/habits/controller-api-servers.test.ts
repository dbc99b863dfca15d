// Which API servers Service default/kubernetes leads to: all that renew their Lease, and none that is gone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createManualClock } from '../../src/base/run/clock.ts';
import { createControllers } from '../../src/control/controllers/controllers.ts';
import { Presence } from '../../src/control/controllers/leader/presence.ts';
import { endpointSliceKind } from '../../src/kube/kinds/endpoint-slice.ts';
import { endpointsKind } from '../../src/kube/kinds/endpoints.ts';
import { leaseKind } from '../../src/kube/kinds/lease.ts';
import { kinds } from '../../src/kube/kinds/kinds.ts';
import { createMemoryStore } from '../../src/kube/store/embedded.ts';
import type { Lease } from '../../src/kube/objects/networking.ts';
import { createWorld, namespace, service, testOptions, type World } from './controller-world.ts';

const own = '172.30.0.10:6443';

function presenceLease(name: string, at: string, renewTime: Date): Lease {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: `apiserver-${name}`, namespace: 'kube-system', annotations: { 'fairlead.dev/api-server': at } },
    spec: { holderIdentity: name, leaseDurationSeconds: 15, renewTime: renewTime.toISOString().replace('Z', '000Z') },
  };
}

async function worldWith(...leases: ((world: World) => Lease)[]): Promise<World> {
  const world = createWorld(createControllers(testOptions));
  await world.add(namespace('default'), namespace('kube-system'), service('kubernetes', { selector: undefined, ports: [{ name: 'https', port: 443, targetPort: 6443 }] }), ...leases.map((make) => make(world)));
  await world.rest();
  return world;
}

const slices = (world: World) =>
  world.list(endpointSliceKind).flatMap(({ endpoints, ports: [port] = [] }) => endpoints.map(({ addresses }) => `${addresses[0]}:${port?.port}`)).toSorted();
const endpoints = (world: World) =>
  world.list(endpointsKind).flatMap(({ subsets = [] }) => subsets.flatMap(({ addresses = [], ports: [port] = [] }) => addresses.map(({ ip }) => `${ip}:${port?.port}`))).toSorted();
const expect = (world: World, ...wanted: string[]) => assert.deepEqual([slices(world), endpoints(world)], [wanted.toSorted(), wanted.toSorted()]);

async function renew(world: World, name: string): Promise<void> {
  const lease = world.seen().get(leaseKind, `apiserver-${name}`, 'kube-system')!;
  await world.store.write({ verb: 'update', object: { ...lease, spec: { ...lease.spec, renewTime: world.now.toISOString() } } as Lease });
}

test('SVC-58: every API server that renews its Lease is an endpoint; one that falls silent goes after its lease', async () => {
  const world = await worldWith((of) => presenceLease('b', '172.30.0.11:6443', of.now));
  await world.add(presenceLease('c', '172.30.0.12:6443', world.now));
  await world.rest();
  expect(world, own, '172.30.0.11:6443', '172.30.0.12:6443');
  await world.pass(10);
  await renew(world, 'b');
  await world.pass(10);
  expect(world, own, '172.30.0.11:6443');
  await renew(world, 'c');
  await world.rest();
  expect(world, own, '172.30.0.11:6443', '172.30.0.12:6443');
});

test('a server that ends takes its Lease along, and is no endpoint at once', async () => {
  const world = await worldWith((of) => presenceLease('b', '172.30.0.11:6443', of.now));
  await world.store.write({ verb: 'delete', target: { apiVersion: leaseKind.apiVersion, kind: 'Lease', name: 'apiserver-b', namespace: 'kube-system' } });
  await world.rest();
  expect(world, own);
});

test('a Lease left by a server that died long ago leads nowhere, not even for a new leader; after an hour it is cleared', async () => {
  const world = await worldWith((of) => presenceLease('b', '172.30.0.11:6443', new Date(of.now.getTime() - 600_000)));
  expect(world, own);
  assert.equal(world.list(leaseKind).filter(({ metadata }) => metadata.name === 'apiserver-b').length, 1);
  world.now = new Date(world.now.getTime() + 3_600_000);
  await world.rest();
  assert.equal(world.list(leaseKind).filter(({ metadata }) => metadata.name === 'apiserver-b').length, 0);
});

test('clocks that differ a little make no server dead: what counts is how long its Lease was seen unchanged', async () => {
  const world = await worldWith((of) => presenceLease('b', '172.30.0.11:6443', new Date(of.now.getTime() - 50_000)));
  expect(world, own, '172.30.0.11:6443');
});

test('servers on other ports, and of the other family, are in slices of their own, which go with them', async () => {
  const world = await worldWith((of) => presenceLease('b', '172.30.0.11:7443', of.now));
  expect(world, own, '172.30.0.11:7443');
  assert.deepEqual(world.list(endpointSliceKind).map(({ metadata }) => metadata.name), ['kubernetes', 'kubernetes-7443']);
  await world.pass(20);
  assert.deepEqual(world.list(endpointSliceKind).map(({ metadata }) => metadata.name), ['kubernetes']);
});

test('a server says that it is there every five seconds, and that it is not when it ends', async () => {
  const store = createMemoryStore(kinds);
  const clock = createManualClock();
  const presence = new Presence({ store, clock, at: { address: 'fd00::1', port: 6443 }, identity: 'me' });
  const leases = () => store.snapshot().list(leaseKind);
  await clock.advance(0);
  const [first] = leases();
  assert.deepEqual([first!.metadata.annotations, first!.spec?.holderIdentity, first!.spec?.leaseDurationSeconds], [{ 'fairlead.dev/api-server': '[fd00::1]:6443' }, 'me', 15]);
  await clock.advance(5_000);
  assert.equal(leases()[0]!.spec?.renewTime, '2024-01-01T00:00:05.000000Z');
  assert.equal(leases()[0]!.spec?.acquireTime, first!.spec?.acquireTime);
  await presence.close();
  assert.deepEqual([leases(), clock.pending()], [[], 0]);
  await store.close();
});
