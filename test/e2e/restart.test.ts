// The whole program is killed in the middle of its writes and started again on the same data; at the end it is stopped.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { after, before, test } from 'node:test';
import { createApiClient } from '../../src/kube/client/api-client.ts';
import { readKubeconfig } from '../../src/kube/client/kubeconfig.ts';
import { hostLinkName, namespacePrefix } from '../../src/node/machine/names.ts';
import { eventually, forget, manifest, run, startCluster, type RunningCluster } from './running-cluster.ts';
import { curlFrom, curlInPod, podIn, type PodView, podsOf, readyPods, systemReady } from './workloads.ts';

let cluster: RunningCluster;

before(async () => {
  cluster = await startCluster('restart', { config: manifest('restart/cluster.yaml') });
  await systemReady(cluster);
  await cluster.ok(`apply -f ${manifest('restart/workloads.yaml')}`);
  await cluster.ok('wait --for=condition=Ready pod --all --timeout=30s');
});
after(async () => {
  await cluster.stop();
  forget(cluster);
});

const namespaces = () => readdirSync('/run/netns').filter((name) => name.startsWith(namespacePrefix('restart')));

/** Processes of the pod that runs `sleep 98765432`, by the command line that /proc tells. */
function sleepers(): string[] {
  const isSleeper = (id: string) => {
    try {
      return readFileSync(`/proc/${id}/cmdline`, 'utf8') === 'sleep\u000098765432\u0000';
    } catch {
      // Ended while we looked.
      return false;
    }
  };
  return readdirSync('/proc').filter((entry) => /^\d+$/.test(entry) && isSleeper(entry));
}

const exited = (one: RunningCluster) => new Promise((resolve) => one.process.once('exit', resolve));

interface ConfigMapView {
  metadata: { name: string; resourceVersion: string };
  data: { turn: string };
}

/** Creates, changes and deletes ConfigMaps until the server dies; answers what it acknowledged last of each. */
async function writeUntilDeath(writers: number, enough: () => void): Promise<Map<string, string | 'deleted'>> {
  const client = createApiClient(readKubeconfig(cluster.kubeconfig));
  const known = new Map<string, string | 'deleted'>();
  const path = '/api/v1/namespaces/default/configmaps';
  let acknowledged = 0;
  const acknowledge = (name: string, state: string) => {
    known.set(name, state);
    if (++acknowledged === 300) enough();
  };
  const write = async (writer: number) => {
    for (let turn = 0; ; turn++) {
      const metadata = { name: `w${writer}-${turn}`, namespace: 'default' };
      const { name } = metadata;
      const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata };
      await client.request('POST', path, { ...object, data: { turn: 'first' } });
      acknowledge(name, 'first');
      if (turn % 3 === 0) continue;
      known.delete(name);
      await client.request('PUT', `${path}/${name}`, { ...object, data: { turn: 'second' } });
      acknowledge(name, 'second');
      if (turn % 3 === 1) continue;
      known.delete(name);
      await client.request('DELETE', `${path}/${name}`);
      acknowledge(name, 'deleted');
    }
  };
  await Promise.allSettled(Array.from({ length: writers }, (_, writer) => write(writer)));
  client.close();
  return known;
}

let acknowledged: ReadonlyMap<string, string>;
let podsBefore: PodView[];

test('kill -9 in the middle of writes; the next up on the same data starts and answers', async () => {
  podsBefore = await podsOf(cluster, '');
  assert.equal(sleepers().length, 1);
  const dead = exited(cluster);
  acknowledged = await writeUntilDeath(8, () => cluster.process.kill('SIGKILL'));
  await dead;
  assert.ok(acknowledged.size > 50, `${acknowledged.size} objects written`);
  cluster = await startCluster('restart', { data: cluster.data });
});

test('API: every acknowledged write is there, and nothing that was deleted', async () => {
  const { items } = await cluster.get<{ items: ConfigMapView[] }>('configmaps');
  const found = new Map(items.map(({ metadata, data }) => [metadata.name, data?.turn]));
  for (const [name, state] of acknowledged) assert.equal(found.get(name) ?? 'deleted', state, name);
  const revisions = items.map(({ metadata }) => Number(metadata.resourceVersion));
  const created = await cluster.ok('create configmap after --from-literal=a=b -o jsonpath={.metadata.resourceVersion}');
  assert.ok(Number(created) > Math.max(...revisions), 'revisions go on, they do not start again');
});

test('pods are the same objects and answer again: Service, node port, Ingress, names', async () => {
  await readyPods(cluster, '', podsBefore.length);
  const now = await podsOf(cluster, '');
  assert.deepEqual(now.map(({ metadata }) => metadata.uid).toSorted(), podsBefore.map(({ metadata }) => metadata.uid).toSorted());
  await systemReady(cluster);
  const isWeb = ({ body }: { body: string }) => podIn(body)?.startsWith('default/web-') ?? false;
  await eventually('node port', () => curlFrom(cluster, 'client', 'http://10.10.0.11:30100/'), isWeb);
  await eventually('Ingress', () => curlFrom(cluster, 'client', 'http://10.10.0.12/', "-H 'host: web.test'"), isWeb);
  const [web] = now.filter(({ metadata }) => metadata.name.startsWith('web-'));
  await eventually('name', () => curlInPod(cluster, web!.metadata.name, 'http://web/'), isWeb);
});

test('the policy closes again, and the kernel holds nothing of the first life', async () => {
  const [closed, [web]] = [await cluster.get<PodView>('pod closed'), await podsOf(cluster, '-l app=web')];
  assert.equal((await curlInPod(cluster, web!.metadata.name, `http://${closed.status.podIP}:8080/`)).curlCode, 28);
  const pods = (await podsOf(cluster, '-A')).filter(({ status, spec }) => status.podIP && !['10.10.0.11', '10.10.0.12'].includes(status.podIP) && spec.nodeName);
  // Two nodes, the outside machine, the link between them, and one for each pod with a network of its own.
  assert.equal(namespaces().length, 4 + pods.length, namespaces().join());
  assert.equal(sleepers().length, 1, 'the program of the first life is gone, that of the second runs');
});

test('a Service made now is served: the kernel follows the new life', async () => {
  await cluster.ok('expose deployment web --name=second --port=81 --target-port=8080');
  const { spec } = await cluster.get<{ spec: { clusterIP: string } }>('service second');
  await eventually('the new Service', () => curlFrom(cluster, 'node1', `http://${spec.clusterIP}:81/`), ({ status }) => status === 200);
});

test('Ctrl-C leaves nothing: no namespace, no link, no process, no mount', async () => {
  await cluster.stop();
  assert.equal(cluster.process.exitCode, 0);
  assert.deepEqual(namespaces(), []);
  assert.deepEqual(sleepers(), []);
  assert.ok(!(hostLinkName('restart') in networkInterfaces()));
  assert.ok(!(await run('mount', [])).stdout.includes(cluster.data));
});
