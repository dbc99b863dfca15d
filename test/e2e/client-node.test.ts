// The official JavaScript client against the server: it sends bodies without kinds, and streams over WebSocket only.
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import { after, before, test } from 'node:test';
import { AppsV1Api, Attach, CoreV1Api, Exec, type Informer, KubeConfig, KubernetesObjectApi, Log, makeInformer, PatchStrategy, PortForward, type V1ConfigMap, type V1Status } from '@kubernetes/client-node';
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

test('an informer tells of changes and removals, and its cache is what the server has', async () => {
  const core = config.makeApiClient(CoreV1Api);
  const informer = makeInformer(config, '/api/v1/namespaces/default/configmaps', () => core.listNamespacedConfigMap({ namespace: 'default', labelSelector: 'watched=yes' }), 'watched=yes');
  const seen: string[] = [];
  const gone = new Promise<void>((resolve) => {
    for (const event of ['add', 'update', 'delete'] as const) {
      informer.on(event, ({ metadata, data }) => {
        seen.push(`${event} ${metadata?.name} ${data?.['a']}`);
        if (event === 'delete') resolve();
      });
    }
  });
  await informer.start();
  const made = await core.createNamespacedConfigMap({ namespace: 'default', body: { metadata: { name: 'w', labels: { watched: 'yes' } }, data: { a: '1' } } });
  await core.createNamespacedConfigMap({ namespace: 'default', body: { metadata: { name: 'unwatched' } } });
  await core.replaceNamespacedConfigMap({ name: 'w', namespace: 'default', body: { ...made, data: { a: '2' } } });
  await core.deleteNamespacedConfigMap({ name: 'w', namespace: 'default' });
  await gone;
  assert.deepEqual(seen, ['add w 1', 'update w 2', 'delete w 2']);
  assert.deepEqual(informer.list(), []);
  await informer.stop();
});

test('P0-7: apply makes and changes an object; another manager meets a conflict until it forces', async () => {
  const objects = KubernetesObjectApi.makeApiClient(config);
  const wish = (data: Record<string, string>): V1ConfigMap => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied', namespace: 'default' }, data });
  const apply = (data: Record<string, string>, manager: string, force = false) => objects.patch(wish(data), undefined, undefined, manager, force, PatchStrategy.ServerSideApply);
  assert.deepEqual((await apply({ a: '1', b: '1' }, 'one')).data, { a: '1', b: '1' });
  assert.deepEqual((await apply({ a: '2' }, 'one')).data, { a: '2' }, 'what is no longer applied goes');
  await assert.rejects(apply({ a: '3' }, 'two'), ({ code, body }: { code: number; body: string }) => code === 409 && /conflict with \\"one\\": \.data\.a/.test(body));
  const forced = await apply({ a: '3' }, 'two', true);
  assert.equal(forced.data?.['a'], '3');
  assert.deepEqual(forced.metadata?.managedFields?.map(({ manager, operation }) => `${manager} ${operation}`), ['two Apply']);
});

/** What comes until it holds all of the text; it may come in parts. */
const received = (stream: PassThrough, text: string): Promise<void> => {
  let all = '';
  return new Promise((resolve) => stream.on('data', (chunk: Buffer) => (all += chunk.toString()).includes(text) && resolve()));
};

test('logs: the last lines, an unknown container, and following until the container ends', async () => {
  const log = new Log(config);
  const read = (stream: PassThrough): Promise<string> => stream.toArray().then((chunks) => Buffer.concat(chunks as Buffer[]).toString());
  const [last, following] = [new PassThrough(), new PassThrough()];
  await log.log('default', 'p', 'c', last, { tailLines: 2 });
  assert.equal(await read(last), 'two\nthree\n');
  await assert.rejects(log.log('default', 'p', 'nope', new PassThrough(), {}), { code: 400 });
  const come = received(following, 'three\n');
  await log.log('default', 'p', 'c', following, { follow: true });
  await come;
  const ends = received(following, 'the end\n');
  pods.endLogs();
  await ends;
  await finished(following);
});

test('P1-5: attach over WebSocket', async () => {
  const [stdout, stdin] = [new PassThrough(), new PassThrough()];
  const come = received(stdout, 'typed');
  const socket = await new Attach(config).attach('default', 'p', 'c', stdout, null, stdin, false);
  stdin.write('typed');
  await come;
  socket.close();
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
