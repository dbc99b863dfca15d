// Ports of nodes on a whole cluster: host ports with what the scheduler makes of them, the host network, and a node port
// that is not HTTP.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, forget, manifest, startCluster, type RunningCluster } from './running-cluster.ts';
import { type Answer, curlFrom, curlInPod, isReady, peerIn, podIn, type PodView, podsOf, systemReady } from './workloads.ts';

const addresses: Readonly<Record<string, string>> = { node1: '10.13.0.11', node2: '10.13.0.12', node3: '10.13.0.13' };
const client = '10.13.0.100';

let cluster: RunningCluster;

before(async () => {
  cluster = await startCluster('hostports', { config: manifest('host-ports/cluster.yaml') });
  await systemReady(cluster);
});
after(async () => {
  await cluster.stop();
  forget(cluster);
});

const edges = () => podsOf(cluster, '-l app=edge');
const at = (node: string, port: number) => `http://${addresses[node]}:${port}/`;
const refused = ({ curlCode }: Answer) => curlCode === 7;

async function placedEdges(count: number): Promise<PodView[]> {
  const list = await eventually(`${count} ready pods with the host port`, edges, (pods) => pods.filter(isReady).length === count && pods.every(({ metadata }) => !metadata.deletionTimestamp));
  return list.filter(isReady);
}

test('HPT-05: two of three replicas find a node with the port free; the third is Pending and says why', async () => {
  await cluster.ok(`apply -f ${manifest('host-ports/edge.yaml')}`);
  const placed = await placedEdges(2);
  assert.deepEqual(placed.map(({ spec }) => spec.nodeName).toSorted(), ['node2', 'node3']);
  const [waiting] = (await edges()).filter((pod) => !isReady(pod));
  assert.equal(waiting?.status.phase, 'Pending');
  const said = await cluster.ok(`describe pod ${waiting.metadata.name}`);
  assert.match(said, /FailedScheduling .*default-scheduler +0\/3 nodes are available: .*2 node\(s\) didn't have free ports for the requested pod ports\. preemption: 0\/3 nodes are available: /);
});

test('HPT-03, HPT-12: the port is open where a pod is, for everybody, and the pod sees who asks', async () => {
  const [one, other] = await placedEdges(2);
  const name = (pod: PodView) => `default/${pod.metadata.name}`;
  for (const pod of [one!, other!]) {
    const url = at(pod.spec.nodeName, 8080);
    const { body } = await eventually(`outside → ${url}`, () => curlFrom(cluster, 'client', url), (answer) => podIn(answer.body) === name(pod));
    assert.equal(peerIn(body)?.split(':')[0], client);
    for (const node of ['node1', 'node2', 'node3']) assert.equal(podIn((await curlFrom(cluster, node, url)).body), name(pod), `${node} → ${url}`);
    assert.equal(podIn((await curlInPod(cluster, one!.metadata.name, url)).body), name(pod), `pod → ${url}`);
    const { stdout } = await cluster.inside(pod.spec.nodeName, 'ss -Htln sport = 8080');
    assert.equal(stdout, '', 'no socket listens on the node');
  }
  assert.ok(refused(await curlFrom(cluster, 'client', at('node1', 8080))), 'a node without the pod refuses');
  assert.ok(refused(await curlFrom(cluster, 'client', at(one!.spec.nodeName, 80))), 'the pod’s own port is not the node’s');
});

test('HPT-03: fairlead why follows a host port and names its pod', async () => {
  const [one, other] = await placedEdges(2);
  const { code, stdout } = await cluster.fairlead(`why ${one!.metadata.name} ${addresses[other!.spec.nodeName]}:8080`);
  assert.equal(code, 0, stdout);
  assert.match(stdout, new RegExp(`by its host port 8080 +because Pod default/${other!.metadata.name}`));
});

test('HPT-05: a pod that names its node itself escapes the scheduler; the port stays with the older, and its events say so', async () => {
  const [one] = await placedEdges(2);
  const spec = { nodeName: one!.spec.nodeName, containers: [{ name: 'main', image: 'any', ports: [{ containerPort: 80, hostPort: 8080 }] }] };
  await cluster.ok('apply -f -', { stdin: JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'bold' }, spec }) });
  await cluster.ok('wait --for=condition=Ready pod/bold --timeout=20s');
  const said = await eventually('the event', () => cluster.ok('describe pod bold'), (text) => text.includes('HostPortConflict'));
  assert.match(said, new RegExp(`Warning +HostPortConflict .*${addresses[one!.spec.nodeName]} port 8080/TCP belongs to Pod default/${one!.metadata.name}`));
  assert.equal(podIn((await curlFrom(cluster, 'client', at(one!.spec.nodeName, 8080))).body), `default/${one!.metadata.name}`);
  await cluster.ok('delete pod bold');
});

test('HPT-05: when a pod goes, its port closes or goes to the one that waited', async () => {
  const [one] = await placedEdges(2);
  const url = at(one!.spec.nodeName, 8080);
  await cluster.ok('scale deployment edge --replicas=2');
  await eventually('two are left', edges, (pods) => pods.length === 2);
  await cluster.ok(`cordon ${one!.spec.nodeName}`);
  await cluster.ok(`delete pod ${one!.metadata.name}`);
  await eventually('closed', () => curlFrom(cluster, 'client', url), refused);
  await cluster.ok(`uncordon ${one!.spec.nodeName}`);
  const [heir] = (await placedEdges(2)).filter(({ spec }) => spec.nodeName === one!.spec.nodeName);
  assert.notEqual(heir?.metadata.name, one!.metadata.name);
  await eventually('open again', () => curlFrom(cluster, 'client', url), ({ body }) => podIn(body) === `default/${heir?.metadata.name}`);
  await cluster.ok('delete deployment edge');
  await eventually('closed for good', () => curlFrom(cluster, 'client', url), refused);
});

test('HPT-08, HPT-10, HPT-11: a DaemonSet on the host network has its nodes’ addresses, is heard on each of them and on loopback, and sees who asks', async () => {
  await cluster.ok(`apply -f ${manifest('host-ports/agents.yaml')}`);
  await cluster.ok('rollout status daemonset/agent --timeout=20s');
  const agents = await podsOf(cluster, '-l app=agent');
  assert.deepEqual(agents.map(({ spec, status }) => [spec.nodeName, status.podIP]).toSorted(), ['node2', 'node3'].map((node) => [node, addresses[node]]));
  for (const { metadata, spec } of agents) {
    const who = `default/${metadata.name}`;
    const { body } = await curlFrom(cluster, 'client', at(spec.nodeName, 9100));
    assert.deepEqual([podIn(body), peerIn(body)?.split(':')[0]], [who, client]);
    assert.equal(podIn((await curlFrom(cluster, spec.nodeName, 'http://127.0.0.1:9100/')).body), who);
    assert.equal(podIn((await curlInPod(cluster, metadata.name, 'http://127.0.0.1:9100/')).body), who);
    const seen = await cluster.ok(`exec ${metadata.name} -- ip -brief address`);
    assert.equal(seen, (await cluster.inside(spec.nodeName, 'ip -brief address')).stdout);
  }
});

test('HPT-14: DNS on a node port answers dig -p from outside, on every node', async () => {
  await cluster.ok(`apply -f ${manifest('host-ports/dns-node-port.yaml')}`);
  const kubernetes = (await cluster.ok(`get service kubernetes -o jsonpath={.spec.clusterIP}`)).trim();
  for (const node of Object.values(addresses)) {
    const ask = async () => (await cluster.inside('client', `dig +short +time=1 +tries=1 -p 30053 @${node} kubernetes.default.svc.cluster.local`)).stdout.trim();
    await eventually(`dig -p 30053 @${node}`, ask, (answer) => answer === kubernetes);
  }
});
