// The examples of the documentation, all in one cluster at the same time: each is reached as its page says, and no other is in its way.
import { dig } from './dig.ts';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { nodeNamespace } from '../../src/node/machine/names.ts';
import { namespaceSockets } from '../../src/node/netlink/namespace-sockets.ts';
import { eventually, forget, manifest, run, startCluster, type RunningCluster } from './running-cluster.ts';
import { curlFrom, curlInPod, endpointsOf, localIn, podIn, podsOf, readyPods, slicesOf, systemReady } from './workloads.ts';

const examples = readdirSync(manifest('documentation')).filter((file) => !['cluster.yaml', 'client.yaml'].includes(file));
const outside = '10.6.0.100';
const stubs = ['10.4.5.6', '10.1.2.3'];
const servers = stubs.map((address) => ({ address, server: createServer((_request, response) => response.end(`stub ${address}`)) }));

let cluster: RunningCluster;

before(async () => {
  cluster = await startCluster('documentation', { config: manifest('documentation/cluster.yaml') });
  const inNetwork = (host: string, command: string) => run('ip', ['-n', nodeNamespace('documentation', host).name, ...command.split(' ')]);
  for (const { address, server } of servers) {
    await inNetwork('client', `addr add ${address}/32 dev lo`);
    await inNetwork('UNDERLAY', `route add ${address}/32 via ${outside}`);
    await namespaceSockets(nodeNamespace('documentation', 'client')).listenTcp(server, { address, port: 9376 });
  }
  await inNetwork('client', 'route add 198.51.100.32/32 via 10.6.0.11');
  await systemReady(cluster);
  await cluster.ok(`apply -f ${manifest('documentation/client.yaml')} ${examples.map((file) => `-f ${manifest(`documentation/${file}`)}`).join(' ')}`);
  await cluster.ok('wait --for=condition=Ready pod --all -A --timeout=30s');
});
after(async () => {
  for (const { server } of servers) server.close();
  await cluster.stop();
  forget(cluster);
});

/** Pods that answer so many requests of the client pod. */
async function answering(url: string, requests = 8): Promise<Set<string>> {
  const seen = new Set<string>();
  for (let i = 0; i < requests; i++) {
    const { body, status } = await eventually(`an answer of ${url}`, () => curlInPod(cluster, 'client', url), (answer) => answer.status === 200);
    seen.add(podIn(body) ?? `${status} ${body}`);
  }
  return seen;
}
const allOf = (pods: Iterable<string>, start: string) => assert.ok([...pods].every((pod) => pod.startsWith(start)), `${[...pods].join()} begin with ${start}`);

test('WT-47 SVC-01: my-service leads to the pods of its own namespace only', async () => {
  allOf(await answering('http://my-service.basic/'), 'basic/my-app-');
  assert.equal((await endpointsOf(cluster, 'my-service', 'basic')).filter((each) => each.endsWith(':9376')).length, 2);
});

test('WT-47 SVC-16: a target port by name', async () => {
  allOf(await answering('http://nginx-service.named-port/', 2), 'named-port/nginx');
  assert.deepEqual((await slicesOf(cluster, 'nginx-service', 'named-port'))[0]?.ports?.map(({ name, port }) => [name, port]), [['name-of-service-port', 80]]);
});

test('WT-47 SVC-21: each of two ports leads to its own target port', async () => {
  for (const [port, target] of [['80', '9376'], ['443', '9377']]) {
    const { body } = await curlInPod(cluster, 'client', `http://my-service.multi-port:${port}/`);
    assert.ok(podIn(body)?.startsWith('multi-port/'));
    assert.equal(localIn(body)?.split(':')[1], target);
  }
});

test('WT-47 SVC-33: an EndpointSlice by hand leads to both stubs outside', async () => {
  const seen = new Set<string>();
  await eventually('both stubs answer', async () => seen.add((await curlInPod(cluster, 'client', 'http://my-service.without-selector/')).body), () => seen.size >= 2);
  assert.deepEqual([...seen].toSorted(), stubs.map((address) => `stub ${address}`).toSorted());
  assert.equal((await slicesOf(cluster, 'my-service', 'without-selector')).length, 1);
});

test('WT-47 KPX-30: node port 30007 is open on every node, from outside', async () => {
  for (const address of ['10.6.0.11', '10.6.0.12', '10.6.0.13']) {
    const { body } = await curlFrom(cluster, 'client', `http://${address}:30007/`);
    assert.ok(podIn(body)?.startsWith('node-port/'), `${address}: ${body}`);
  }
});

test('WT-47 KPX-40 KPX-41: the external address is served at the node it is routed to, and inside the cluster', async () => {
  assert.ok(podIn((await curlFrom(cluster, 'client', 'http://198.51.100.32/')).body)?.startsWith('external-ips/'));
  allOf(await answering('http://198.51.100.32/', 3), 'external-ips/');
});

test('WT-47 DSC-15 DSC-16: the headless name stands for its three pods, with an SRV record for each', async () => {
  const addresses = (await podsOf(cluster, '-n headless')).map(({ status }) => status.podIP!).toSorted();
  const name = 'my-service.headless.svc.cluster.local';
  assert.deepEqual((await dig(cluster, 'client', name)).records.toSorted(), addresses);
  const services = (await dig(cluster, 'client', `_http._tcp.${name}`, 'SRV')).records.map((record) => record.split(' '));
  assert.deepEqual(services.map(([, , port]) => port), ['9376', '9376', '9376']);
  assert.equal(new Set(services.map(([, , , target]) => target)).size, 3);
});

test('WT-47 DSC-18: the ExternalName is an alias and nothing more', async () => {
  assert.deepEqual((await dig(cluster, 'client', 'my-service.external-name.svc.cluster.local', 'CNAME')).records, ['my.database.example.com.']);
  assert.equal((await slicesOf(cluster, 'my-service', 'external-name')).length, 0);
});

/** An https server outside, in the cluster under the name `secure`; answers its certificate. */
async function startSecureServer(): Promise<{ certificate: string; close(): void }> {
  const [key, cert] = [join(cluster.data, 'secure.key'), join(cluster.data, 'secure.crt')];
  const names = ['-subj', '/CN=secure', '-addext', 'subjectAltName=DNS:secure.default.svc.cluster.local'];
  assert.equal((await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-keyout', key, '-out', cert, ...names])).code, 0);
  const server = createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_request, response) => response.end('a secret'));
  await namespaceSockets(nodeNamespace('documentation', 'client')).listenTcp(server, { address: stubs[0]!, port: 9443 });
  await cluster.ok('apply -f -', { stdin: `
apiVersion: v1
kind: Service
metadata: { name: secure }
spec: { ports: [{ port: 443 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: secure-1, labels: { kubernetes.io/service-name: secure } }
addressType: IPv4
endpoints: [{ addresses: [${stubs[0]}] }]
ports: [{ name: '', port: 9443 }]
` });
  return { certificate: readFileSync(cert, 'utf8'), close: () => server.close() };
}

const alias = (name: string, target: string) => cluster.ok(`create service externalname ${name} --external-name=${target}.svc.cluster.local`);

test('SVC-89: an alias changes the address that is asked and no more: the server hears the alias’ name, and its certificate is another’s', async () => {
  await alias('plain-alias', 'my-service.basic');
  const plain = await eventually('the alias answers', () => curlInPod(cluster, 'client', 'http://plain-alias/'), ({ status }) => status === 200);
  assert.ok(podIn(plain.body)?.startsWith('basic/my-app-'));
  assert.match(plain.body, /^header host: plain-alias$/m);
  await alias('secure-alias', 'secure.default');
  const { certificate, close } = await startSecureServer();
  await cluster.ok("exec -i client -- sh -c 'cat > /tmp/ca.crt'", { stdin: certificate });
  const ask = (host: string) => cluster.kubectl(`exec client -- curl -sS --max-time 3 --cacert /tmp/ca.crt https://${host}.default.svc.cluster.local/`);
  assert.equal((await eventually('its own name', () => ask('secure'), ({ code }) => code === 0)).stdout, 'a secret');
  const refused = await ask('secure-alias');
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /subject name|certificate/);
  close();
});

const movable = 'http://my-service.external-name/';

test('SVC-91: the back-end moves into the cluster, and clients keep the name', async () => {
  assert.equal((await curlInPod(cluster, 'client', movable)).curlCode, 6, 'the name outside does not resolve here');
  await cluster.ok('run db -n external-name --image=echo:1 --port=80 --labels=app=db');
  const change = { spec: { type: 'ClusterIP', externalName: null, selector: { app: 'db' }, ports: [{ port: 80 }] } };
  await cluster.ok(`patch service my-service -n external-name --type=merge -p '${JSON.stringify(change)}'`);
  const { body } = await eventually('the pod answers', () => curlInPod(cluster, 'client', movable), ({ status }) => status === 200);
  assert.equal(podIn(body), 'external-name/db');
});

test('WT-47: taking one example away leaves the others as they are', async () => {
  await cluster.ok(`delete -f ${manifest('documentation/multi-port.yaml')}`);
  await eventually('the name is gone', () => curlInPod(cluster, 'client', 'http://my-service.multi-port/'), ({ curlCode }) => curlCode === 6);
  for (const [url, start] of [['http://my-service.basic/', 'basic/'], ['http://10.6.0.12:30007/', 'node-port/'], ['http://198.51.100.32/', 'external-ips/']] as const) allOf(await answering(url, 2), start);
  await readyPods(cluster, '-n basic', 2);
});
