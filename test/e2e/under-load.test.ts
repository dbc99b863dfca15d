// A cluster that changes while a hundred clients a second come from outside and from a pod, and long streams stay open.
// Where Kubernetes promises nothing (no endpoint is left, the whole program is killed) failures are counted and printed;
// docs/guides/operate.md says why they are there. `npm run soak` runs it with more pods (SCALE).
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { TABLE } from '../../src/node/dataplane/render.ts';
import { allLive, asked, closeLoads, endWell, say, startLoads, streamsTo, take } from './load-on-cluster.ts';
import { eventually, forget, manifest, startCluster, type RunningCluster } from './running-cluster.ts';
import { podsOf, readyPods, slicesOf, systemReady } from './workloads.ts';

const most = Number(process.env['SCALE'] ?? 20);
const perSecond = 100;
const nodes = ['node1', 'node2', 'node3'];

let cluster: RunningCluster;

before(async () => {
  cluster = await startCluster('load', { config: manifest('under-load/cluster.yaml') });
  await systemReady(cluster);
  await cluster.ok(`apply -f ${manifest('under-load/workloads.yaml')}`);
  await cluster.ok('wait --for=condition=Ready pod --all --timeout=30s');
});
after(async () => {
  await cluster.stop();
  forget(cluster);
});

afterEach(closeLoads);

test('a rolling update: no request fails, and streams to pods that stay go on', async (t) => {
  const [load, steady, web] = [await startLoads(cluster, 'web'), await streamsTo(cluster, 'steady', 2), await streamsTo(cluster, 'web', 4)];
  const old = new Set((await podsOf(cluster, '-l app=web')).map(({ metadata }) => `default/${metadata.name}`));
  await cluster.ok('set image deployment/web web=web:2');
  await cluster.ok('rollout status deployment/web --timeout=60s');
  await readyPods(cluster, '-l app=web', 4);
  await asked(load, perSecond);
  allLive(t, steady);
  allLive(t, web, (pod) => old.has(pod));
  steady.close();
  web.close();
  await endWell(t, load);
});

/** Endpoints that nobody answers for, in slices of a thousand. */
function manyEndpoints(count: number): string {
  const slices = Array.from({ length: count / 1000 }, (_, slice) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `crowd-${slice}`, namespace: 'default', labels: { 'kubernetes.io/service-name': 'crowd' } },
    addressType: 'IPv4',
    ports: [{ name: '', protocol: 'TCP', port: 80 }],
    endpoints: Array.from({ length: 1000 }, (_, i) => ({ addresses: [`192.168.${4 * slice + (i >> 8)}.${i & 255}`], conditions: { ready: true } })),
  }));
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'crowd', namespace: 'default', labels: { 'kubernetes.io/service-name': 'crowd' } }, spec: { ports: [{ port: 80 }] } };
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [service, ...slices] });
}

test('KPX-25: thousands of elements come and go: no request fails, every stream goes on', async (t) => {
  const [load, streams] = [await startLoads(cluster, 'steady'), await streamsTo(cluster, 'steady', 2)];
  await cluster.ok('create -f -', { stdin: manyEndpoints(5000) });
  await asked(load, perSecond);
  await cluster.ok('delete service,endpointslice -l kubernetes.io/service-name=crowd --wait=false');
  await asked(load, perSecond);
  allLive(t, streams);
  streams.close();
  await endWell(t, load);
});

/** How many of the pods' endpoints a node's rules do not name yet, over all nodes. */
async function missingInKernels(): Promise<number> {
  const addresses = (await podsOf(cluster, '-l app=web')).map(({ status }) => status.podIP);
  const rulesets = await Promise.all(nodes.map(async (node) => (await cluster.inside(node, `nft list table inet ${TABLE}`)).stdout));
  return rulesets.flatMap((rules) => addresses.filter((address) => !rules.includes(`${address} . `))).length;
}

test(`${most} → 0 → ${most} pods: refused at once while there is none, never left waiting, all answered otherwise`, async (t) => {
  await cluster.ok(`scale deployment/web --replicas=${most}`);
  await readyPods(cluster, '-l app=web', most);
  const [load, bystanders] = [await startLoads(cluster, 'web'), await streamsTo(cluster, 'steady', 2)];
  await asked(load, perSecond);
  assert.deepEqual(take(load).failures, [], 'while all were there');
  await cluster.ok('scale deployment/web --replicas=0');
  const noEndpoints = async () => (await slicesOf(cluster, 'web')).flatMap(({ endpoints = [] }) => endpoints).length;
  await eventually('no endpoint is left', noEndpoints, (count) => count === 0, 60_000);
  await asked(load, perSecond);
  await cluster.ok(`scale deployment/web --replicas=${most}`);
  await readyPods(cluster, '-l app=web', most);
  const readyMs = load.nowMs();
  await eventually('every endpoint is in every kernel', missingInKernels, (missing) => missing === 0, 60_000);
  const restoredMs = load.nowMs();
  await asked(load, perSecond);
  const outcome = take(load, await load.stop());
  const [first, last] = [outcome.failures[0]?.atMs ?? 0, outcome.failures.at(-1)?.atMs ?? 0];
  say(t, outcome, ` from ${Math.round(first)} to ${Math.round(last)} ms; all pods seen ready at ${Math.round(readyMs)}, all in every kernel at ${Math.round(restoredMs)}`);
  assert.ok(outcome.failures.length > 0, 'nobody answers for no pod');
  // Reset: whoever was in the queue of a server that ended.
  assert.deepEqual(outcome.failures.filter(({ why }) => why !== 'ECONNREFUSED' && why !== 'ECONNRESET'), [], 'refused, never silence');
  assert.deepEqual(outcome.failures.filter(({ atMs }) => atMs > restoredMs), [], 'none once a kernel has all of them');
  allLive(t, bystanders);
  bystanders.close();
});

test('kill -9 of the whole program, and up again: pods begin anew, and are answered for as soon as they are ready', async (t) => {
  const before = await podsOf(cluster, '');
  const load = await startLoads(cluster, 'steady');
  const dead = new Promise((resolve) => cluster.process.once('exit', resolve));
  cluster.process.kill('SIGKILL');
  await dead;
  const killedAt = performance.now();
  cluster = await startCluster('load', { config: manifest('under-load/cluster.yaml'), data: cluster.data });
  const upMs = performance.now() - killedAt;
  await readyPods(cluster, '-l app=steady', 2);
  await cluster.ok('wait --for=condition=Ready pod --all --timeout=30s');
  const now = await podsOf(cluster, '');
  assert.deepEqual(now.map(({ metadata }) => metadata.uid).toSorted(), before.map(({ metadata }) => metadata.uid).toSorted(), 'the same objects');
  assert.deepEqual(now.map(({ status }) => status.podIP).toSorted(), before.map(({ status }) => status.podIP).toSorted(), 'at the same addresses');
  const outcome = take(load, await load.stop());
  say(t, outcome, `; up after ${Math.round(upMs)} ms, last failure ${Math.round((outcome.failures.at(-1)?.atMs ?? 0) - (outcome.failures[0]?.atMs ?? 0))} ms after the first`);
  await endWell(t, await startLoads(cluster, 'steady'));
});
