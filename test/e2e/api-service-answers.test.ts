// Services through the API: what a client is told when several things are wrong, what a dry run leaves behind, who owns what.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ApiUnderTest, startApi } from './api-under-test.ts';

let api: ApiUnderTest;
before(async () => {
  api = await startApi();
  await api.call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'other' } } });
});
after(() => api.close());

const at = (namespace = 'default') => `/api/v1/namespaces/${namespace}/services`;
const service = (name: string, spec: object = {}) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } });

test('SVC-08: everything that is wrong is told at once, each by its field', async () => {
  const { code, json } = await api.call('POST', at(), { body: service('1bad', { type: 'NodePort', sessionAffinity: 'Cookie', ports: [{ name: 'a', port: 0 }, { name: 'a', port: 81, protocol: 'ICMP' }] }) });
  assert.deepEqual([code, json.reason, json.details.name, json.details.kind], [422, 'Invalid', '1bad', 'Service']);
  const causes: [string, string][] = json.details.causes.map(({ field, reason }: { field: string; reason: string }) => [field, reason]);
  assert.deepEqual(causes, [
    ['metadata.name', 'FieldValueInvalid'],
    ['spec.ports[0].port', 'FieldValueInvalid'],
    ['spec.ports[0].targetPort', 'FieldValueInvalid'],
    ['spec.ports[1].name', 'FieldValueDuplicate'],
    ['spec.ports[1].protocol', 'FieldValueNotSupported'],
    ['spec.sessionAffinity', 'FieldValueNotSupported'],
  ]);
  for (const [field] of causes) assert.ok(json.message.includes(field), field);
});

test('SVC-04, SVC-05: a name is taken in its namespace alone; whoever replaces what is old meets a conflict', async () => {
  const made = await api.call('POST', at(), { body: service('web') });
  assert.equal(made.code, 201);
  assert.equal((await api.call('POST', at('other'), { body: service('web') })).code, 201);
  const again = await api.call('POST', at(), { body: service('web') });
  assert.deepEqual([again.code, again.json.reason], [409, 'AlreadyExists']);
  const replaced = { ...made.json, metadata: { ...made.json.metadata, labels: { a: 'b' } } };
  assert.equal((await api.call('PUT', `${at()}/web`, { body: replaced })).code, 200);
  const late = await api.call('PUT', `${at()}/web`, { body: { ...replaced, metadata: { ...replaced.metadata, labels: { c: 'd' } } } });
  assert.deepEqual([late.code, late.json.reason], [409, 'Conflict']);
});

test('SVC-06: status is written at its own place, and nothing else there', async () => {
  const status = { loadBalancer: { ingress: [{ ip: '198.51.100.7', ipMode: 'VIP' }] } };
  const made = await api.call('POST', at(), { body: { ...service('balanced', { type: 'LoadBalancer' }), status } });
  assert.deepEqual(made.json.status, { loadBalancer: {} });
  const plain = await api.call('PUT', `${at()}/balanced`, { body: { ...made.json, status } });
  assert.deepEqual(plain.json.status, { loadBalancer: {} });
  const through = await api.call('PUT', `${at()}/balanced/status`, { body: { ...plain.json, spec: { ...plain.json.spec, sessionAffinity: 'ClientIP' }, status } });
  assert.deepEqual([through.json.status, through.json.spec], [status, plain.json.spec]);
});

test('SVC-07: a dry run shows what would be and takes no address and no port', async () => {
  const wished = { type: 'NodePort', clusterIP: '10.96.0.99', ports: [{ port: 80, nodePort: 30_099 }] };
  for (let i = 0; i < 50; i++) {
    const { code, json } = await api.call('POST', `${at()}?dryRun=All`, { body: service(`dry${i}`, wished) });
    assert.deepEqual([code, json.spec.clusterIP, json.spec.ports[0].nodePort], [201, '10.96.0.99', 30_099]);
  }
  assert.equal((await api.call('POST', at(), { body: service('wet', wished) })).code, 201);
});

test('EPS-01, ESL-21: a slice is namespaced and called by a DNS subdomain', async () => {
  const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
  const slice = (name: string) => ({ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name }, addressType: 'IPv4', endpoints: [] });
  assert.equal((await api.call('POST', slices, { body: slice('a.b-1') })).code, 201);
  const { code, json } = await api.call('POST', slices, { body: slice('A_b') });
  assert.deepEqual([code, json.details.causes.map(({ field }: { field: string }) => field)], [422, ['metadata.name']]);
});
