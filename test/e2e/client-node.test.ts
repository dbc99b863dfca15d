// The official JavaScript client against the server: it sends bodies without kinds, and streams over WebSocket only.
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { after, before, test } from 'node:test';
import { AppsV1Api, CoreV1Api, Exec, type Informer, KubeConfig, makeInformer, PortForward, type V1ConfigMap, type V1Status } from '@kubernetes/client-node';
import { type ApiUnderTest, startApi } from './api-under-test.ts';
import { createEchoPods, type EchoPods } from './echo-pods.ts';

let api: ApiUnderTest;
let pods: EchoPods;
let config: KubeConfig;

before(async () => {
  pods = createEchoPods();
  api = await startApi({ podAccess: pods });
  config = new KubeConfig();
  config.loadFromFile(api.kubeconfig);
  const core = config.makeApiClient(CoreV1Api);
  await core.createNamespacedPod({ namespace: 'default', body: { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } } });
});
after(() => api.close());

test('objects are made, read, patched and removed', async () => {
  const core = config.makeApiClient(CoreV1Api);
  const made = await core.createNamespacedConfigMap({ namespace: 'default', body: { metadata: { name: 'm' }, data: { a: '1' } } });
  assert.equal(made.kind, 'ConfigMap');
  const patched = await core.patchNamespacedConfigMap({ name: 'm', namespace: 'default', body: [{ op: 'replace', path: '/data/a', value: '2' }] });
  assert.equal(patched.data?.['a'], '2');
  const replaced = await core.replaceNamespacedConfigMap({ name: 'm', namespace: 'default', body: { ...patched, data: { a: '3' } } });
  assert.equal(replaced.data?.['a'], '3');
  await assert.rejects(core.replaceNamespacedConfigMap({ name: 'm', namespace: 'default', body: patched }), { code: 409 });
  await core.deleteNamespacedConfigMap({ name: 'm', namespace: 'default' });
  await assert.rejects(core.readNamespacedConfigMap({ name: 'm', namespace: 'default' }), { code: 404 });
});

test('a deployment is scaled through its subresource', async () => {
  const apps = config.makeApiClient(AppsV1Api);
  const template = { metadata: { labels: { app: 'd' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  await apps.createNamespacedDeployment({ namespace: 'default', body: { metadata: { name: 'd' }, spec: { selector: { matchLabels: { app: 'd' } }, template } } });
  const scale = await apps.readNamespacedDeploymentScale({ name: 'd', namespace: 'default' });
  assert.deepEqual([scale.spec?.replicas, scale.status?.selector], [1, 'app=d']);
  const scaled = await apps.replaceNamespacedDeploymentScale({ name: 'd', namespace: 'default', body: { ...scale, spec: { replicas: 4 } } });
  assert.equal(scaled.spec?.replicas, 4);
});

test('an informer sees what is there and what comes', async () => {
  const core = config.makeApiClient(CoreV1Api);
  await core.createNamespacedConfigMap({ namespace: 'default', body: { metadata: { name: 'early' } } });
  const informer: Informer<V1ConfigMap> = makeInformer(config, '/api/v1/namespaces/default/configmaps', () => core.listNamespacedConfigMap({ namespace: 'default' }));
  const seen: string[] = [];
  const both = new Promise<void>((resolve) => {
    informer.on('add', ({ metadata }) => {
      seen.push(metadata?.name ?? '');
      if (seen.includes('early') && seen.includes('late')) resolve();
    });
  });
  await informer.start();
  await core.createNamespacedConfigMap({ namespace: 'default', body: { metadata: { name: 'late' } } });
  await both;
  await informer.stop();
});

test('P1-5: exec over WebSocket', async () => {
  const stdout = new PassThrough();
  const stdin = new PassThrough();
  let out = '';
  const echoed = new Promise<void>((resolve) => stdout.on('data', (chunk: Buffer) => (out += chunk.toString()) === 'hello' && resolve()));
  let ended: (status: V1Status) => void = () => {};
  const status = new Promise<V1Status>((resolve) => (ended = resolve));
  await new Exec(config).exec('default', 'p', 'c', ['cat'], stdout, null, stdin, false, (given) => ended(given));
  stdin.write('hello');
  await echoed;
  stdin.end();
  assert.equal((await status).status, 'Success');
});

test('P1-5: port-forward over WebSocket channels', async () => {
  const output = new PassThrough();
  const input = new PassThrough();
  const answered = new Promise<string>((resolve) => output.once('data', (chunk: Buffer) => resolve(chunk.toString())));
  const socket = await new PortForward(config).portForward('default', 'p', [9099], output, null, input);
  input.write('x');
  assert.equal(await answered, 'echo:x');
  if (typeof socket !== 'function') socket.close();
});
