// apply, server-side apply, edit and patch as the real kubectl speaks them: who changed what, and who may.
import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import { type ApiUnderTest, startApi } from './api-under-test.ts';

let api: ApiUnderTest;
before(async () => void (api = await startApi()));
after(() => api.close());

const service = (name: string, ports: object[], more: object = {}): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name, ...more }, spec: { selector: { app: name }, ports } });
const deployment = (name: string, container: object, spec: object = {}): string =>
  JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: { selector: { matchLabels: { app: name } }, template: { metadata: { labels: { app: name } }, spec: { containers: [container] } }, ...spec },
  });

async function run(args: string, input?: string): Promise<string> {
  const ran = await api.kubectl(args, input);
  assert.equal(ran.code, 0, `kubectl ${args}: ${ran.err}`);
  return ran.out;
}

// eslint-disable-next-line typescript/no-explicit-any -- objects of every kind
const get = async (what: string): Promise<KubeObject & { spec: any }> => JSON.parse(await run(`get ${what} -o json --show-managed-fields`)) as never;
const owners = (object: KubeObject) => (object.metadata.managedFields ?? []).map(({ manager, operation }) => `${manager}/${operation}`);

test('P0-6: apply creates, changes, and leaves unchanged what is the same', async () => {
  assert.match(await run('apply -f -', service('a', [{ port: 80, name: 'http' }])), /created/);
  assert.match(await run('apply -f -', service('a', [{ port: 80, name: 'http' }])), /unchanged/);
  assert.match(await run('apply -f -', service('a', [{ port: 81, name: 'extra' }, { port: 80, name: 'http' }])), /configured/);
  const { spec } = await get('service a');
  assert.deepEqual(spec.ports.map((port: { port: number }) => port.port), [81, 80]);
  await run('apply -f -', service('a', [{ port: 80, name: 'http' }]));
  assert.deepEqual((await get('service a')).spec.ports.length, 1);
});

test('P0-6: apply keeps what others added to a container', async () => {
  await run('apply -f -', deployment('b', { name: 'web', image: 'one' }));
  await run('set env deployment/b WORD=fair');
  await run('apply -f -', deployment('b', { name: 'web', image: 'two' }));
  const [container] = (await get('deployment b')).spec.template.spec.containers;
  assert.deepEqual([container.image, container.env], ['two', [{ name: 'WORD', value: 'fair' }]]);
});

test('P0-6: a strategy changes as a whole ($retainKeys)', async () => {
  await run('apply -f -', deployment('c', { name: 'web', image: 'one' }, { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 2 } } }));
  await run('apply -f -', deployment('c', { name: 'web', image: 'one' }, { strategy: { type: 'Recreate' } }));
  assert.deepEqual((await get('deployment c')).spec.strategy, { type: 'Recreate' });
});

test('P0-6: edit sends a strategic patch', async () => {
  await run('apply -f -', service('d', [{ port: 80, name: 'x' }, { port: 81, name: 'y' }]));
  const editor = join(api.folder, 'editor');
  await writeFile(editor, '#!/bin/sh\nsed -i "s/port: 81$/port: 82/; s/app: d$/app: e/" "$1"\n');
  await chmod(editor, 0o755);
  const ran = await api.kubectlAs('env', [`KUBE_EDITOR=${editor}`, 'kubectl', 'edit', 'service', 'd']);
  assert.equal(ran.code, 0, ran.err);
  const { spec } = await get('service d');
  assert.deepEqual([spec.selector.app, spec.ports.map((port: { port: number }) => port.port)], ['e', [80, 82]]);
});

test('P0-6: patch speaks all three languages', async () => {
  await run('apply -f -', service('e', [{ port: 80 }]));
  await run('patch service e --type=json -p [{"op":"add","path":"/metadata/labels","value":{"x":"1"}}]');
  await run('patch service e --type=merge -p {"metadata":{"labels":{"y":"2"}}}');
  await run('patch service e -p {"metadata":{"labels":{"x":null}}}');
  assert.deepEqual((await get('service e')).metadata.labels, { y: '2' });
  const failed = await api.kubectl('patch service e --type=json -p [{"op":"remove","path":"/nope"}]');
  assert.match(failed.err, /the server rejected our request due to an error in our request/);
});

test('P0-7: server-side apply creates, owns, and refuses what another owns', async () => {
  await run('apply --server-side -f -', service('f', [{ port: 80, name: 'http' }]));
  assert.deepEqual(owners(await get('service f')), ['kubectl/Apply']);
  const refused = await api.kubectl('apply --server-side --field-manager=other -f -', service('f', [{ port: 80, name: 'web' }]));
  assert.equal(refused.code, 1);
  assert.match(refused.err, /Apply failed with 1 conflict: conflict with "kubectl": \.spec\.ports\[port=80,protocol="TCP"\]\.name/);
  await run('apply --server-side --force-conflicts --field-manager=other -f -', service('f', [{ port: 80, name: 'web' }]));
  const taken = await get('service f');
  assert.deepEqual([taken.spec.ports[0].name, owners(taken).toSorted()], ['web', ['kubectl/Apply', 'other/Apply']]);
});

test('P0-7: server-side apply again changes nothing', async () => {
  await run('apply --server-side -f -', service('g', [{ port: 80 }]));
  const before = await get('service g');
  await run('apply --server-side -f -', service('g', [{ port: 80 }]));
  assert.equal((await get('service g')).metadata.resourceVersion, before.metadata.resourceVersion);
});

test('P0-7: an object of client-side apply moves to server-side apply, and its old fields can go', async () => {
  await run('apply -f -', service('h', [{ port: 80 }], { labels: { old: 'yes' } }));
  assert.deepEqual(owners(await get('service h')), ['kubectl-client-side-apply/Update']);
  await run('apply --server-side -f -', service('h', [{ port: 80 }]));
  const moved = await get('service h');
  // The second one keeps the last-applied annotation, as kubectl wants it.
  assert.deepEqual(owners(moved), ['kubectl/Apply', 'kubectl-last-applied/Apply']);
  assert.deepEqual(moved.metadata.labels ?? {}, {});
});

test('P0-7: who writes by other ways is remembered as updater', async () => {
  await run('create configmap i --from-literal=a=1');
  await run('annotate configmap i note=x');
  assert.deepEqual(owners(await get('configmap i')).toSorted(), ['kubectl-annotate/Update', 'kubectl-create/Update']);
});

test('P0-4: unknown fields are refused by kubectl’s strict validation, in upstream’s words', async () => {
  const text = JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'j' }, spec: { prts: [], ports: [{ port: 80, foo: 1 }] } });
  const { err } = await api.kubectl('create -f -', text);
  assert.match(err, /Service in version "v1" cannot be handled as a Service: strict decoding error: unknown field "spec.ports\[0\].foo", unknown field "spec.prts"/);
  const warned = await api.kubectl('create --validate=warn -f -', text);
  assert.match(warned.err, /Warning: unknown field "spec.prts"/);
});

test('P0-4: a value of the wrong type is refused', async () => {
  const text = JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'k' }, spec: { ports: 'none' } });
  const { err } = await api.kubectl('create -f -', text);
  assert.match(err, /json: cannot unmarshal string into Go struct field ServiceSpec\.spec\.ports of type \[\]v1\.ServicePort/);
});

test('P1-11: explain shows the fields of a type, and of a type within', async () => {
  const ports = await run('explain service.spec.ports');
  assert.match(ports, /FIELD: ports <\[\]ServicePort>/);
  assert.match(ports, /port\t<integer> -required-/);
  assert.match(ports, /targetPort\t<IntOrString>/);
  assert.match(await run('explain networkpolicies --recursive'), /namespaceSelector\t<LabelSelector>/);
});
