// How things end: what controllers must clear away after a deletion, and what they must leave alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointSliceKind } from '../../src/kube/kinds/endpoint-slice.ts';
import { deploymentKind } from '../../src/kube/kinds/deployment.ts';
import { endpointsKind } from '../../src/kube/kinds/endpoints.ts';
import { eventKind } from '../../src/kube/kinds/event.ts';
import { kinds } from '../../src/kube/kinds/kinds.ts';
import { namespaceKind } from '../../src/kube/kinds/namespace.ts';
import { nodeKind } from '../../src/kube/kinds/node.ts';
import { podKind } from '../../src/kube/kinds/pod.ts';
import { replicaSetKind } from '../../src/kube/kinds/replica-set.ts';
import { serviceKind } from '../../src/kube/kinds/service.ts';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import type { Write } from '../../src/kube/store/store.ts';
import { createControllers } from '../../src/control/controllers/controllers.ts';
import { createWorld, namespace, node, service, testOptions, workload, type World } from './controller-world.ts';

const doomed = (object: KubeObject, propagationPolicy?: 'Foreground' | 'Orphan'): Write => {
  const { name, namespace: within } = object.metadata;
  return { verb: 'delete', target: { apiVersion: object.apiVersion, kind: object.kind, name, ...(within && { namespace: within }) }, ...(propagationPolicy && { propagationPolicy }) };
};

async function webWorld(...more: KubeObject[]): Promise<World> {
  const world = createWorld();
  await world.add(namespace('default'), namespace('other'), node('a'), node('b'), workload('Deployment', 'web', { replicas: 3 }), ...more);
  await world.rest();
  return world;
}

test('a deleted Deployment takes its ReplicaSets and pods along', async () => {
  const world = await webWorld();
  await world.store.write(doomed(world.list(deploymentKind)[0]!));
  await world.rest();
  assert.deepEqual([world.list(replicaSetKind), world.list(podKind)], [[], []]);
});

test('foreground deletion: the owner stays until its dependents are gone', async () => {
  const world = await webWorld();
  await world.store.write(doomed(world.list(deploymentKind)[0]!, 'Foreground'));
  let lastWithPods = 0;
  for (let turn = 1; await world.turn(); turn++) {
    if (world.list(podKind).length > 0) {
      lastWithPods = turn;
      assert.equal(world.list(deploymentKind).length, 1);
      assert.equal(world.list(replicaSetKind).length, 1);
    }
  }
  assert.ok(lastWithPods > 0);
  assert.deepEqual([world.list(deploymentKind), world.list(replicaSetKind)], [[], []]);
});

test('orphaned, the ReplicaSet and its pods stay and forget their owner', async () => {
  const world = await webWorld();
  const before = world.list(podKind).map(({ metadata }) => metadata.uid);
  await world.store.write(doomed(world.list(deploymentKind)[0]!, 'Orphan'));
  await world.rest();
  assert.equal(world.list(deploymentKind).length, 0);
  assert.equal(world.list(replicaSetKind)[0]!.metadata.ownerReferences, undefined);
  assert.deepEqual(world.list(podKind).map(({ metadata }) => metadata.uid), before);
});

test('EPS-21: a deleted Service takes its slices and its Endpoints along', async () => {
  const world = await webWorld(service('web'));
  assert.deepEqual([world.list(endpointSliceKind).length, world.list(endpointsKind).length], [1, 1]);
  await world.store.write(doomed(world.list(serviceKind)[0]!));
  await world.rest();
  assert.deepEqual([world.list(endpointSliceKind), world.list(endpointsKind)], [[], []]);
});

test('ESL-33: slices of an earlier Service of the same name are replaced', async () => {
  const world = await webWorld(service('web'));
  const old = world.list(endpointSliceKind)[0]!;
  await world.store.write(doomed(world.list(serviceKind)[0]!));
  await world.add(service('web'));
  await world.rest();
  const [slice, ...others] = world.list(endpointSliceKind);
  assert.deepEqual(others, []);
  assert.notEqual(slice!.metadata.uid, old.metadata.uid);
  assert.equal(slice!.metadata.ownerReferences?.[0]?.uid, world.list(serviceKind)[0]!.metadata.uid);
  assert.equal(slice!.endpoints.length, 3);
});

test('a deleted namespace is emptied of everything, then goes; the others keep theirs', async () => {
  const world = await webWorld(workload('Deployment', 'web', { namespace: 'other' }), workload('StatefulSet', 'db', { namespace: 'other', replicas: 2 }), service('web', {}, { namespace: 'other' }));
  await world.store.write(doomed(world.list(namespaceKind).find(({ metadata }) => metadata.name === 'other')!));
  assert.equal(world.list(namespaceKind).find(({ metadata }) => metadata.name === 'other')?.status?.phase, 'Terminating');
  await world.rest();
  assert.ok(world.list(podKind).some(({ metadata }) => metadata.namespace === 'other'), 'a moment of grace comes first');
  await world.pass(10);
  const left = kinds.flatMap((kind) => world.list(kind)).filter(({ metadata }) => metadata.namespace === 'other' || metadata.name === 'other');
  assert.deepEqual(left, []);
  assert.equal(world.list(podKind).length, 3);
});

test('LB-05, LB-09: a deleted load balancer gives its address back before it goes', async () => {
  const world = createWorld();
  const balancer = (name: string) => service(name, { type: 'LoadBalancer' });
  const addressOf = (name: string) => world.seen().get(serviceKind, name, 'default')?.status?.loadBalancer?.ingress?.[0]?.ip;
  await world.add(namespace('default'), balancer('one'), balancer('two'));
  await world.rest();
  assert.deepEqual([addressOf('one'), addressOf('two')], ['172.30.0.241', '172.30.0.242']);
  assert.deepEqual(world.seen().get(serviceKind, 'one', 'default')?.metadata.finalizers, ['service.kubernetes.io/load-balancer-cleanup']);
  await world.store.write(doomed(world.seen().get(serviceKind, 'one', 'default')!));
  assert.ok(world.seen().get(serviceKind, 'one', 'default')?.metadata.deletionTimestamp);
  await world.rest();
  assert.equal(world.seen().get(serviceKind, 'one', 'default'), undefined);
  await world.add(balancer('three'));
  await world.rest();
  assert.equal(addressOf('three'), '172.30.0.241');
});

test('SVC-78: a balancer’s wish for an address of the pool is heard; one for another is told, and gets none', async () => {
  const world = createWorld();
  await world.add(namespace('default'), ...['172.30.0.245', '10.9.9.9', undefined].map((loadBalancerIP, i) => service(`s${i}`, { type: 'LoadBalancer', loadBalancerIP })));
  await world.rest();
  assert.deepEqual(world.list(serviceKind).map(({ status }) => status?.loadBalancer?.ingress?.map(({ ip }) => ip)), [['172.30.0.245'], undefined, ['172.30.0.241']]);
  assert.ok(world.list(eventKind).some(({ reason, message }) => reason === 'SyncLoadBalancerFailed' && message?.includes('10.9.9.9')));
});

test('SVC-84: an internal balancer has an address of the internal pool, and changes it with its annotation', async () => {
  const world = createWorld(createControllers({ ...testOptions, internalLoadBalancerCIDRs: ['10.77.0.0/28'] }));
  const internal = { 'fairlead.dev/load-balancer': 'internal' };
  await world.add(namespace('default'), service('inside', { type: 'LoadBalancer' }, { annotations: internal }), service('outside', { type: 'LoadBalancer' }));
  const addresses = async (): Promise<unknown> => {
    await world.rest();
    return world.list(serviceKind).map(({ status }) => status?.loadBalancer?.ingress?.map(({ ip }) => ip));
  };
  assert.deepEqual(await addresses(), [['10.77.0.1'], ['172.30.0.241']]);
  const turned = world.list(serviceKind).map((each, i) => ({ ...each, metadata: { ...each.metadata, annotations: i === 0 ? {} : internal } }));
  for (const object of turned) await world.store.write({ verb: 'update', object });
  assert.deepEqual(await addresses(), [['172.30.0.241'], ['10.77.0.1']]);
});

test('SVC-84: where there is no internal pool, an internal balancer stays without address and says why', async () => {
  const world = createWorld();
  await world.add(namespace('default'), service('inside', { type: 'LoadBalancer' }, { annotations: { 'fairlead.dev/load-balancer': 'internal' } }));
  await world.rest();
  assert.deepEqual(world.list(serviceKind)[0]?.status?.loadBalancer, {});
  assert.ok(world.list(eventKind).some(({ message }) => message === 'Error syncing load balancer: no IPv4 address is free in the internal load balancer pools'));
});

test('SVC-77, LB-07: a Service of another class is left to whoever has that class', async () => {
  const world = createWorld();
  await world.add(namespace('default'), service('one', { type: 'LoadBalancer', loadBalancerClass: 'example.com/theirs' }));
  await world.rest();
  const { status, metadata } = world.list(serviceKind)[0]!;
  assert.deepEqual([status?.loadBalancer, metadata.finalizers], [{}, undefined]);
});

test('LB-06: a Service that is no load balancer any more has neither address nor finalizer', async () => {
  const world = createWorld();
  await world.add(namespace('default'), service('one', { type: 'LoadBalancer' }));
  await world.rest();
  const seen = world.seen().get(serviceKind, 'one', 'default')!;
  await world.store.write({ verb: 'update', object: { ...seen, spec: { ...seen.spec, type: 'ClusterIP' } } as KubeObject });
  await world.rest();
  const now = world.seen().get(serviceKind, 'one', 'default')!;
  assert.deepEqual([now.status?.loadBalancer, now.metadata.finalizers], [{}, undefined]);
});

test('IPAM: a removed node’s range is given to the next one; ranges never overlap', async () => {
  const world = createWorld();
  await world.add(namespace('default'), node('a'), node('b'), node('c'));
  await world.rest();
  const rangesOf = (name: string) => world.seen().get(nodeKind, name)?.spec?.podCIDRs;
  assert.deepEqual(rangesOf('a'), ['10.244.0.0/24', 'fd00:10:244::/64']);
  assert.deepEqual(rangesOf('c'), ['10.244.2.0/24', 'fd00:10:244:2::/64']);
  await world.store.write(doomed(world.seen().get(nodeKind, 'b')!));
  await world.add(node('d'), node('e'));
  await world.rest();
  assert.deepEqual(rangesOf('d'), ['10.244.1.0/24', 'fd00:10:244:1::/64']);
  assert.deepEqual(rangesOf('e'), ['10.244.3.0/24', 'fd00:10:244:3::/64']);
});
