// WT-43: a StatefulSet behind a headless Service: names that stay while pods and addresses change.
import { dig } from './dig.ts';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, forget, manifest, startCluster, type RunningCluster } from './running-cluster.ts';
import { isReady, type PodView, podsOf, readyPods, systemReady } from './workloads.ts';

const nameOf = (pod: string) => `${pod}.redis.default.svc.cluster.local`;

let cluster: RunningCluster;

before(async () => {
  cluster = await startCluster('stateful', { config: manifest('stateful-set/cluster.yaml') });
  await systemReady(cluster);
});
after(async () => {
  await cluster.stop();
  forget(cluster);
});

/** Empty when the name does not resolve. */
const resolve = async (name: string): Promise<string[]> => (await dig(cluster, 'client', name)).records;

const podNow = async (name: string): Promise<PodView | undefined> => (await podsOf(cluster, '-l app=redis')).find(({ metadata }) => metadata.name === name);

test('WT-43: redis-0 resolves after it is ready, not before', async () => {
  await cluster.ok(`apply -f ${manifest('stateful-set/redis.yaml')}`);
  await cluster.ok('wait --for=condition=Ready pod/client --timeout=20s');
  let early = 0;
  await eventually(
    'redis-0 is ready',
    async () => {
      const addresses = await resolve(nameOf('redis-0'));
      const pod = await podNow('redis-0');
      const ready = pod !== undefined && isReady(pod);
      if (pod?.status.podIP && !ready) {
        early++;
        assert.deepEqual(addresses, [], 'not ready, so not in DNS');
      }
      return ready;
    },
    (ready) => ready,
  );
  assert.ok(early > 0, 'it was seen with an address, but not ready');
  const { status } = (await podNow('redis-0'))!;
  await eventually('the name', () => resolve(nameOf('redis-0')), (addresses) => addresses.join() === status.podIP);
});

test('WT-43: the pods come in order, each with its name; the Service’s name stands for all', async () => {
  const list = await readyPods(cluster, '-l app=redis', 3);
  assert.deepEqual(list.map(({ metadata }) => metadata.name), ['redis-0', 'redis-1', 'redis-2']);
  for (const { metadata, status } of list) await eventually(metadata.name, () => resolve(nameOf(metadata.name)), (found) => found.join() === status.podIP);
  const all = list.map(({ status }) => status.podIP!).toSorted();
  await eventually('all three', () => resolve('redis.default.svc.cluster.local'), (found) => found.toSorted().join() === all.join());
  assert.equal((await cluster.ok('exec redis-1 -- hostname -f')).trim(), nameOf('redis-1'));
});

test('WT-43: a deleted redis-0 is back under its name with a new address within 30 seconds', async () => {
  const before = (await podNow('redis-0'))!;
  await cluster.ok('delete pod redis-0');
  const isBack = (pod: PodView | undefined) => pod !== undefined && pod.metadata.uid !== before.metadata.uid && isReady(pod);
  const back = (await eventually('redis-0 is back', () => podNow('redis-0'), isBack, 30_000))!;
  assert.notEqual(back.status.podIP, before.status.podIP);
  await eventually('its name leads to the new address', () => resolve(nameOf('redis-0')), (found) => found.join() === back.status.podIP);
});

test('scaling down takes the last names first, and their records with them', async () => {
  await cluster.ok('scale statefulset/redis --replicas=1');
  const [left] = await readyPods(cluster, '-l app=redis', 1);
  assert.equal(left!.metadata.name, 'redis-0');
  await eventually('redis-2 is gone from DNS', () => resolve(nameOf('redis-2')), (found) => found.length === 0);
  assert.equal((await resolve('redis.default.svc.cluster.local')).length, 1);
});
