// Topology hints through the whole of the controllers: annotation, slices, events, and rest.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointSliceKind } from '../../src/kube/kinds/endpoint-slice.ts';
import { eventKind } from '../../src/kube/kinds/event.ts';
import { nodeKind } from '../../src/kube/kinds/node.ts';
import { serviceKind } from '../../src/kube/kinds/service.ts';
import type { Node } from '../../src/kube/objects/core.ts';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import { createWorld, namespace, node, service, type World, workload } from './controller-world.ts';

const annotation = 'service.kubernetes.io/topology-mode';
const zoned = (name: string, zone: string): KubeObject => {
  const made: Node = node(name, { labels: { 'topology.kubernetes.io/zone': zone } });
  return { ...made, status: { ...made.status, allocatable: { cpu: '2' } } } as Node;
};

const hints = (world: World): string[] =>
  world.list(endpointSliceKind).flatMap(({ endpoints }) => endpoints).map((endpoint) => `${endpoint.zone}>${endpoint.hints?.forZones?.map(({ name }) => name).join('+') ?? ''}`).toSorted();
/** But for what is said before the first pod is ready. */
const said = (world: World): string[] =>
  world.list(eventKind).filter(({ reason, message }) => reason?.startsWith('Topology') && !message?.includes('(0 endpoints')).map(({ type, reason, message }) => `${type} ${reason} ${message}`).toSorted();

async function change(world: World, spec: object, annotations: Record<string, string> = {}): Promise<void> {
  const old = world.seen().get(serviceKind, 'web', 'default')!;
  await world.store.write({ verb: 'update', object: { ...old, metadata: { ...old.metadata, annotations }, spec: { ...old.spec, ...spec } } as KubeObject });
  await world.rest();
}

test('TOPO-05, TOPO-14 to TOPO-16, TOPO-31, TOPO-32: hints come and go with annotation and field, each with one event, in three zones', async () => {
  const world = createWorld();
  await world.add(namespace('default'), zoned('n1', 'a'), zoned('n2', 'b'), zoned('n3', 'c'), workload('Deployment', 'web', { replicas: 3 }), service('web', {}, { annotations: { [annotation]: 'Auto' } }));
  await world.rest();
  assert.deepEqual(hints(world), ['a>a', 'b>b', 'c>c']);
  assert.deepEqual(said(world), ['Normal TopologyAwareHintsEnabled Topology Aware Hints has been enabled, addressType: IPv4']);
  const versions = () => world.list(endpointSliceKind).map(({ metadata }) => metadata.resourceVersion);
  const before = versions();
  await world.rest();
  assert.deepEqual(versions(), before, 'TOPO-17: nothing to write');
  await change(world, { trafficDistribution: 'PreferClose' }, { [annotation]: 'Auto' });
  assert.deepEqual(hints(world), ['a>a', 'b>b', 'c>c']);
  await change(world, { trafficDistribution: undefined });
  assert.deepEqual(hints(world), ['a>', 'b>', 'c>']);
  assert.equal(said(world).length, 2);
  assert.ok(said(world).includes('Warning TopologyAwareHintsDisabled Topology Aware Hints has been disabled, addressType: IPv4'));
  await change(world, { trafficDistribution: 'PreferClose' });
  assert.deepEqual(hints(world), ['a>a', 'b>b', 'c>c']);
  await change(world, { trafficDistribution: undefined });
  assert.deepEqual(hints(world), ['a>', 'b>', 'c>']);
  assert.equal(said(world).length, 2);
});

test('TOPO-06, TOPO-08: a failed safeguard strips the hints and says why; when it holds again they are back', async () => {
  const world = createWorld();
  await world.add(namespace('default'), zoned('n1', 'a'), zoned('n2', 'b'), workload('Deployment', 'web', { replicas: 2 }), service('web', {}, { annotations: { [annotation]: 'Auto' } }));
  await world.rest();
  assert.deepEqual(hints(world), ['a>a', 'b>b']);
  await world.add(node('stray'));
  await world.rest();
  assert.deepEqual(hints(world), ['a>', 'b>']);
  const why = 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes, addressType: IPv4';
  assert.ok(said(world).includes(`Warning TopologyAwareHintsDisabled ${why}`));
  await world.store.write({ verb: 'delete', target: { apiVersion: 'v1', kind: 'Node', name: 'stray' } });
  await world.rest();
  assert.deepEqual(hints(world), ['a>a', 'b>b']);
});

test('TOPO-20: a change of zones’ CPU writes the slices that it overloads, and no others; a heartbeat none', async () => {
  const world = createWorld();
  const auto = { annotations: { [annotation]: 'Auto' } };
  await world.add(namespace('default'), zoned('n1', 'a'), zoned('n2', 'b'), workload('Deployment', 'web', { replicas: 4 }), workload('Deployment', 'plain', { replicas: 4 }), service('web', {}, auto), service('plain'));
  await world.rest();
  assert.deepEqual(hints(world).filter((each) => !each.endsWith('>')), ['a>a', 'a>a', 'b>b', 'b>b']);
  const written = async (cpu: string, more: object = {}): Promise<(string | undefined)[]> => {
    const before = new Set(world.list(endpointSliceKind));
    const node = world.seen().get(nodeKind, 'n1')!;
    await world.store.write({ verb: 'update', object: { ...node, status: { ...node.status, allocatable: { cpu }, ...more } } as Node, subresource: 'status' });
    await world.rest();
    return world.list(endpointSliceKind).filter((slice) => !before.has(slice)).map(({ metadata }) => metadata.labels?.['kubernetes.io/service-name']);
  };
  assert.deepEqual(await written('2', { daemonEndpoints: { kubeletEndpoint: { Port: 10250 } } }), [], 'as many');
  assert.deepEqual(await written('2200m'), [], 'still within the threshold');
  assert.deepEqual(await written('6'), ['web']);
  assert.deepEqual(hints(world).filter((each) => !each.endsWith('>')), ['a>a', 'a>a', 'b>a', 'b>b']);
});
