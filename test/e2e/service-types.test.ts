// One application behind every type of Service, one after another: reached the way its type promises, and in no other.
import { dig } from './dig.ts';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { nodeNamespace } from '../../src/node/machine/names.ts';
import { eventually, forget, manifest, run, startCluster, type RunningCluster } from './running-cluster.ts';
import { type Answer, curlFrom, curlInPod, localIn, peerIn, podIn, systemReady } from './workloads.ts';

const nodes = ['10.8.0.11', '10.8.0.12', '10.8.0.13'];

interface ServiceView {
  spec: { clusterIP?: string; ports: { nodePort?: number }[] };
  status: { loadBalancer: { ingress?: { ip: string }[] } };
}

let cluster: RunningCluster;

before(async () => {
  cluster = await startCluster('types', { config: manifest('service-types/cluster.yaml') });
  await systemReady(cluster);
  await cluster.ok(`apply -f ${manifest('service-types/app.yaml')}`);
  await cluster.ok('wait --for=condition=Ready pod --all --timeout=30s');
});
after(async () => {
  await cluster.stop();
  forget(cluster);
});

const serviceOf = (name: string) => cluster.get<ServiceView>(`service ${name}`);
const ours = ({ body }: Answer) => podIn(body)?.startsWith('default/my-app-') ?? false;
const reached = async (about: string, look: () => Promise<Answer>, targetPort: number) => {
  const answer = await eventually(about, look, ours);
  assert.equal(localIn(answer.body)?.split(':')[1], String(targetPort), about);
  return answer;
};
const notReached = async (about: string, look: Promise<Answer>) => assert.notEqual((await look).curlCode, 0, about);
const fromHost = async (url: string): Promise<Answer> => {
  const { code, stdout } = await run('curl', ['-sS', '--max-time', '3', url]);
  return { curlCode: code, status: code === 0 ? 200 : 0, body: stdout };
};
async function eachType<T>(file: string, check: () => Promise<T>): Promise<void> {
  await cluster.ok(`apply -f ${manifest(`service-types/${file}.yaml`)}`);
  await check();
  await cluster.ok(`delete -f ${manifest(`service-types/${file}.yaml`)}`);
}

test('WT-40: my-internal-service is for the cluster only: pods and nodes, by address and by name', () =>
  eachType('cluster-ip', async () => {
    const { spec } = await serviceOf('my-internal-service');
    for (const target of [spec.clusterIP, 'my-internal-service', 'my-internal-service.default.svc.cluster.local']) {
      await reached(`pod → ${target}`, () => curlInPod(cluster, 'client', `http://${target}/`), 80);
    }
    for (const node of ['node1', 'node2', 'node3']) await reached(node, () => curlFrom(cluster, node, `http://${spec.clusterIP}/`), 80);
    await notReached('outside', curlFrom(cluster, 'client', `http://${spec.clusterIP}/`));
    await notReached('the host', fromHost(`http://${spec.clusterIP}/`));
    await notReached('a port that the Service has not', curlInPod(cluster, 'client', `http://${spec.clusterIP}:9376/`));
  }));

test('WT-40: my-nodeport-service is open on 30036 of every node, and stays a ClusterIP', () =>
  eachType('node-port', async () => {
    const { spec } = await serviceOf('my-nodeport-service');
    assert.equal(spec.ports[0]?.nodePort, 30_036);
    for (const node of nodes) {
      const { body } = await reached(`outside → ${node}`, () => curlFrom(cluster, 'client', `http://${node}:30036/`), 80);
      assert.notEqual(peerIn(body)?.split(':')[0], '10.8.0.100', 'KPX-33: the pod sees a node, not the client');
      await reached(`host → ${node}`, () => fromHost(`http://${node}:30036/`), 80);
      await notReached('the Service’s own port on a node', curlFrom(cluster, 'client', `http://${node}:80/`));
      await notReached('another port', curlFrom(cluster, 'client', `http://${node}:30037/`));
    }
    await reached('pod → cluster IP', () => curlInPod(cluster, 'client', `http://${spec.clusterIP}/`), 80);
    await reached('pod → node port', () => curlInPod(cluster, 'client', `http://${nodes[0]}:30036/`), 80);
    await notReached('outside → cluster IP', curlFrom(cluster, 'client', `http://${spec.clusterIP}/`));
  }));

test('WT-40 LB-02 SVC-73: example-service gets an address that leads 8765 to 9376, from the host, from outside, from within', () =>
  eachType('load-balancer', async () => {
    const { spec, status } = await eventually('an address', () => serviceOf('example-service'), (seen) => (seen.status.loadBalancer.ingress ?? []).length > 0);
    const address = status.loadBalancer.ingress![0]!.ip;
    assert.match(await cluster.ok('get service example-service --no-headers'), new RegExp(`LoadBalancer\\s+${spec.clusterIP}\\s+${address}\\s+8765:${spec.ports[0]?.nodePort}/TCP`));
    await reached('outside', () => curlFrom(cluster, 'client', `http://${address}:8765/`), 9376);
    await reached('host', () => fromHost(`http://${address}:8765/`), 9376);
    await reached('pod', () => curlInPod(cluster, 'client', `http://${address}:8765/`), 9376);
    await reached('node', () => curlFrom(cluster, 'node1', `http://${address}:8765/`), 9376);
    await notReached('another port', curlFrom(cluster, 'client', `http://${address}:80/`));
    await reached('its node port', () => curlFrom(cluster, 'client', `http://${nodes[1]}:${spec.ports[0]?.nodePort}/`), 9376);
  }));

test('a load balancer’s address is free again when its Service is gone', async () => {
  const addressNow = async () => (await eventually('an address', () => serviceOf('example-service'), (seen) => (seen.status.loadBalancer.ingress ?? []).length > 0)).status.loadBalancer.ingress![0]!.ip;
  let address = '';
  await eachType('load-balancer', async () => (address = await addressNow()));
  await eventually('nobody answers there', () => curlFrom(cluster, 'client', `http://${address}:8765/`), ({ curlCode }) => curlCode !== 0);
  await eachType('load-balancer', async () => assert.equal(await addressNow(), address));
});

test('SVC-84: inside-service has an address for pods and nodes; outside it takes a route', () =>
  eachType('internal-load-balancer', async () => {
    const { status } = await eventually('an address', () => serviceOf('inside-service'), (seen) => (seen.status.loadBalancer.ingress ?? []).length > 0);
    const address = status.loadBalancer.ingress![0]!.ip;
    assert.match(address, /^10\.77\.8\./);
    await reached('pod', () => curlInPod(cluster, 'client', `http://${address}:8765/`), 9376);
    await reached('node', () => curlFrom(cluster, 'node1', `http://${address}:8765/`), 9376);
    await notReached('outside', curlFrom(cluster, 'client', `http://${address}:8765/`));
    const route = (verb: string) => run('ip', ['-n', nodeNamespace('types', 'routed').name, 'route', verb, `${address}/32`, 'via', '10.8.0.12']);
    await route('add');
    await reached('with a route to a node', () => curlFrom(cluster, 'routed', `http://${address}:8765/`), 9376);
    await route('del');
  }));

test('SVC-90 WT-40 DSC-18: my-service of prod is an alias; it has no address and nothing is proxied', () =>
  eachType('external-name', async () => {
    assert.deepEqual((await dig(cluster, 'client', 'my-service.prod.svc.cluster.local', 'CNAME')).records, ['my.database.example.com.']);
    assert.equal((await curlInPod(cluster, 'client', 'http://my-service.prod/')).curlCode, 6, 'the name outside does not resolve here');
  }));

test('WT-40 KPX-40 KPX-41: my-service answers on 80.11.12.10 where a route leads there', async () => {
  const route = (verb: string) => run('ip', ['-n', nodeNamespace('types', 'routed').name, 'route', verb, '80.11.12.10/32', 'via', '10.8.0.12']);
  await route('add');
  await eachType('external-ips', async () => {
    await reached('with a route to node2', () => curlFrom(cluster, 'routed', 'http://80.11.12.10/'), 9376);
    await reached('pod', () => curlInPod(cluster, 'client', 'http://80.11.12.10/'), 9376);
    await reached('pod by name', () => curlInPod(cluster, 'client', 'http://my-service/'), 9376);
    await notReached('without a route', curlFrom(cluster, 'client', 'http://80.11.12.10/'));
    await notReached('a port that the Service has not', curlFrom(cluster, 'routed', 'http://80.11.12.10:9376/'));
    assert.match(await cluster.ok('get service my-service --no-headers'), /ClusterIP\s+\S+\s+80\.11\.12\.10\s+80\/TCP/);
  });
  await route('del');
});
