// Lists: pages, versions, selectors, forms.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ApiUnderTest, startApi } from './api-under-test.ts';

let api: ApiUnderTest;
const path = '/api/v1/namespaces/default/configmaps';
const names = (reply: { json: { items: { metadata: { name: string } }[] } }) => reply.json.items.map(({ metadata }) => metadata.name);

before(async () => {
  api = await startApi();
  for (const [i, name] of ['e', 'd', 'c', 'b', 'a'].entries()) {
    await api.call('POST', path, { body: { metadata: { name, labels: { odd: String(i % 2 === 1), [`only-${name}`]: '' } } } });
  }
});
after(() => api.close());

test('a list names its kind once and is ordered by name', async () => {
  const reply = await api.call('GET', path);
  assert.equal(reply.json.kind, 'ConfigMapList');
  assert.equal(reply.json.apiVersion, 'v1');
  assert.equal(reply.json.items[0].kind, undefined);
  assert.deepEqual(names(reply), ['a', 'b', 'c', 'd', 'e']);
  assert.equal(reply.json.metadata.resourceVersion, String(api.store.snapshot().revision));
});

test('an empty list has an empty array', async () => {
  const reply = await api.call('GET', '/api/v1/namespaces/nowhere/secrets');
  assert.deepEqual(reply.json.items, []);
});

test('P0-8: pages of one list come from one revision, whatever is written between', async () => {
  const first = await api.call('GET', `${path}?limit=2`);
  assert.deepEqual(names(first), ['a', 'b']);
  assert.equal(first.json.metadata.remainingItemCount, 3);
  await api.call('POST', path, { body: { metadata: { name: 'bb' } } });
  const second = await api.call('GET', `${path}?limit=2&continue=${first.json.metadata.continue}`);
  assert.deepEqual(names(second), ['c', 'd']);
  assert.equal(second.json.metadata.resourceVersion, first.json.metadata.resourceVersion);
  const third = await api.call('GET', `${path}?limit=2&continue=${second.json.metadata.continue}`);
  assert.deepEqual(names(third), ['e']);
  assert.equal(third.json.metadata.continue, undefined);
  await api.call('DELETE', `${path}/bb`);
});

const refusals: [string, string, number, RegExp][] = [
  ['continue with a version', 'continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhIn0&resourceVersion=3', 400, /specifying resource version is not allowed when using continue/],
  ['a broken continue token', 'continue=xyz', 400, /continue key is not valid/],
  ['a match without a version', 'resourceVersionMatch=Exact', 422, /resourceVersionMatch is forbidden unless resourceVersion is provided/],
  ['Exact at version 0', 'resourceVersionMatch=Exact&resourceVersion=0', 422, /resourceVersionMatch "exact" is forbidden for resourceVersion "0"/],
  ['an unknown match', 'resourceVersionMatch=Foo&resourceVersion=1', 422, /supported values: "Exact", "NotOlderThan", ""/],
  ['a version that is no number', 'resourceVersion=abc', 400, /invalid syntax/],
  ['sendInitialEvents on a list', 'sendInitialEvents=true', 422, /sendInitialEvents is forbidden for list/],
  ['an unknown field', 'fieldSelector=spec.x%3D1', 400, /"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"/],
  ['a broken label selector', 'labelSelector=(', 400, /found '\('/],
];
for (const [what, query, code, words] of refusals) {
  test(`a list refuses ${what}`, async () => {
    const reply = await api.call('GET', `${path}?${query}`);
    assert.equal(reply.code, code);
    assert.equal(reply.json.kind, 'Status');
    assert.match(reply.json.message, words);
  });
}

test('P1-1: a version in the future is answered with 504 and its cause', async () => {
  const reply = await api.call('GET', `${path}?resourceVersion=99999999`);
  assert.equal(reply.code, 504);
  assert.equal(reply.headers['retry-after'], '1');
  assert.equal(reply.json.details.causes[0].reason, 'ResourceVersionTooLarge');
});

test('P1-1: Exact shows the past', async () => {
  const before = api.store.snapshot().revision;
  await api.call('POST', path, { body: { metadata: { name: 'later' } } });
  const past = await api.call('GET', `${path}?resourceVersion=${before}&resourceVersionMatch=Exact`);
  assert.deepEqual(names(past), ['a', 'b', 'c', 'd', 'e']);
  assert.equal(past.json.metadata.resourceVersion, String(before));
  assert.ok(names(await api.call('GET', `${path}?resourceVersion=${before}`)).includes('later'));
  await api.call('DELETE', `${path}/later`);
});

const selections: [string, string[]][] = [
  ['labelSelector=odd%3Dtrue', ['b', 'd']],
  ['labelSelector=odd!%3Dtrue', ['a', 'c', 'e']],
  ['labelSelector=odd+in+(true,x),only-b', ['b']],
  ['labelSelector=!only-a,odd+notin+(true)', ['c', 'e']],
  ['fieldSelector=metadata.name%3Dc', ['c']],
  ['fieldSelector=metadata.name!%3Dc,metadata.namespace%3Ddefault', ['a', 'b', 'd', 'e']],
  ['resourceVersion=0&limit=2', ['a', 'b', 'c', 'd', 'e']],
];
for (const [query, expected] of selections) {
  test(`a list with ${decodeURIComponent(query)} shows ${expected.join(' ')}`, async () => {
    assert.deepEqual(names(await api.call('GET', `${path}?${query}`)), expected);
  });
}

test('P0-5: a Table carries columns, rows with metadata, and the list version', async () => {
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';
  const reply = await api.call('GET', `${path}?limit=2`, { accept });
  assert.equal(reply.json.kind, 'Table');
  assert.equal(reply.json.apiVersion, 'meta.k8s.io/v1');
  assert.deepEqual(Object.keys(reply.json.columnDefinitions[0]), ['name', 'type', 'format', 'description', 'priority']);
  assert.equal(reply.json.rows[0].cells[0], 'a');
  assert.equal(reply.json.rows[0].object.kind, 'PartialObjectMetadata');
  assert.ok(reply.json.metadata.continue);
  const bare = await api.call('GET', `${path}/a?includeObject=None`, { accept });
  assert.equal(bare.json.rows[0].object, undefined);
  const full = await api.call('GET', `${path}/a?includeObject=Object`, { accept });
  assert.equal(full.json.rows[0].object.kind, 'ConfigMap');
});

const forms: [string, number, string][] = [
  ['application/json', 200, 'ConfigMapList'],
  ['*/*', 200, 'ConfigMapList'],
  ['application/json;q=0.9', 200, 'ConfigMapList'],
  ['application/json;as=Unknown;v=v1;g=meta.k8s.io,application/json', 200, 'ConfigMapList'],
  ['application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io', 200, 'PartialObjectMetadataList'],
  ['application/json;as=Unknown;v=v1;g=meta.k8s.io', 406, 'Status'],
  ['image/png', 406, 'Status'],
];
for (const [accept, code, kind] of forms) {
  test(`Accept: ${accept} is answered ${code} ${kind}`, async () => {
    const reply = await api.call('GET', path, { accept });
    assert.equal(reply.code, code);
    assert.equal(reply.json.kind, kind);
  });
}

test('YAML is answered where it is asked for', async () => {
  const reply = await api.call('GET', `${path}/a`, { accept: 'application/yaml' });
  assert.equal(reply.headers['content-type'], 'application/yaml');
  assert.match(reply.text, /^kind: ConfigMap$/m);
});

test('a list over several namespaces is ordered by namespace, then name', async () => {
  await api.call('POST', '/api/v1/namespaces/kube-system/configmaps', { body: { metadata: { name: '0' } } });
  const reply = await api.call('GET', '/api/v1/configmaps');
  assert.deepEqual(names(reply), ['a', 'b', 'c', 'd', 'e', '0']);
});

test('one list after the other over HTTP/2 and HTTP/1.1 is the same', async () => {
  const { connect } = await import('node:http2');
  const session = connect(`https://127.0.0.1:${api.port}`, { ca: api.ca, cert: api.admin.cert, key: api.admin.key });
  const stream = session.request({ ':path': path });
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  session.close();
  assert.equal(Buffer.concat(chunks).toString(), (await api.call('GET', path)).text);
});
