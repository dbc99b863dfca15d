// Roll-outs step by step: what must hold at every moment between two templates.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { controllerRevisionKind } from '../../src/kube/kinds/controller-revision.ts';
import { daemonSetKind } from '../../src/kube/kinds/daemon-set.ts';
import { deploymentKind } from '../../src/kube/kinds/deployment.ts';
import { nodeKind } from '../../src/kube/kinds/node.ts';
import { podKind } from '../../src/kube/kinds/pod.ts';
import { replicaSetKind } from '../../src/kube/kinds/replica-set.ts';
import { statefulSetKind } from '../../src/kube/kinds/stateful-set.ts';
import { findCondition } from '../../src/kube/meaning/conditions.ts';
import type { Deployment } from '../../src/kube/objects/apps.ts';
import type { Pod, PodTemplateSpec } from '../../src/kube/objects/core.ts';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import { createWorld, namespace, node, workload, type World } from './controller-world.ts';

type Owner = KubeObject & { spec: { template: PodTemplateSpec } };

const withImage = (template: PodTemplateSpec, image: string): PodTemplateSpec => ({ ...template, spec: { ...template.spec, containers: template.spec.containers.map((one) => ({ ...one, image })) } });
const imageOf = ({ spec }: Pod) => spec.containers[0]!.image;
const isReady = ({ status, metadata }: Pod) => !metadata.deletionTimestamp && findCondition(status?.conditions, 'Ready')?.status === 'True';

async function change<T extends KubeObject>(world: World, object: T, spec: object): Promise<void> {
  const whole = object as KubeObject & { spec?: object };
  await world.store.write({ verb: 'update', object: { ...whole, spec: { ...whole.spec, ...spec } } as KubeObject });
}

const roll = (world: World, owner: Owner, image: string) => change(world, owner, { template: withImage(owner.spec.template, image) });

async function started(...objects: KubeObject[]): Promise<World> {
  const world = createWorld();
  await world.add(namespace('default'), node('a'), node('b'), node('c'), ...objects);
  await world.rest();
  return world;
}

const web = (world: World) => world.list(deploymentKind)[0]!;
const images = (world: World) => [...new Set(world.list(podKind).map(imageOf))].toSorted();

for (const { maxSurge, maxUnavailable, most, least } of [
  { maxSurge: 1, maxUnavailable: 0, most: 5, least: 4 },
  { maxSurge: 0, maxUnavailable: 1, most: 4, least: 3 },
  { maxSurge: '25%', maxUnavailable: '25%', most: 5, least: 3 },
  { maxSurge: '100%', maxUnavailable: 0, most: 8, least: 4 },
]) {
  test(`rolling update, surge ${maxSurge}, unavailable ${maxUnavailable}: never above ${most} pods, never below ${least} ready`, async () => {
    const world = await started(workload('Deployment', 'web', { replicas: 4, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } }));
    await roll(world, web(world), 'echo:2');
    while (await world.turn()) {
      const active = world.list(podKind).filter(({ metadata }) => !metadata.deletionTimestamp);
      assert.ok(active.length <= most, `${active.length} pods`);
      assert.ok(world.list(podKind).filter(isReady).length >= least);
    }
    assert.deepEqual(images(world), ['echo:2']);
    assert.equal(world.list(podKind).length, 4);
    assert.equal(web(world).metadata.annotations?.['deployment.kubernetes.io/revision'], '2');
  });
}

test('Recreate: no pod of the new template while one of the old is left', async () => {
  const world = await started(workload('Deployment', 'web', { replicas: 3, strategy: { type: 'Recreate' } }));
  await roll(world, web(world), 'echo:2');
  while (await world.turn()) assert.equal(images(world).length <= 1, true);
  assert.deepEqual(images(world), ['echo:2']);
});

test('going back to an old template uses its ReplicaSet again, with a new revision number', async () => {
  const world = await started(workload('Deployment', 'web', { replicas: 2 }));
  const [first] = world.list(replicaSetKind);
  const before = web(world).spec.template;
  await roll(world, web(world), 'echo:2');
  await world.rest();
  await change(world, web(world), { template: before });
  await world.rest();
  const sets = world.list(replicaSetKind);
  assert.equal(sets.length, 2);
  const again = sets.find(({ metadata }) => metadata.uid === first!.metadata.uid)!;
  assert.equal(again.spec.replicas, 2);
  assert.equal(again.metadata.annotations?.['deployment.kubernetes.io/revision'], '3');
  assert.equal(again.metadata.annotations?.['deployment.kubernetes.io/revision-history'], '1');
  assert.deepEqual(images(world), ['echo:1']);
});

test('a paused Deployment keeps its pods until it is resumed', async () => {
  const world = await started(workload('Deployment', 'web', { replicas: 2 }));
  await change(world, web(world), { paused: true, template: withImage(web(world).spec.template, 'echo:2') });
  await world.rest();
  assert.deepEqual(images(world), ['echo:1']);
  assert.equal(findCondition(web(world).status?.conditions, 'Progressing')?.reason, 'DeploymentPaused');
  await change(world, web(world), { paused: false });
  await world.rest();
  assert.deepEqual(images(world), ['echo:2']);
  assert.equal(findCondition(web(world).status?.conditions, 'Progressing')?.reason, 'NewReplicaSetAvailable');
});

test('only revisionHistoryLimit empty ReplicaSets stay, the newest', async () => {
  const world = await started(workload('Deployment', 'web', { revisionHistoryLimit: 1 }));
  for (const image of ['echo:2', 'echo:3', 'echo:4']) {
    await roll(world, web(world), image);
    await world.rest();
  }
  const kept = world.list(replicaSetKind).map(({ metadata }) => metadata.annotations?.['deployment.kubernetes.io/revision']);
  assert.deepEqual(kept.toSorted(), ['3', '4']);
});

test('a roll-out whose pods never get ready is reported after its deadline, and the old pods go on', async () => {
  const world = await started(workload('Deployment', 'web', { replicas: 4, progressDeadlineSeconds: 60 }));
  world.ready = (pod) => imageOf(pod) !== 'echo:bad';
  await roll(world, web(world), 'echo:bad');
  await world.rest();
  assert.equal(world.list(podKind).filter(isReady).length, 3);
  const waits = world.controllers.map((controller) => controller.wakeAfterMs?.(world.seen(), world.now)).filter((ms) => ms !== undefined);
  assert.ok(waits.includes(60_000), String(waits));
  await world.pass(60);
  const progressing = findCondition(web(world).status?.conditions, 'Progressing');
  assert.deepEqual([progressing?.status, progressing?.reason], ['False', 'ProgressDeadlineExceeded']);
});

test('minReadySeconds: a pod counts as available only after that time', async () => {
  const world = await started(workload('Deployment', 'web', { replicas: 1, minReadySeconds: 30 }));
  assert.deepEqual([web(world).status?.readyReplicas, web(world).status?.availableReplicas], [1, undefined]);
  await world.pass(30);
  assert.equal(web(world).status?.availableReplicas, 1);
});

test('scaled in the middle of a roll-out, both ReplicaSets share in proportion', async () => {
  const world = await started(workload('Deployment', 'web', { replicas: 10, strategy: { rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } } }));
  world.ready = (pod) => imageOf(pod) !== 'echo:bad';
  await roll(world, web(world), 'echo:bad');
  await world.rest();
  const sizes = () => world.list(replicaSetKind).map(({ spec }) => spec.replicas).toSorted((a, b) => b! - a!);
  assert.deepEqual(sizes(), [8, 5]);
  await change(world, web(world), { replicas: 15 });
  await world.rest();
  assert.deepEqual(sizes(), [11, 7]);
});

test('a pod that is relabelled is let go and replaced; one that fits the selector is adopted', async () => {
  const world = await started(workload('ReplicaSet', 'web', { replicas: 2 }));
  const [pod] = world.list(podKind);
  await world.store.write({ verb: 'update', object: { ...pod!, metadata: { ...pod!.metadata, labels: { app: 'aside' } } } as KubeObject });
  await world.rest();
  assert.equal(world.list(podKind).length, 3);
  const aside = world.list(podKind).find(({ metadata }) => metadata.labels?.['app'] === 'aside')!;
  assert.equal(aside.metadata.ownerReferences, undefined);
  await world.store.write({ verb: 'update', object: { ...aside, metadata: { ...aside.metadata, labels: { app: 'web' } } } as KubeObject });
  await world.rest();
  assert.equal(world.list(podKind).length, 2, 'the third is one too many');
});

test('StatefulSet pods come in order, each after the one before is ready, and go in reverse', async () => {
  const world = createWorld();
  await world.add(namespace('default'), node('a'), workload('StatefulSet', 'db', { replicas: 3, serviceName: 'db' }));
  const seen: string[] = [];
  while (await world.turn()) seen.push(world.list(podKind).map((pod) => `${pod.metadata.name}${isReady(pod) ? '+' : '-'}`).join(' '));
  const steps = seen.filter((step, i) => step !== seen[i - 1] && step !== '');
  assert.deepEqual(steps, ['db-0-', 'db-0+', 'db-0+ db-1-', 'db-0+ db-1+', 'db-0+ db-1+ db-2-', 'db-0+ db-1+ db-2+']);
  const [pod] = world.list(podKind);
  assert.deepEqual([pod!.spec.hostname, pod!.spec.subdomain], ['db-0', 'db']);
  assert.equal(pod!.metadata.labels?.['statefulset.kubernetes.io/pod-name'], 'db-0');
  assert.equal(pod!.metadata.labels?.['apps.kubernetes.io/pod-index'], '0');
  await change(world, world.list(statefulSetKind)[0]!, { replicas: 1 });
  await world.rest();
  assert.deepEqual(world.list(podKind).map(({ metadata }) => metadata.name), ['db-0']);
});

test('a StatefulSet’s partition keeps the lower numbers at the old template, also when one is made anew', async () => {
  const world = await started(workload('StatefulSet', 'db', { replicas: 3, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } }));
  const set = world.list(statefulSetKind)[0]!;
  await roll(world, set, 'echo:2');
  await world.rest();
  assert.deepEqual(world.list(podKind).map(imageOf), ['echo:1', 'echo:1', 'echo:2']);
  await world.store.write({ verb: 'delete', target: { apiVersion: 'v1', kind: 'Pod', name: 'db-0', namespace: 'default' } });
  await world.rest();
  assert.deepEqual(world.list(podKind).map(imageOf), ['echo:1', 'echo:1', 'echo:2']);
  await change(world, world.list(statefulSetKind)[0]!, { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } } });
  await world.rest();
  assert.deepEqual(world.list(podKind).map(imageOf), ['echo:2', 'echo:2', 'echo:2']);
  const { currentRevision, updateRevision } = world.list(statefulSetKind)[0]!.status!;
  assert.equal(currentRevision, updateRevision);
});

test('a DaemonSet is updated one node at a time; its revisions can be undone', async () => {
  const world = await started(workload('DaemonSet', 'agent'));
  await roll(world, world.list(daemonSetKind)[0]!, 'echo:2');
  while (await world.turn()) assert.ok(world.list(podKind).filter(isReady).length >= 2);
  assert.deepEqual(images(world), ['echo:2']);
  assert.deepEqual(world.list(controllerRevisionKind).map(({ revision }) => revision).toSorted(), [1, 2]);
  const old = world.list(controllerRevisionKind).find(({ revision }) => revision === 1)!;
  const { $patch: _, ...template } = (old.data as { spec: { template: PodTemplateSpec & { $patch: string } } }).spec.template;
  await change(world, world.list(daemonSetKind)[0]!, { template });
  await world.rest();
  assert.deepEqual(images(world), ['echo:1']);
  assert.deepEqual(world.list(controllerRevisionKind).map(({ revision }) => revision).toSorted(), [2, 3]);
});

test('a surging DaemonSet has the new pod ready before the old one goes', async () => {
  const world = await started(workload('DaemonSet', 'agent', { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } }));
  await roll(world, world.list(daemonSetKind)[0]!, 'echo:2');
  while (await world.turn()) assert.ok(world.list(podKind).filter(isReady).length >= 3);
  assert.deepEqual(images(world), ['echo:2']);
  assert.equal(world.list(podKind).length, 3);
});

test('daemons run on every node whose labels and taints let them, and follow when these change', async () => {
  const world = createWorld();
  await world.add(namespace('default'), node('a', { labels: { disk: 'ssd' } }), node('b'), node('c', { labels: { disk: 'ssd' }, taints: [{ key: 'only', value: 'db', effect: 'NoSchedule' }] }), workload('DaemonSet', 'agent', { pod: { nodeSelector: { disk: 'ssd' } } }));
  await world.rest();
  const nodesOf = () => world.list(podKind).map(({ spec }) => spec.nodeName).toSorted();
  assert.deepEqual(nodesOf(), ['a']);
  const nodeB = world.seen().get(nodeKind, 'b')!;
  await world.store.write({ verb: 'update', object: { ...nodeB, metadata: { ...nodeB.metadata, labels: { disk: 'ssd' } } } as KubeObject });
  await world.rest();
  assert.deepEqual(nodesOf(), ['a', 'b']);
  const status = world.list(daemonSetKind)[0]!.status!;
  assert.deepEqual([status.desiredNumberScheduled, status.numberReady], [2, 2]);
});

test('the same template in another key order is no new template', async () => {
  const world = await started(workload('Deployment', 'web'));
  const { template } = web(world).spec;
  const [container] = template.spec.containers;
  const turned = Object.fromEntries(Object.entries(container!).toReversed()) as typeof container;
  await change<Deployment>(world, web(world), { template: { ...template, spec: { ...template.spec, containers: [turned!] } } });
  await world.rest();
  assert.equal(world.list(replicaSetKind).length, 1);
});
