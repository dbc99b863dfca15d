// Nodes that fall silent, come back, are cordoned or removed; and where the scheduler puts pods.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventKind } from '../../src/kube/kinds/event.ts';
import { nodeKind } from '../../src/kube/kinds/node.ts';
import { podKind } from '../../src/kube/kinds/pod.ts';
import { findCondition } from '../../src/kube/meaning/conditions.ts';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import { createWorld, namespace, node, workload, type World } from './controller-world.ts';

async function started(...objects: KubeObject[]): Promise<World> {
  const world = createWorld();
  await world.add(namespace('default'), namespace('kube-node-lease'), ...objects);
  await world.rest();
  return world;
}

const readiness = (world: World, name: string) => findCondition(world.seen().get(nodeKind, name)?.status?.conditions, 'Ready');
const taints = (world: World, name: string) => (world.seen().get(nodeKind, name)?.spec?.taints ?? []).map(({ key, effect }) => `${key.slice('node.kubernetes.io/'.length)}:${effect}`);
const where = (world: World) => world.list(podKind).map(({ spec }) => spec.nodeName).toSorted();

test('a node silent for fifty seconds is lost: Unknown, tainted, its pods not ready; other nodes go on', async () => {
  const world = await started(node('a'), node('b'), workload('Deployment', 'web', { replicas: 2 }));
  world.silent.add('a');
  await world.pass(40);
  assert.equal(readiness(world, 'a')?.status, 'True');
  await world.pass(20);
  assert.deepEqual([readiness(world, 'a')?.status, readiness(world, 'a')?.reason, readiness(world, 'b')?.status], ['Unknown', 'NodeStatusUnknown', 'True']);
  assert.deepEqual([taints(world, 'a'), taints(world, 'b')], [['unreachable:NoSchedule', 'unreachable:NoExecute'], []]);
  const pods = world.list(podKind).map(({ spec, status }) => [spec.nodeName, findCondition(status?.conditions, 'Ready')?.status]);
  assert.deepEqual(pods.toSorted(), [['a', 'False'], ['b', 'True']]);
});

test('pods leave a lost node after their five minutes; a daemon stays', async () => {
  const world = await started(node('a'), node('b'), workload('Deployment', 'web', { replicas: 2 }), workload('DaemonSet', 'agent'));
  world.silent.add('a');
  await world.pass(340);
  assert.ok(world.list(podKind).every(({ metadata }) => !metadata.deletionTimestamp));
  await world.pass(20);
  const going = world.list(podKind).filter(({ metadata }) => metadata.deletionTimestamp).map(({ metadata }) => metadata.labels?.['app']);
  assert.deepEqual(going, ['web']);
  assert.deepEqual(world.list(podKind).filter(({ metadata }) => !metadata.deletionTimestamp).map(({ spec }) => spec.nodeName).toSorted(), ['a', 'b', 'b', 'b']);
});

test('a node that comes back loses its taints, and its pods stay', async () => {
  const world = await started(node('a'), workload('Deployment', 'web'));
  const before = world.list(podKind)[0]!.metadata.uid;
  world.silent.add('a');
  await world.pass(60);
  world.silent.delete('a');
  await world.pass(10);
  assert.deepEqual([readiness(world, 'a')?.status, taints(world, 'a')], ['True', []]);
  assert.equal(world.list(podKind)[0]!.metadata.uid, before);
  assert.equal(findCondition(world.list(podKind)[0]!.status?.conditions, 'Ready')?.status, 'True');
});

test('after a sleep of the whole machine no node is lost for it', async () => {
  const world = await started(node('a'), workload('Deployment', 'web'));
  world.now = new Date(world.now.getTime() + 3_600_000);
  await world.turn();
  assert.equal(readiness(world, 'a')?.status, 'True');
});

test('a removed node’s pods are cleared away, but not at once: it may come back', async () => {
  const world = await started(node('a'), node('b'), workload('Deployment', 'web', { replicas: 2 }));
  await world.store.write({ verb: 'delete', target: { apiVersion: 'v1', kind: 'Node', name: 'a' } });
  await world.pass(30);
  assert.deepEqual(where(world), ['a', 'b']);
  await world.pass(20);
  assert.deepEqual(where(world), ['b', 'b']);
});

test('a cordoned node is tainted and takes no new pods', async () => {
  const world = await started(node('a'), node('b', { unschedulable: true }), workload('Deployment', 'web', { replicas: 3 }));
  assert.deepEqual([taints(world, 'b'), where(world)], [['unschedulable:NoSchedule'], ['a', 'a', 'a']]);
});

test('pods of one owner spread over the nodes, whatever else is there', async () => {
  const world = await started(node('a'), node('b'), node('c'), workload('Deployment', 'web', { replicas: 6 }), workload('Deployment', 'one'), workload('Deployment', 'two'));
  const perNode = (app: string) => Map.groupBy(world.list(podKind).filter(({ metadata }) => metadata.labels?.['app'] === app), ({ spec }) => spec.nodeName);
  assert.deepEqual([...perNode('web').values()].map((pods) => pods.length), [2, 2, 2]);
  assert.notEqual([...perNode('one').keys()][0], [...perNode('two').keys()][0]);
});

const affinity = (key: string, operator: string, values: string[]) => ({ affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator, values }] }] } } } });

const ssd = { labels: { disk: 'ssd' } };
const rows: readonly (readonly [name: string, nodes: KubeObject[], pod: object, on: (string | undefined)[]])[] = [
  ['a node selector', [node('a'), node('b', ssd)], { nodeSelector: { disk: 'ssd' } }, ['b']],
  ['a required node affinity', [node('a', ssd), node('b')], affinity('disk', 'NotIn', ['ssd']), ['b']],
  ['a taint', [node('a', { taints: [{ key: 'x', effect: 'NoSchedule' }] }), node('b')], {}, ['b']],
  ['a toleration', [node('a', { taints: [{ key: 'x', value: 'y', effect: 'NoSchedule' }] })], { tolerations: [{ key: 'x', operator: 'Equal', value: 'y' }] }, ['a']],
  ['a node that is not ready', [node('a', { ready: false }), node('b')], {}, ['b']],
  ['a taint that only asks', [node('a', { taints: [{ key: 'x', effect: 'PreferNoSchedule' }] })], {}, ['a']],
  ['another scheduler’s pod', [node('a')], { schedulerName: 'mine' }, [undefined]],
];

for (const [name, nodes, pod, on] of rows) {
  test(`the scheduler heeds ${name}`, async () => assert.deepEqual(where(await started(...nodes, workload('Deployment', 'web', { pod }))), on));
}

test('a pod that fits nowhere says why, once, and is placed as soon as a node fits', async () => {
  const world = await started(node('a', { taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }] }), node('b'), node('c'), workload('Deployment', 'web', { pod: { nodeSelector: { disk: 'ssd' } } }));
  const text =
    "0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 2 node(s) didn't match Pod's node affinity/selector. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.";
  const scheduled = findCondition(world.list(podKind)[0]!.status?.conditions, 'PodScheduled');
  assert.deepEqual([scheduled?.status, scheduled?.reason, scheduled?.message], ['False', 'Unschedulable', text]);
  assert.deepEqual(world.list(eventKind).filter(({ reason }) => reason === 'FailedScheduling').map(({ message }) => message), [text]);
  await world.add(node('d', ssd));
  await world.rest();
  assert.deepEqual(where(world), ['d']);
  assert.equal(findCondition(world.list(podKind)[0]!.status?.conditions, 'PodScheduled')?.status, 'True');
});

const withHostPort = (port: object): object => ({ containers: [{ name: 'main', image: 'x', ports: [{ containerPort: 80, ...port }] }] });
const failures = (world: World) => world.list(eventKind).filter(({ reason }) => reason === 'FailedScheduling').map(({ message }) => message);

test('HPT-05: a host port is had once on a node; who finds none free waits, says so, and follows when one is given up', async () => {
  const text =
    "0/3 nodes are available: 1 node(s) had untolerated taint {x: }, 2 node(s) didn't have free ports for the requested pod ports. preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod.";
  const world = await started(node('a'), node('b'), node('c', { taints: [{ key: 'x', effect: 'NoSchedule' }] }), workload('Deployment', 'web', { replicas: 3, pod: withHostPort({ hostPort: 8080 }) }));
  assert.deepEqual(where(world), ['a', 'b', undefined]);
  const waiting = world.list(podKind).find(({ spec }) => !spec.nodeName)!;
  const scheduled = findCondition(waiting.status?.conditions, 'PodScheduled');
  assert.deepEqual([waiting.status?.phase, scheduled?.reason, scheduled?.message], ['Pending', 'Unschedulable', text]);
  assert.deepEqual(failures(world), [text]);
  await world.store.write({ verb: 'delete', target: { apiVersion: 'v1', kind: 'Node', name: 'b' } });
  await world.add(node('d'));
  await world.rest();
  assert.equal(world.list(podKind).filter(({ spec }) => spec.nodeName === 'd').length, 1);
});

const sideBySide: readonly (readonly [about: string, one: object, other: object, fits: boolean])[] = [
  ['the same number', { hostPort: 80 }, { hostPort: 80 }, false],
  ['another number', { hostPort: 80 }, { hostPort: 81 }, true],
  ['another protocol', { hostPort: 53 }, { hostPort: 53, protocol: 'UDP' }, true],
  ['two addresses', { hostPort: 80, hostIP: '10.0.0.1' }, { hostPort: 80, hostIP: '10.0.0.2' }, true],
  ['one address of all', { hostPort: 80 }, { hostPort: 80, hostIP: '10.0.0.2' }, false],
  ['one address of all in IPv4', { hostPort: 80, hostIP: '10.0.0.2' }, { hostPort: 80, hostIP: '0.0.0.0' }, false],
];
for (const [about, one, other, fits] of sideBySide) {
  test(`HPT-05: two pods on one node with ${about}: ${fits ? 'both run' : 'one waits'}`, async () => {
    const world = await started(node('a'), workload('Deployment', 'one', { pod: withHostPort(one) }), workload('Deployment', 'two', { pod: withHostPort(other) }));
    assert.deepEqual(where(world), ['a', fits ? 'a' : undefined]);
  });
}

test('HPT-05, HPT-09, ICT-18: on the host network every port is a host port, so two such servers of port 80 need two nodes', async () => {
  const world = await started(node('a'), workload('Deployment', 'ingress', { replicas: 2, pod: { hostNetwork: true, ...withHostPort({}) } }));
  assert.deepEqual(where(world), ['a', undefined]);
});

test('events are forgotten an hour after they were last seen', async () => {
  const world = await started(node('a'), workload('Deployment', 'web'));
  assert.ok(world.list(eventKind).length > 0);
  world.now = new Date(world.now.getTime() + 3_600_000);
  await world.rest();
  assert.deepEqual(world.list(eventKind), []);
});
