// Ingresses, classes and policies as people meet them: refused by the API in upstream's words, shown by kubectl.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { messageOf } from '../../src/kube/schema/schema.ts';
import { type ApiUnderTest, type Reply, startApi } from './api-under-test.ts';

let api: ApiUnderTest;
before(async () => {
  api = await startApi();
});
after(() => api.close());

const group = '/apis/networking.k8s.io/v1';
const ingresses = `${group}/namespaces/default/ingresses`;
const policies = `${group}/namespaces/default/networkpolicies`;
const strictly = '?fieldValidation=Strict';
const backend = (name = 'test', number = 80) => ({ service: { name, port: { number } } });
const rule = (host: string | undefined, ...paths: [path: string, name: string, number: number][]) => ({ ...(host && { host }), http: { paths: paths.map(([path, name, number]) => ({ path, pathType: 'Prefix', backend: backend(name, number) })) } });
const ingress = (name: string, spec: object, metadata: object = {}) => ({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name, ...metadata }, spec });
const create = (path: string, body: unknown): Promise<Reply> => api.call('POST', path, { body });
const message = async (path: string, body: unknown): Promise<[number, string]> => {
  const { code, json } = await create(path, body);
  return [code, String(json.message)];
};

test('ING-01, NP-12: an object says its version, kind and name, and the name is a DNS subdomain', async () => {
  for (const [path, kind, spec] of [[ingresses, 'Ingress', { defaultBackend: backend() }], [policies, 'NetworkPolicy', { podSelector: {} }]] as const) {
    const of = (more: object) => ({ apiVersion: 'networking.k8s.io/v1', kind, metadata: { name: 'a' }, spec, ...more });
    assert.match((await message(path, of({ metadata: {} })))[1], /metadata\.name: Required value: name or generateName is required/);
    const [code, text] = await message(path, of({ metadata: { name: 'A_b' } }));
    assert.equal(code, 422);
    assert.ok(text.includes(`${kind}.networking.k8s.io "A_b" is invalid: metadata.name: Invalid value: "A_b": a lowercase RFC 1123 subdomain must consist of`), text);
    assert.equal((await message(path, of({ apiVersion: 'networking.k8s.io/v1beta1' })))[0], 400);
    assert.equal((await message(path, of({ kind: 'Pod' })))[0], 400);
    const long = 'a'.repeat(253);
    assert.equal((await create(path, of({ metadata: { name: long } }))).code, 201);
    await api.call('DELETE', `${path}/${long}`);
  }
  assert.match((await message(ingresses, { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'a' } }))[1], /spec: Invalid value: "": either `defaultBackend` or `rules` must be specified/);
});

test('NP-12: policies are namespaced', async () => assert.equal((await create(`${group}/networkpolicies`, { metadata: { name: 'a' } })).code, 405));

test('ING-13: the names of old manifests are unknown: refused when asked strictly, else dropped, and then the back-end is missing', async () => {
  const old = { rules: [{ http: { paths: [{ path: '/', pathType: 'Prefix', backend: { serviceName: 'web', servicePort: 80 } }] } }] };
  const [code, text] = await message(`${ingresses}${strictly}`, ingress('old', old));
  assert.equal(code, 400);
  assert.match(text, /strict decoding error: unknown field "spec\.rules\[0\]\.http\.paths\[0\]\.backend\.serviceName", unknown field "spec\.rules\[0\]\.http\.paths\[0\]\.backend\.servicePort"/);
  const [dropped, missing] = await message(ingresses, ingress('old', old));
  assert.equal(dropped, 422);
  assert.match(missing, /spec\.rules\[0\]\.http\.paths\[0\]\.backend: Invalid value: "": resource or service backend is required/);
  assert.equal((await message(ingresses, ingress('old', { backend: { serviceName: 'web', servicePort: 80 } })))[0], 422);
});

test('ING-14: the beta versions of Ingress are gone', async () => {
  for (const version of ['extensions/v1beta1', 'networking.k8s.io/v1beta1']) {
    assert.equal((await api.call('GET', `/apis/${version}/ingresses`)).code, 404);
    const { err } = await api.kubectl('create -f -', JSON.stringify({ ...ingress('old', { rules: [] }), apiVersion: version }));
    assert.match(err, new RegExp(`no matches for kind "Ingress" in version "${version}"`));
  }
});

test('ING-15, NP-38: Ingress has the fields it had when it was frozen; a policy has no status to read', async () => {
  const fieldsOf = (kind: string) => [...messageOf('networking.k8s.io/v1', kind)!.fields.get('spec')!.message!.fields.keys()].toSorted();
  assert.deepEqual(fieldsOf('Ingress'), ['defaultBackend', 'ingressClassName', 'rules', 'tls']);
  assert.deepEqual(fieldsOf('NetworkPolicy'), ['egress', 'ingress', 'podSelector', 'policyTypes']);
  assert.equal(messageOf('networking.k8s.io/v1', 'NetworkPolicy')!.fields.has('status'), false);
  await create(policies, { metadata: { name: 'a' }, spec: { podSelector: {} } });
  assert.equal((await api.call('GET', `${policies}/a/status`)).code, 404);
});

/** One field for each thing that a policy cannot say. */
const gaps: readonly (readonly [what: string, at: string, spec: object])[] = [
  ['a way through a gateway', 'spec.egress[0].via', { egress: [{ via: 'gateway' }] }],
  ['TLS', 'spec.ingress[0].tls', { ingress: [{ tls: {} }] }],
  ['nodes by their identity', 'spec.ingress[0].from[0].nodeSelector', { ingress: [{ from: [{ podSelector: {}, nodeSelector: {} }] }] }],
  ['Services by name', 'spec.egress[0].to[0].service', { egress: [{ to: [{ podSelector: {}, service: 'web' }] }] }],
  ['requests of third parties', 'spec.approvedBy', { approvedBy: 'admin' }],
  ['defaults of the cluster', 'spec.clusterDefault', { clusterDefault: true }],
  ['logging', 'spec.ingress[0].log', { ingress: [{ log: true }] }],
  ['denial', 'spec.ingress[0].action', { ingress: [{ action: 'Deny' }] }],
  ['loopback or the own host', 'spec.ingress[0].from[0].self', { ingress: [{ from: [{ podSelector: {}, self: false }] }] }],
];
for (const [what, at, spec] of gaps) {
  test(`NP-41: a policy cannot speak of ${what}`, async () => {
    const [code, text] = await message(`${policies}${strictly}`, { metadata: { name: 'gap' }, spec: { podSelector: {}, ...spec } });
    assert.deepEqual([code, text.includes(`unknown field "${at}"`)], [400, true], text);
  });
}

test('ING-50, ING-57: kubectl get shows class, hosts, address and ports', async () => {
  await create(ingresses, ingress('test-ingress', { ingressClassName: 'external-lb', defaultBackend: backend() }));
  await create(ingresses, ingress('www', { rules: [rule('www.test.com', ['/', 'tomcat6', 80])] }));
  const shown = async (name: string) => (await api.kubectl(`get ingress ${name} --no-headers`)).out.trim().split(/\s{2,}|\s+(?=\d+[smh]$)/);
  assert.deepEqual((await shown('test-ingress')).slice(0, 4), ['test-ingress', 'external-lb', '*', '80'], 'the address is pending');
  await api.call('PATCH', `${ingresses}/test-ingress/status`, { body: { status: { loadBalancer: { ingress: [{ ip: '203.0.113.123' }] } } }, type: 'application/merge-patch+json' });
  assert.deepEqual((await shown('test-ingress')).slice(0, 5), ['test-ingress', 'external-lb', '*', '203.0.113.123', '80']);
  assert.deepEqual((await shown('www')).slice(0, 4), ['www', '<none>', 'www.test.com', '80']);
});

test('ING-04, ING-51: kubectl describe shows hosts, paths and the addresses behind them', async () => {
  for (const [name, port, address] of [['service1', 4200, '10.8.0.90'], ['service2', 8080, '10.8.0.91']] as const) {
    await create('/api/v1/namespaces/default/services', { metadata: { name }, spec: { ports: [{ port }] } });
    await create('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', { metadata: { name, labels: { 'kubernetes.io/service-name': name } }, addressType: 'IPv4', endpoints: [{ addresses: [address], conditions: { ready: true } }], ports: [{ port }] });
  }
  const annotations = { 'nginx.ingress.kubernetes.io/rewrite-target': '/' };
  await create(ingresses, ingress('fanout', { ingressClassName: 'nginx-example', rules: [rule('foo.bar.com', ['/foo', 'service1', 4200], ['/bar', 'service2', 8080])] }, { annotations }));
  const { out } = await api.kubectl('describe ingress fanout');
  assert.match(out, /Ingress Class:\s+nginx-example/);
  assert.match(out, /foo\.bar\.com\s*\n\s*\/foo\s+service1:4200 \(10\.8\.0\.90:4200\)\n\s*\/bar\s+service2:8080 \(10\.8\.0\.91:8080\)/);
  assert.match(out, /Annotations:\s+nginx\.ingress\.kubernetes\.io\/rewrite-target: \//);
});

test('NP-19: kubectl describe tells selectors that must both match from two peers of which one is enough', async () => {
  const [byNamespace, byPod] = [{ namespaceSelector: { matchLabels: { user: 'alice' } } }, { podSelector: { matchLabels: { role: 'client' } } }];
  const described = async (name: string, from: object[]) => {
    await create(policies, { metadata: { name }, spec: { podSelector: {}, ingress: [{ from }] } });
    return (await api.kubectl(`describe networkpolicy ${name}`)).out;
  };
  assert.match(await described('both', [{ ...byNamespace, ...byPod }]), /From:\n\s+NamespaceSelector: user=alice\n\s+PodSelector: role=client\n/);
  assert.match(await described('either', [byNamespace, byPod]), /From:\n\s+NamespaceSelector: user=alice\n\s+From:\n\s+PodSelector: role=client\n/);
});

test('ING-59: a Secret of type kubernetes.io/tls has a certificate and a key', async () => {
  const secret = (data: object) => ({ metadata: { name: 'tls' }, type: 'kubernetes.io/tls', data });
  const [code, text] = await message('/api/v1/namespaces/default/secrets', secret({ 'tls.crt': 'AAAA' }));
  assert.deepEqual([code, text], [422, 'Secret "tls" is invalid: data[tls.key]: Required value']);
  assert.equal((await create('/api/v1/namespaces/default/secrets', secret({ 'tls.crt': 'AAAA', 'tls.key': 'AAAA' }))).code, 201);
});

test('ICL-06: who may write parameters in a namespace may still not write the class', async () => {
  const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
  await create(`${rbac}/roles`, { metadata: { name: 'parameters' }, rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['*'] }] });
  await create(`${rbac}/rolebindings`, { metadata: { name: 'team' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'parameters' }, subjects: [{ kind: 'User', name: 'jane', apiGroup: 'rbac.authorization.k8s.io' }] });
  const may = async (asked: string) => (await api.kubectl(`auth can-i ${asked} --as=jane`)).out.trim();
  assert.deepEqual([await may('update configmaps -n default'), await may('update configmaps -n kube-system'), await may('update ingressclasses')], ['yes', 'no', 'no']);
  const parameters = { apiGroup: '', kind: 'ConfigMap', name: 'lb', namespace: 'default', scope: 'Namespace' };
  assert.equal((await create(`${group}/ingressclasses`, { metadata: { name: 'team' }, spec: { controller: 'example.com/x', parameters } })).code, 201);
});
