import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createManualClock } from '../../base/run/clock.ts';
import type { Pod } from '../../kube/objects/core.ts';
import { createFakeNode, type FakeNodeOptions } from './fake-pod-host.ts';
import { CannotStart } from './programs/program.ts';

const folder = mkdtempSync(join(tmpdir(), 'pod-life-'));
after(() => rmSync(folder, { recursive: true }));

function world(options: Partial<FakeNodeOptions> = {}) {
  const clock = createManualClock();
  return { clock, ...createFakeNode({ clock, folder, ...options }) };
}
const condition = (pod: Pod | undefined, type: string) => pod?.status?.conditions?.find((found) => found.type === type);
const containerState = (pod: Pod | undefined) => pod?.status?.containerStatuses?.[0];

test('a pod of this node gets its addresses, runs and is ready; pods of other nodes are left alone', async () => {
  const { create, sync, pod, programs, calls, events } = world();
  await create('web', {});
  await create('other', { nodeName: 'node2' });
  await sync();
  const status = pod('web')?.status;
  assert.equal(status?.phase, 'Running');
  assert.deepEqual(status?.podIPs, [{ ip: '10.244.1.2' }, { ip: 'fd00:10:244:1::2' }]);
  assert.deepEqual(status?.hostIPs, [{ ip: '10.0.2.5' }, { ip: 'fd00:2::5' }]);
  assert.equal(condition(pod('web'), 'Ready')?.status, 'True');
  assert.deepEqual(status?.conditions?.map(({ type }) => type), ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled']);
  assert.equal(programs.length, 1);
  assert.deepEqual(calls, ['sweep', 'open default/web 10.244.1.2 fd00:10:244:1::2']);
  assert.deepEqual(events(), [
    'Pulled: Container image "web" already present on machine',
    'Created: Created container: main',
    'Started: Started container main',
  ]);
});

test('nothing runs in a pod before the data plane knows its addresses', async () => {
  const gate = Promise.withResolvers<void>();
  const asked: number[] = [];
  const { create, sync, pod, programs } = world({
    networkReady(revision) {
      asked.push(revision);
      return gate.promise;
    },
  });
  await create('web', {});
  await sync();
  assert.equal(programs.length, 0);
  assert.equal(pod('web')?.status?.podIP, '10.244.1.2');
  assert.equal(pod('web')?.status?.phase, 'Pending');
  assert.equal(containerState(pod('web'))?.state?.waiting?.reason, 'ContainerCreating');
  assert.deepEqual(asked, [Number(pod('web')?.metadata.resourceVersion)]);
  gate.resolve();
  await sync();
  assert.equal(pod('web')?.status?.phase, 'Running');
});

test('HPT-07: a host-network pod has the node\'s addresses and no network of its own', async () => {
  const { create, sync, pod, calls, programs } = world();
  await create('proxy', { hostNetwork: true });
  await sync();
  assert.equal(pod('proxy')?.status?.podIP, '10.0.2.5');
  assert.equal(pod('proxy')?.status?.phase, 'Running');
  assert.equal(programs[0]?.sandbox.namespace.name, 'fake-node1');
  assert.deepEqual(calls, ['sweep']);
});

test('NET-19: without a free address the pod waits with an event, and starts once one is freed', async () => {
  const { create, sync, pod, events, remove } = world({ podCIDRs: ['10.0.0.0/30'] });
  await create('a', {});
  await create('b', {});
  await sync();
  assert.equal(pod('b')?.status?.phase, 'Pending');
  assert.ok(events().includes('FailedCreatePodSandBox: Failed to create pod sandbox: no free address in 10.0.0.0/30'));
  await remove('a');
  await sync(5_000);
  assert.equal(pod('a'), undefined);
  assert.equal(pod('b')?.status?.podIP, '10.0.0.2');
  assert.equal(pod('b')?.status?.phase, 'Running');
});

test('EPS-14: a deleted pod stays ready until its containers end, then its network and the object go after a moment', async () => {
  const { create, sync, pod, programs, remove, calls, events } = world({ obedient: false });
  await create('web', { terminationGracePeriodSeconds: 5 });
  await sync();
  await remove('web');
  await sync();
  assert.equal(programs[0]?.stopped, true);
  assert.equal(condition(pod('web'), 'Ready')?.status, 'True');
  await sync(4_900);
  assert.equal(programs[0]?.killed, false);
  await sync(200);
  assert.equal(programs[0]?.killed, true);
  // The address refuses for a moment, until every node's rules have forgotten it.
  assert.equal(condition(pod('web'), 'Ready')?.status, 'False');
  assert.ok(!calls.includes('close default/web'));
  await sync(500);
  assert.equal(pod('web'), undefined);
  assert.deepEqual(calls.slice(-2), ['close default/web', 'forget default/web']);
  assert.ok(events().includes('Killing: Stopping container main'));
});

test('a second deletion with less grace brings the end forward; a forced one ends it at once', async () => {
  const { create, sync, pod, programs, remove } = world({ obedient: false });
  await create('web', {});
  await create('hurried', {});
  await sync();
  await remove('web');
  await sync(1_000);
  await remove('web', 3);
  await sync(2_500);
  assert.equal(pod('web'), undefined);
  await remove('hurried', 0);
  await sync();
  assert.equal(programs[1]?.killed, true);
});

test('a container that ends is restarted at once the first time, then after 10, 20 … seconds; the status shows why it waits', async () => {
  const { create, sync, pod, programs, events } = world();
  await create('web', {});
  await sync();
  programs[0]!.end({ code: 2 });
  await sync();
  assert.equal(programs.length, 2);
  assert.equal(containerState(pod('web'))?.restartCount, 1);
  assert.equal(containerState(pod('web'))?.lastState?.terminated?.exitCode, 2);
  programs[1]!.end({ code: 2 });
  await sync();
  assert.equal(programs.length, 2);
  assert.equal(containerState(pod('web'))?.state?.waiting?.reason, 'CrashLoopBackOff');
  assert.match(containerState(pod('web'))!.state!.waiting!.message!, /^back-off 10s restarting failed container=main pod=web_default\(/);
  assert.equal(condition(pod('web'), 'Ready')?.message, 'containers with unready status: [main]');
  assert.ok(events().some((event) => event.startsWith('BackOff: Back-off restarting failed container main in pod web_default(')));
  await sync(10_000);
  assert.equal(programs.length, 3);
  programs[2]!.end({ code: 2 });
  await sync(19_000);
  assert.equal(programs.length, 3);
  await sync(1_000);
  assert.equal(programs.length, 4);
});

test('init containers run one after the other, each to its end, before the others', async () => {
  const { create, sync, pod, programs } = world();
  const initContainers = ['first', 'second'].map((name) => ({ name, image: 'tool' }));
  await create('web', { initContainers });
  await sync();
  assert.deepEqual(programs.map(({ container }) => container.name), ['first']);
  assert.equal(condition(pod('web'), 'Initialized')?.message, 'containers with incomplete status: [first second]');
  assert.equal(containerState(pod('web'))?.state?.waiting?.reason, 'PodInitializing');
  programs[0]!.end({ code: 0 });
  await sync();
  programs[1]!.end({ code: 0 });
  await sync();
  assert.deepEqual(programs.map(({ container }) => container.name), ['first', 'second', 'main']);
  assert.equal(condition(pod('web'), 'Initialized')?.status, 'True');
});

test('a sidecar starts before, and is stopped after, the containers it serves', async () => {
  const { create, sync, programs, remove } = world({ obedient: false });
  await create('web', { initContainers: [{ name: 'proxy', image: 'tool', restartPolicy: 'Always' }] });
  await sync();
  assert.deepEqual(programs.map(({ container }) => container.name), ['proxy', 'main']);
  await remove('web');
  await sync();
  assert.deepEqual(programs.map(({ stopped }) => stopped), [false, true]);
  programs[1]!.end({ code: 0 });
  await sync();
  assert.deepEqual(programs.map(({ stopped }) => stopped), [true, true]);
});

for (const [restartPolicy, code, phase, starts] of [
  ['Never', 0, 'Succeeded', 1],
  ['Never', 3, 'Failed', 1],
  ['OnFailure', 0, 'Succeeded', 1],
  ['OnFailure', 3, 'Running', 2],
] as const) {
  test(`restartPolicy ${restartPolicy}, exit code ${code}: ${phase}`, async () => {
    const { create, sync, pod, programs, calls } = world();
    await create('job', { restartPolicy });
    await sync();
    programs[0]!.end({ code });
    await sync();
    assert.equal(pod('job')?.status?.phase, phase);
    assert.equal(programs.length, starts);
    assert.equal(calls.includes('close default/job'), phase !== 'Running');
    if (phase === 'Succeeded') assert.equal(condition(pod('job'), 'Ready')?.reason, 'PodCompleted');
  });
}

test('a readiness probe decides over Ready; a liveness probe restarts', async () => {
  const { create, sync, pod, programs, events, host } = world();
  let healthy = false;
  host.runCommand = async (_state, _container, command) => ({ code: command[0] === 'ready' && healthy ? 0 : 1, output: 'no' });
  const readinessProbe = { exec: { command: ['ready'] }, periodSeconds: 1 };
  await create('web', { containers: [{ name: 'main', image: 'web', readinessProbe }] });
  await create('sick', { containers: [{ name: 'main', image: 'web', livenessProbe: { exec: { command: ['live'] }, periodSeconds: 1 } }] });
  await sync();
  assert.equal(condition(pod('web'), 'Ready')?.status, 'False');
  assert.ok(events().includes('Unhealthy: Readiness probe failed: no'));
  healthy = true;
  await sync(1_000);
  assert.equal(condition(pod('web'), 'Ready')?.status, 'True');
  assert.equal(containerState(pod('sick'))?.restartCount, 0);
  await sync(1_500);
  assert.equal(containerState(pod('sick'))?.restartCount, 1);
  assert.ok(events().includes('Killing: Container main failed liveness probe, will be restarted'));
  assert.equal(programs.length, 3);
});

test('a container whose configuration is missing waits with the reason, and starts once it is there', async () => {
  const { create, sync, pod, programs, broken, events } = world();
  broken.set('web', new CannotStart('CreateContainerConfigError', 'configmap "settings" not found'));
  await create('web', {});
  await sync();
  assert.deepEqual(containerState(pod('web'))?.state?.waiting, { reason: 'CreateContainerConfigError', message: 'configmap "settings" not found' });
  assert.ok(events().includes('Failed: Error: configmap "settings" not found'));
  broken.clear();
  await sync(2_000);
  assert.equal(programs.length, 1);
  assert.equal(pod('web')?.status?.phase, 'Running');
});

test('another image in the pod restarts its container', async () => {
  const { create, sync, pod, programs, store } = world();
  await create('web', {});
  await sync();
  const before = pod('web')!;
  const containers = before.spec.containers.map((container) => ({ ...container, image: 'web:2' }));
  const change = store.write({ verb: 'update', object: { ...before, spec: { ...before.spec, containers } } as Pod });
  await sync();
  await change;
  await sync();
  assert.deepEqual(programs.map(({ container }) => container.image), ['web', 'web:2']);
});

test('conditions that others set stay; a readiness gate holds Ready back until its condition is true', async () => {
  const { create, sync, pod, store } = world();
  await create('web', { readinessGates: [{ conditionType: 'example.com/gate' }] });
  await sync();
  assert.equal(condition(pod('web'), 'Ready')?.reason, 'ReadinessGatesNotReady');
  const before = pod('web')!;
  const conditions = [...before.status!.conditions!, { type: 'example.com/gate', status: 'True' as const }];
  const change = store.write({ verb: 'update', object: { ...before, status: { ...before.status, conditions } } as Pod, subresource: 'status' });
  await sync();
  await change;
  await sync();
  assert.equal(condition(pod('web'), 'Ready')?.status, 'True');
  assert.equal(condition(pod('web'), 'example.com/gate')?.status, 'True');
});

test('closing ends programs and networks but keeps objects and addresses; no timer is left', async () => {
  const { create, sync, pod, pods, programs, calls, clock, host } = world();
  await create('web', {});
  await sync();
  const closing = pods.close();
  await clock.advance(0);
  await closing;
  assert.equal(programs[0]?.killed, true);
  assert.ok(calls.includes('close default/web'));
  assert.equal(pod('web')?.status?.phase, 'Running');
  assert.equal(host.leases.owners().length, 1);
  assert.equal(clock.pending(), 0);
});
