// Jobs run to their end, CronJobs make Jobs, budgets count who may be disrupted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cronJobKind } from '../../src/kube/kinds/cron-job.ts';
import { jobKind } from '../../src/kube/kinds/job.ts';
import { podDisruptionBudgetKind } from '../../src/kube/kinds/pod-disruption-budget.ts';
import { podKind } from '../../src/kube/kinds/pod.ts';
import type { CronJob, Job } from '../../src/kube/objects/batch.ts';
import type { Pod } from '../../src/kube/objects/core.ts';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import { createWorld, namespace, node, workload, type World } from './controller-world.ts';

const podSpec = { restartPolicy: 'Never', containers: [{ name: 'a', image: 'echo:1' }] };
const job = (spec: object = {}): KubeObject => ({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'work', namespace: 'default' }, spec: { template: { spec: podSpec }, ...spec } }) as KubeObject;
const cronJob = (spec: object = {}): KubeObject =>
  ({ apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'tick', namespace: 'default' }, spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template: { spec: podSpec } } }, ...spec } }) as KubeObject;

async function worldWith(...objects: KubeObject[]): Promise<World> {
  const world = createWorld();
  await world.add(namespace('default'), node('a'), node('b', { address: '172.30.0.2' }), ...objects);
  await world.rest();
  return world;
}

const running = (world: World) => world.list(podKind).filter(({ status }) => status?.phase === 'Running');
const only = (world: World): Job => world.list(jobKind)[0]!;
const words = ({ status }: Job) => (status?.conditions ?? []).filter((one) => one.status === 'True').map(({ type }) => type);

async function end(world: World, pod: Pod, phase: 'Succeeded' | 'Failed'): Promise<void> {
  await world.store.write({ verb: 'update', subresource: 'status', object: { ...pod, status: { ...pod.status, phase } } as Pod });
  await world.rest();
}

test('a Job runs its pods, no more at once than wished, until enough have succeeded', async () => {
  const world = await worldWith(job({ completions: 3, parallelism: 2 }));
  for (const expected of [2, 2, 1]) {
    assert.equal(running(world).length, expected);
    await end(world, running(world)[0]!, 'Succeeded');
  }
  assert.deepEqual(words(only(world)), ['SuccessCriteriaMet', 'Complete']);
  assert.equal(only(world).status?.succeeded, 3);
  assert.ok(only(world).status?.completionTime);
});

test('the pods of a Job carry its uid, and its selector asks for it', async () => {
  const world = await worldWith(job());
  const { uid } = only(world).metadata;
  assert.deepEqual(only(world).spec.selector, { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } });
  assert.equal(running(world)[0]!.metadata.labels?.['batch.kubernetes.io/controller-uid'], uid);
});

test('a failed pod is tried again, later each time, until the limit is reached', async () => {
  const world = await worldWith(job({ backoffLimit: 1 }));
  await end(world, running(world)[0]!, 'Failed');
  assert.equal(running(world).length, 0, 'the first retry waits');
  await world.pass(20);
  await end(world, running(world)[0]!, 'Failed');
  assert.deepEqual(words(only(world)), ['FailureTarget', 'Failed']);
  assert.equal(only(world).status?.conditions?.find(({ type }) => type === 'Failed')?.reason, 'BackoffLimitExceeded');
});

test('a Job past its deadline fails and its pods go', async () => {
  const world = await worldWith(job({ activeDeadlineSeconds: 30 }));
  await world.pass(40);
  assert.equal(only(world).status?.conditions?.find(({ type }) => type === 'Failed')?.reason, 'DeadlineExceeded');
  assert.equal(running(world).length, 0);
});

test('a suspended Job has no pods; it goes on when it is resumed', async () => {
  const world = await worldWith(job({ suspend: true }));
  assert.deepEqual([running(world).length, words(only(world))], [0, ['Suspended']]);
  await world.store.write({ verb: 'update', object: { ...only(world), spec: { ...only(world).spec, suspend: false } } as Job });
  await world.rest();
  assert.deepEqual([running(world).length, words(only(world))], [1, []]);
});

test('an indexed Job gives every index to one pod and tells which are done', async () => {
  const world = await worldWith(job({ completionMode: 'Indexed', completions: 3, parallelism: 3 }));
  const indexes = running(world).map(({ spec }) => (spec.containers[0] as { env?: { value?: string }[] }).env?.[0]?.value);
  assert.deepEqual(indexes.toSorted(), ['0', '1', '2']);
  for (const pod of running(world)) await end(world, pod, 'Succeeded');
  assert.equal(only(world).status?.completedIndexes, '0-2');
});

test('a finished Job goes when its time to live is over', async () => {
  const world = await worldWith(job({ ttlSecondsAfterFinished: 60 }));
  await end(world, running(world)[0]!, 'Succeeded');
  await world.pass(120);
  assert.deepEqual(world.list(jobKind), []);
});

test('a CronJob makes a Job at each due minute, named after it, and keeps as many old ones as wished', async () => {
  const world = await worldWith(cronJob({ successfulJobsHistoryLimit: 1 }));
  for (let round = 0; round < 3; round++) {
    await world.pass(300);
    for (const pod of running(world)) await end(world, pod, 'Succeeded');
  }
  const [tick] = world.list(cronJobKind) as [CronJob];
  assert.equal(tick.status?.lastScheduleTime, '2024-05-01T12:15:00Z');
  assert.deepEqual(world.list(jobKind).map(({ metadata }) => metadata.name), [`tick-${Date.parse('2024-05-01T12:15:00Z') / 60_000}`]);
  assert.ok(tick.status?.lastSuccessfulTime);
});

for (const [policy, left] of [['Allow', 2], ['Forbid', 1], ['Replace', 1]] as const) {
  test(`a CronJob that comes due while the last Job runs: ${policy} leaves ${left}`, async () => {
    const world = await worldWith(cronJob({ concurrencyPolicy: policy }));
    await world.pass(600);
    assert.equal(world.list(jobKind).length, left);
  });
}

const budget = (spec: object): KubeObject =>
  ({ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'web', namespace: 'default' }, spec: { selector: { matchLabels: { app: 'web' } }, ...spec } }) as KubeObject;

for (const [spec, allowed, desired] of [
  [{ minAvailable: 2 }, 2, 2],
  [{ minAvailable: '50%' }, 2, 2],
  [{ maxUnavailable: 1 }, 1, 3],
  [{ maxUnavailable: '30%' }, 2, 2],
  [{ minAvailable: 4 }, 0, 4],
] as const) {
  test(`a budget of ${JSON.stringify(spec)} over four healthy pods allows ${allowed} disruptions`, async () => {
    const world = await worldWith(workload('Deployment', 'web', { replicas: 4 }), budget(spec));
    const { disruptionsAllowed, desiredHealthy, currentHealthy, conditions } = world.list(podDisruptionBudgetKind)[0]!.status!;
    assert.deepEqual([disruptionsAllowed, desiredHealthy, currentHealthy], [allowed, desired, 4]);
    assert.equal(conditions?.[0]?.reason, allowed > 0 ? 'SufficientPods' : 'InsufficientPods');
  });
}
