// Discovery in its forms, OpenAPI, version, health, metrics.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ApiUnderTest, startApi } from './api-under-test.ts';

let api: ApiUnderTest;
before(async () => {
  api = await startApi();
});
after(() => api.close());

const aggregated = (version: string) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;

interface Discovered {
  metadata: { name?: string };
  versions: { version: string; resources: { resource: string; scope: string; verbs: string[]; subresources?: { subresource: string; responseKind: object; verbs: string[] }[] }[] }[];
}

test('P0-2: /api aggregated holds the core group, without a name', async () => {
  const reply = await api.call('GET', '/api', { accept: `${aggregated('v2')},${aggregated('v2beta1')},application/json` });
  assert.equal(reply.headers['content-type'], aggregated('v2'));
  const [core] = reply.json.items as Discovered[];
  assert.deepEqual(core!.metadata, {});
  const resources = core!.versions[0]!.resources;
  const pods = resources.find(({ resource }) => resource === 'pods')!;
  assert.deepEqual(pods.verbs, ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']);
  const eviction = pods.subresources!.find(({ subresource }) => subresource === 'eviction')!;
  assert.deepEqual(eviction, { subresource: 'eviction', responseKind: { group: 'policy', version: 'v1', kind: 'Eviction' }, verbs: ['create'] });
  assert.ok(!resources.find(({ resource }) => resource === 'namespaces')!.verbs.includes('deletecollection'));
});

test('P0-2: /apis aggregated holds all other groups', async () => {
  const reply = await api.call('GET', '/apis', { accept: aggregated('v2beta1') });
  assert.equal(reply.json.apiVersion, 'apidiscovery.k8s.io/v2beta1');
  const groups = (reply.json.items as Discovered[]).map(({ metadata }) => metadata.name);
  for (const group of ['apps', 'networking.k8s.io', 'discovery.k8s.io', 'events.k8s.io', 'authorization.k8s.io']) assert.ok(groups.includes(group), group);
});

test('aggregated discovery that is known already is not sent again', async () => {
  const accept = aggregated('v2');
  const first = await api.call('GET', '/apis', { accept });
  const second = await api.call('GET', '/apis', { accept, headers: { 'if-none-match': String(first.headers['etag']) } });
  assert.deepEqual([second.code, second.text, second.headers['etag']], [304, '', first.headers['etag']]);
});

test('P0-2: legacy discovery', async () => {
  assert.deepEqual((await api.call('GET', '/api')).json.versions, ['v1']);
  const groups = (await api.call('GET', '/apis')).json;
  assert.equal(groups.kind, 'APIGroupList');
  assert.equal((await api.call('GET', '/apis/apps')).json.preferredVersion.groupVersion, 'apps/v1');
  const list = (await api.call('GET', '/api/v1')).json;
  assert.equal(list.groupVersion, 'v1');
  const log = list.resources.find(({ name }: { name: string }) => name === 'pods/log');
  assert.deepEqual(log, { name: 'pods/log', singularName: '', namespaced: true, kind: 'Pod', verbs: ['get'] });
});

for (const path of ['/nothing', '/apis/unknown.group/v1', '/apis/unknown.group/v1/things', '/api/v2']) {
  test(`what nobody serves is plain text: ${path}`, async () => {
    const reply = await api.call('GET', path);
    assert.deepEqual([reply.code, reply.text], [404, '404 page not found\n']);
  });
}

test('P0-3: OpenAPI v3 names documents by their hash, and those may be kept', async () => {
  const index = (await api.call('GET', '/openapi/v3')).json;
  const { serverRelativeURL } = index.paths['apis/networking.k8s.io/v1'];
  const document = await api.call('GET', serverRelativeURL);
  assert.equal(document.headers['cache-control'], 'public, immutable');
  const again = await api.call('GET', serverRelativeURL, { headers: { 'if-none-match': String(document.headers['etag']) } });
  assert.equal(again.code, 304);
  const patch = document.json.paths['/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses/{name}'].patch;
  assert.deepEqual(patch['x-kubernetes-group-version-kind'], { group: 'networking.k8s.io', version: 'v1', kind: 'Ingress' });
  const parameters = patch.parameters.map(({ name }: { name: string }) => name);
  for (const name of ['fieldValidation', 'dryRun']) assert.ok(parameters.includes(name));
});

test('P0-3: OpenAPI v2 is the smallest protobuf old clients take', async () => {
  const reply = await api.call('GET', '/openapi/v2');
  assert.equal(Buffer.from(reply.text).toString('hex'), '0a03322e3012070a016b12027631');
});

test('P1-11: the index and the documents of OpenAPI have ETags and times; who has them is told 304', async () => {
  for (const [path, accept] of [['/openapi/v3', 'application/json'], ['/openapi/v3/api/v1', 'application/json'], ['/openapi/v2', 'application/json'], ['/openapi/v2', 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf']] as const) {
    const { headers, code } = await api.call('GET', path, { accept });
    const [etag, modified] = [String(headers['etag']), String(headers['last-modified'])];
    assert.deepEqual([code, headers['vary']], [200, 'Accept']);
    const ask = async (more: Record<string, string>) => (await api.call('GET', path, { accept, headers: more })).code;
    assert.deepEqual([await ask({ 'if-none-match': etag }), await ask({ 'if-none-match': `"other", W/${etag}` }), await ask({ 'if-none-match': '"other"' })], [304, 304, 200], path);
    assert.deepEqual([await ask({ 'if-modified-since': modified }), await ask({ 'if-modified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' })], [304, 200], path);
    assert.equal(await ask({ 'if-modified-since': modified, 'if-none-match': '"other"' }), 200, 'an ETag outweighs a time');
  }
});

test('OpenAPI v2 as JSON has every definition, without what v2 does not know', async () => {
  const { json, text } = await api.call('GET', '/openapi/v2', { accept: 'application/json' });
  assert.equal(json.swagger, '2.0');
  assert.equal(json.definitions['io.k8s.api.core.v1.Service'].properties.spec.allOf?.[0].$ref ?? json.definitions['io.k8s.api.core.v1.Service'].properties.spec.$ref, '#/definitions/io.k8s.api.core.v1.ServiceSpec');
  assert.equal(json.definitions['io.k8s.apimachinery.pkg.util.intstr.IntOrString'].type, 'string');
  const { parameters } = json.paths['/api/v1/namespaces/{namespace}/services'].post;
  assert.deepEqual(parameters.find(({ name }: { name: string }) => name === 'dryRun'), { name: 'dryRun', in: 'query', type: 'string', uniqueItems: true });
  assert.ok(!text.includes('#/components/'));
});

for (const method of ['HEAD', 'OPTIONS', 'TRACE'] as const) {
  test(`${method} on objects and lists is a method that nobody allows`, async () => {
    for (const path of ['/api/v1/namespaces/default/pods', '/api/v1/namespaces/default', '/apis/apps/v1/deployments']) {
      const reply = await api.call(method, path);
      assert.equal(reply.code, 405);
      if (method === 'HEAD') continue;
      const { kind, reason, message, details } = reply.json;
      assert.deepEqual([kind, reason, message, details], ['Status', 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {}]);
    }
  });
}

test('P0-3: version and health', async () => {
  assert.match((await api.call('GET', '/version')).json.gitVersion, /^v\d+\.\d+\.\d+(\+\w+)?$/);
  for (const path of ['/healthz', '/livez', '/readyz']) assert.equal((await api.call('GET', path)).text, 'ok');
});

test('metrics count requests', async () => {
  await api.call('GET', '/api/v1/namespaces/default/secrets/none');
  const { text } = await api.call('GET', '/metrics');
  assert.match(text, /apiserver_request_total\{verb="GET",resource="secrets",code="404"\} 1/);
});
