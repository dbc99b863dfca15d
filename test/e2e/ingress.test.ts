// Ingress on a whole cluster: hosts and paths, TLS by name, WebSocket, and changes while requests run.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { nodeNamespace } from '../../src/node/machine/names.ts';
import { namespaceSockets } from '../../src/node/netlink/namespace-sockets.ts';
import { eventually, forget, manifest, run, startCluster, type RunningCluster } from './running-cluster.ts';
import { startLoad } from './steady-load.ts';
import { type Answer, curlFrom, localIn, podIn, readyPods, systemReady } from './workloads.ts';

const workers = ['10.3.0.12', '10.3.0.13'] as const;
const gateway = workers[0];

let cluster: RunningCluster;

before(async () => {
  cluster = await startCluster('ingress', { config: manifest('ingress/cluster.yaml') });
  await systemReady(cluster);
  await cluster.ok(`apply -f ${manifest('ingress/three-hosts.yaml')}`);
  for (const name of ['api', 'web', 'backoffice']) await cluster.ok(`rollout status deployment/${name} --timeout=30s`);
});
after(async () => {
  await cluster.stop();
  forget(cluster);
});

const ask = (address: string, host: string, path = '/', more = '') => curlFrom(cluster, 'client', `http://${address}${path}`, `-H 'host: ${host}' ${more}`);
const answered = (about: string, look: () => Promise<Answer>, status = 200) => eventually(about, look, (answer) => answer.status === status);

test('WT-36 ING-56: three hosts on one address lead to pods on 80, 8080 and 8080, on every gateway', async () => {
  const table = [
    ['api.domain.com', '/', 'default/api-', 80],
    ['test.domain.com', '/web/v1', 'default/web-', 8080],
    ['backoffice.domain.com', '/', 'default/backoffice-', 8080],
  ] as const;
  for (const address of workers)
    for (const [host, path, pod, port] of table) {
      const { body } = await answered(`${host}${path} at ${address}`, () => ask(address, host, path));
      assert.ok(podIn(body)?.startsWith(pod), `${host}${path}: ${podIn(body)}`);
      assert.equal(localIn(body)?.split(':').at(-1), String(port));
      assert.match(body, new RegExp(`^request: GET ${path} `, 'm'));
    }
});

test('ING-17 ING-18 ING-20: an unknown host, or a path outside the host’s, is answered 404 by the gateway itself', async () => {
  assert.equal((await ask(gateway, 'unknown.domain.com')).status, 404);
  assert.equal((await ask(gateway, 'test.domain.com', '/other')).status, 404);
  assert.equal((await ask('10.3.0.11', 'api.domain.com')).curlCode, 7, 'the control plane runs no gateway: refused');
});

test('ING-75: the pod sees the host asked for, the client and the scheme', async () => {
  const { body } = await ask(gateway, 'api.domain.com');
  assert.match(body, /^header host: api\.domain\.com$/m);
  assert.match(body, /^header x-real-ip: 10\.3\.0\.100$/m);
  assert.match(body, /^header x-forwarded-for: 10\.3\.0\.100$/m);
  assert.match(body, /^header x-forwarded-proto: http$/m);
});

async function createCertificate(secret: string, host: string): Promise<void> {
  const [key, cert] = [join(cluster.data, `${secret}.key`), join(cluster.data, `${secret}.crt`)];
  const made = await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-keyout', key, '-out', cert, '-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`],
  ]);
  assert.equal(made.code, 0, made.stderr);
  await cluster.ok(`create secret tls ${secret} --cert=${cert} --key=${key}`);
}

const secure = (host: string, more = '') => curlFrom(cluster, 'client', `https://${host}/`, `--resolve ${host}:443:${gateway} ${more}`);
/** Verifies the server's certificate by the given one alone. */
const trusting = async (host: string, secret: string) => {
  const command = `curl -sS --max-time 3 --cacert ${join(cluster.data, `${secret}.crt`)} --resolve ${host}:443:${gateway} https://${host}/`;
  return cluster.inside('client', command);
};

test('ING-60 ING-61: two hosts share 443, each with its own certificate; the pod sees plain HTTP', async () => {
  await createCertificate('foo-tls', 'foo.secure.test');
  await createCertificate('bar-tls', 'bar.secure.test');
  await cluster.ok(`apply -f ${manifest('ingress/tls.yaml')}`);
  for (const [host, secret, pod] of [['foo.secure.test', 'foo-tls', 'default/api-'], ['bar.secure.test', 'bar-tls', 'default/backoffice-']] as const) {
    const { stdout } = await eventually(`${host} with its own certificate`, () => trusting(host, secret), (ran) => ran.code === 0);
    assert.ok(podIn(stdout)?.startsWith(pod), stdout);
    assert.match(stdout, /^header x-forwarded-proto: https$/m);
  }
  assert.notEqual((await trusting('foo.secure.test', 'bar-tls')).code, 0, 'another host’s certificate does not do');
});

test('ING-65: plain HTTP for a host with TLS is redirected with 308', async () => {
  const { stdout } = await cluster.inside('client', `curl -sSi --max-time 3 -H 'host: foo.secure.test' http://${gateway}/some/path?x=1`);
  assert.match(stdout, /^HTTP\/1\.1 308/);
  assert.match(stdout, /^location: https:\/\/foo\.secure\.test\/some\/path\?x=1\r?$/im);
});

test('ING-63: a Secret that is replaced is served without a restart', async () => {
  await cluster.ok('delete secret foo-tls');
  const stranger = () => eventually('the default certificate', () => trusting('foo.secure.test', 'foo-tls'), (ran) => ran.code !== 0);
  await stranger();
  assert.equal((await secure('foo.secure.test')).status, 200, 'still served, with the gateway’s own certificate');
  await createCertificate('foo-tls', 'foo.secure.test');
  await eventually('the new certificate', () => trusting('foo.secure.test', 'foo-tls'), (ran) => ran.code === 0);
});

test('ING-77: a WebSocket passes through the Ingress and stays open while the Ingress changes', async () => {
  const sockets = namespaceSockets(nodeNamespace('ingress', 'client'));
  const socket = new WebSocket('ws://api.domain.com/chat', { createConnection: () => sockets.connectTcp({ address: gateway, port: 80 }) });
  const said = (text: string) =>
    new Promise<string>((resolve, reject) => {
      socket.once('message', (data: Buffer) => resolve(data.toString()));
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('closed')));
      socket.send(text);
    });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  assert.equal(await said('hello'), 'hello');
  await cluster.ok('annotate ingress my-ingress touched=yes');
  await cluster.ok(`patch ingress my-ingress --type=json -p '[{"op":"add","path":"/spec/rules/-","value":{"host":"fourth.domain.com","http":{"paths":[{"path":"/","pathType":"Prefix","backend":{"service":{"name":"web","port":{"number":8080}}}}]}}}]'`);
  await answered('the fourth host', () => ask(gateway, 'fourth.domain.com'));
  assert.equal(await said('still here'), 'still here');
  socket.terminate();
});

test('ING-54 ING-68: hosts come and go, back-ends move and scale, and no request of another host fails', async () => {
  const load = startLoad(cluster, { from: 'client', address: gateway, port: 80, host: 'api.domain.com' });
  await load.more(50);
  for (const [name, port] of [['web', 8080], ['backoffice', 8080], ['api', 80]] as const) {
    const patch = [{ op: 'replace', path: '/spec/rules/0/http/paths/0/backend/service', value: { name, port: { number: port } } }];
    await cluster.ok(`patch ingress my-ingress --type=json -p '${JSON.stringify(patch)}'`);
    await answered(`${name} serves api.domain.com`, async () => {
      const answer = await ask(gateway, 'api.domain.com');
      return { ...answer, status: podIn(answer.body)?.startsWith(`default/${name}-`) ? 200 : 0 };
    });
    await load.more(50);
  }
  await cluster.ok('scale deployment/api --replicas=4');
  await readyPods(cluster, '-l app=api', 4);
  await load.more(100);
  const { requests, failures, byPod } = await load.stop();
  assert.deepEqual(failures, [], `of ${requests} requests`);
  assert.ok(['web', 'backoffice', 'api'].every((name) => [...byPod.keys()].some((pod) => pod.startsWith(`default/${name}-`))), [...byPod.keys()].join());
});

test('ING-68: a rolling update behind the Ingress, and a scale-down after it, fail no request', async () => {
  const load = startLoad(cluster, { from: 'client', address: gateway, port: 80, host: 'api.domain.com' });
  await load.more(50);
  await cluster.ok('rollout restart deployment/api');
  await cluster.ok('rollout status deployment/api --timeout=30s');
  await cluster.ok('scale deployment/api --replicas=1');
  await readyPods(cluster, '-l app=api', 1);
  await load.more(50);
  const { requests, failures } = await load.stop();
  assert.deepEqual(failures, [], `of ${requests} requests`);
});

test('ING-72 ING-73: kubectl get ingress shows where the gateways are, and the ports', async () => {
  assert.match(await cluster.ok('get ingress my-ingress --no-headers'), /my-ingress\s+fairlead\s+api\.domain\.com.*10\.3\.0\.12,10\.3\.0\.13\s+80\s/);
  assert.match(await cluster.ok('get ingress secure --no-headers'), /\s80, 443\s/);
});

test('ING-74: a deleted Ingress takes its hosts with it and no others', async () => {
  await cluster.ok('delete ingress my-ingress');
  await answered('404 for api.domain.com', () => ask(gateway, 'api.domain.com'), 404);
  assert.equal((await secure('bar.secure.test')).status, 200);
});
