// Pods that leave while requests run: what the slice says meanwhile, and that nobody is turned away.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setInterval } from 'node:timers/promises';
import { eventually, forget, manifest, startCluster, type RunningCluster } from './running-cluster.ts';
import { startLoad, type SteadyLoad } from './steady-load.ts';
import { type EndpointView, podsOf, readyPods, slicesOf, systemReady } from './workloads.ts';

const nodePort = 30_080;
const plainNodePort = 30_081;
const control = '10.5.0.11';

let cluster: RunningCluster;

before(async () => {
  cluster = await startCluster('graceful', { config: manifest('graceful/cluster.yaml') });
  await systemReady(cluster);
  await cluster.ok(`apply -f ${manifest('graceful/web.yaml')}`);
  for (const name of ['web', 'plain']) await cluster.ok(`rollout status deployment/${name} --timeout=30s`);
});
after(async () => {
  await cluster.stop();
  forget(cluster);
});

const endpointOf = async (pod: string): Promise<EndpointView | undefined> =>
  (await slicesOf(cluster, 'web')).flatMap(({ endpoints = [] }) => endpoints).find(({ targetRef }) => targetRef?.name === pod);

/** From outside through a node port, from a node to the cluster IP: every request must be answered. */
async function startLoads(service: string, port: number): Promise<{ more(count: number): Promise<void>; stop(): Promise<void> }> {
  const { spec } = await cluster.get<{ spec: { clusterIP: string } }>(`service ${service}`);
  const loads: SteadyLoad[] = [
    startLoad(cluster, { from: 'client', address: control, port }, { workers: 3 }),
    startLoad(cluster, { from: 'node2', address: spec.clusterIP, port: 80 }, { workers: 3 }),
  ];
  const more = async (count: number) => void (await Promise.all(loads.map((load) => load.more(count))));
  await more(50);
  return {
    more,
    async stop() {
      for (const load of loads) {
        const { requests, failures } = await load.stop();
        assert.deepEqual(failures, [], `of ${requests} requests`);
      }
    },
  };
}

test('WT-52: a deleted pod serves on as terminating, then leaves the slice; no request fails', async () => {
  const [victim] = await readyPods(cluster, '-l app=web', 3);
  const { name } = victim!.metadata;
  const loads = await startLoads('web', nodePort);
  await cluster.ok(`delete pod ${name} --wait=false`);
  const leaving = await eventually('the slice says that it leaves', () => endpointOf(name), (seen) => seen?.conditions.terminating === true);
  assert.deepEqual(leaving?.conditions, { ready: false, serving: true, terminating: true });
  await loads.more(50);
  await eventually('it is gone from the slice', () => endpointOf(name), (seen) => seen === undefined);
  await readyPods(cluster, '-l app=web', 3);
  await loads.more(50);
  await loads.stop();
});

test('SVC-11: a rolling update replaces all pods, and no request fails', async () => {
  const before = await podsOf(cluster, '-l app=web');
  const loads = await startLoads('web', nodePort);
  await cluster.ok('set image deployment/web web=web:2');
  await cluster.ok('rollout status deployment/web --timeout=60s');
  await loads.more(50);
  await loads.stop();
  const now = await readyPods(cluster, '-l app=web', 3);
  assert.ok(now.every(({ metadata }) => !before.some((old) => old.metadata.name === metadata.name)));
});

test('a rolling update of pods without any farewell turns nobody away either', async () => {
  const loads = await startLoads('plain', plainNodePort);
  await cluster.ok('set image deployment/plain plain=plain:2');
  await cluster.ok('rollout status deployment/plain --timeout=60s');
  await readyPods(cluster, '-l app=plain', 3);
  await loads.more(50);
  await loads.stop();
});

test('scaling down and up again turns nobody away', async () => {
  const loads = await startLoads('web', nodePort);
  await cluster.ok('scale deployment/web --replicas=1');
  await readyPods(cluster, '-l app=web', 1);
  await cluster.ok('scale deployment/web --replicas=4');
  await readyPods(cluster, '-l app=web', 4);
  await loads.more(50);
  await loads.stop();
});

const workers = ['10.5.0.12', '10.5.0.13'];

/** A load balancer as clouds have them: asks each node's health check node port every two seconds, and believes the answer until the next. */
async function startProbing(healthPort: number) {
  const stop = new AbortController();
  let healthy: readonly string[] = [];
  const seen: string[] = [];
  const isHealthy = async (node: string) => (await cluster.inside('client', `curl -s -o /dev/null -w %{http_code} --max-time 1 http://${node}:${healthPort}/`)).stdout === '200';
  const probe = async () => {
    const answers = await Promise.all(workers.map(isHealthy));
    healthy = workers.filter((_, index) => answers[index]);
    if (seen.at(-1) !== healthy.join()) seen.push(healthy.join());
  };
  await eventually('a node is healthy', probe, () => healthy.length > 0);
  const probing = (async () => {
    for await (const _ of setInterval(2000, undefined, { signal: stop.signal })) await probe();
  })().catch((error: Error) => assert.equal(error.name, 'AbortError'));
  let turn = 0;
  return {
    /** Where the next client is sent. */
    choose: () => healthy[turn++ % healthy.length]!,
    /** What it believed, one after another. */
    seen,
    async stop() {
      stop.abort();
      await probing;
    },
  };
}

test('KPX-50, PROXY-23: behind a balancer that learns late, a rolling update under policy Local turns nobody away', async () => {
  await cluster.ok(`apply -f ${manifest('graceful/local.yaml')}`);
  await cluster.ok('rollout status deployment/local --timeout=30s');
  const balancer = await startProbing(32_100);
  const target = { from: 'client', get address() { return balancer.choose(); }, port: 30_082 };
  const load = startLoad(cluster, target, { workers: 3 });
  try {
    await load.more(50);
    const [old] = await readyPods(cluster, '-l app=local', 1);
    // The new pod must go where the old one is not.
    await cluster.ok(`cordon ${old!.spec.nodeName}`);
    await cluster.ok('set image deployment/local local=local:2');
    await readyPods(cluster, '-l app=local', 1);
    const [fresh] = await eventually('the new pod alone', () => readyPods(cluster, '-l app=local', 1), ([pod]) => pod!.metadata.name !== old!.metadata.name);
    assert.notEqual(fresh!.spec.nodeName, old!.spec.nodeName);
    await cluster.ok(`uncordon ${old!.spec.nodeName}`);
    await load.more(50);
  } finally {
    const { requests, failures } = await load.stop();
    await balancer.stop();
    assert.deepEqual(failures, [], `of ${requests} requests`);
  }
  assert.notEqual(balancer.seen.at(-1), balancer.seen[0], 'the balancer has gone from one node to the other');
});
