// Writes: create, update, patch, delete, and every way they are refused.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ApiUnderTest, type CallOptions, namespaceObject, startApi } from './api-under-test.ts';

let api: ApiUnderTest;
const path = '/api/v1/namespaces/default/configmaps';

before(async () => {
  api = await startApi();
});
after(() => api.close());

const configMap = (name: string, more: object = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...more }, data: { a: '1' } });
const create = (name: string, more?: object) => api.call('POST', path, { body: configMap(name, more) });
const merge = (name: string, body: object, query = '') => api.call('PATCH', `${path}/${name}${query}`, { body, type: 'application/merge-patch+json' });

test('P0-4: a created object is answered 201 with what the server adds', async () => {
  const reply = await create('new');
  assert.equal(reply.code, 201);
  const { uid, creationTimestamp, resourceVersion, namespace } = reply.json.metadata;
  assert.match(uid, /^[0-9a-f-]{36}$/);
  assert.match(creationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.equal(resourceVersion, String(api.store.snapshot().revision));
  assert.equal(namespace, 'default');
});

test('a body without kind and apiVersion gets them from the URL', async () => {
  const reply = await api.call('POST', path, { body: { metadata: { name: 'untyped' } }, type: null });
  assert.deepEqual([reply.code, reply.json.kind, reply.json.apiVersion], [201, 'ConfigMap', 'v1']);
});

test('a YAML body is read', async () => {
  const reply = await api.call('POST', path, { body: 'metadata:\n  name: yaml\ndata:\n  k: v\n', type: 'application/yaml' });
  assert.deepEqual(reply.json.data, { k: 'v' });
});

test('generateName makes a name of five more letters', async () => {
  const reply = await api.call('POST', path, { body: { metadata: { generateName: 'gen-' } } });
  assert.match(reply.json.metadata.name, /^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
});

interface Refused extends CallOptions {
  what: string;
  method: string;
  at?: string;
  code: number;
  reason: string;
  message: RegExp;
}

const refused: Refused[] = [
  { what: 'a taken name', method: 'POST', body: configMap('taken'), code: 409, reason: 'AlreadyExists', message: /^configmaps "taken" already exists$/ },
  { what: 'no name', method: 'POST', body: { metadata: {} }, code: 422, reason: 'Invalid', message: /metadata\.name: Required value: name or generateName is required/ },
  { what: 'a namespace that is not there', method: 'POST', at: '/api/v1/namespaces/nons/configmaps', body: { metadata: { name: 'x' } }, code: 404, reason: 'NotFound', message: /^namespaces "nons" not found$/ },
  { what: 'another namespace than the URL', method: 'POST', body: configMap('x', { namespace: 'other' }), code: 400, reason: 'BadRequest', message: /the namespace of the provided object does not match the namespace sent on the request/ },
  { what: 'another name than the URL', method: 'PUT', at: `${path}/taken`, body: configMap('x'), code: 400, reason: 'BadRequest', message: /the name of the object \(x\) does not match the name on the URL \(taken\)/ },
  { what: 'another kind', method: 'POST', body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } }, code: 400, reason: 'BadRequest', message: /Pod in version "v1" cannot be handled as a ConfigMap/ },
  { what: 'broken JSON', method: 'POST', body: '{"apiVersion":"v1",', code: 400, reason: 'BadRequest', message: /the object provided is unrecognized \(must be of type ConfigMap\): couldn't get version\/kind; json parse error/ },
  { what: 'an unknown content type', method: 'POST', body: 'x', type: 'text/plain', code: 415, reason: 'UnsupportedMediaType', message: /accepted media types include: application\/json, application\/yaml, application\/vnd\.kubernetes\.protobuf/ },
  { what: 'protobuf that is none', method: 'POST', body: 'xxxxxxxx', type: 'application/vnd.kubernetes.protobuf', code: 400, reason: 'BadRequest', message: /expected prefix \[107 56 115 0\]/ },
  { what: 'more than 3 MiB', method: 'POST', body: configMap('big', { annotations: { a: 'x'.repeat(3 * 1024 * 1024) } }), code: 413, reason: 'RequestEntityTooLarge', message: /limit is 3145728/ },
  { what: 'an unknown dryRun', method: 'POST', at: `${path}?dryRun=foo`, body: configMap('x'), code: 422, reason: 'Invalid', message: /dryRun: Unsupported value: \[\]string\{"foo"\}: supported values: "All"/ },
  { what: 'a PUT of what is not there', method: 'PUT', at: `${path}/nope`, body: configMap('nope'), code: 404, reason: 'NotFound', message: /configmaps "nope" not found/ },
  { what: 'a PATCH of what is not there', method: 'PATCH', at: `${path}/nope`, body: {}, type: 'application/merge-patch+json', code: 404, reason: 'NotFound', message: /configmaps "nope" not found/ },
  { what: 'a patch in an unknown language', method: 'PATCH', at: `${path}/taken`, body: {}, type: 'application/json', code: 415, reason: 'UnsupportedMediaType', message: /application\/json-patch\+json, application\/merge-patch\+json, application\/strategic-merge-patch\+json, application\/apply-patch\+yaml/ },
  { what: 'force without apply', method: 'PATCH', at: `${path}/taken?force=true`, body: {}, type: 'application/merge-patch+json', code: 422, reason: 'Invalid', message: /force: Forbidden: may not be specified for non-apply patch/ },
  { what: 'apply without fieldManager', method: 'PATCH', at: `${path}/taken`, body: configMap('taken'), type: 'application/apply-patch+yaml', code: 422, reason: 'Invalid', message: /fieldManager: Required value: is required for apply patch/ },
  { what: 'a JSON patch that cannot be done', method: 'PATCH', at: `${path}/taken`, body: [{ op: 'remove', path: '/data/zz' }], type: 'application/json-patch+json', code: 422, reason: 'Invalid', message: /the server rejected our request due to an error in our request/ },
  { what: 'a renaming patch', method: 'PATCH', at: `${path}/taken`, body: { metadata: { name: 'x' } }, type: 'application/merge-patch+json', code: 400, reason: 'BadRequest', message: /does not match the name on the URL/ },
  { what: 'POST on an object', method: 'POST', at: `${path}/taken`, body: {}, code: 405, reason: 'MethodNotAllowed', message: /the server does not allow this method on the requested resource/ },
  { what: 'an unknown resource', method: 'GET', at: '/api/v1/namespaces/default/widgets', code: 404, reason: 'NotFound', message: /the server could not find the requested resource/ },
  { what: 'a DELETE with an unknown policy', method: 'DELETE', at: `${path}/taken`, body: { propagationPolicy: 'Foo' }, code: 422, reason: 'Invalid', message: /propagationPolicy: Unsupported value: "Foo": supported values: "Foreground", "Background", "Orphan", "nil"/ },
  { what: 'a DELETE of another uid', method: 'DELETE', at: `${path}/taken`, body: { preconditions: { uid: 'xxx' } }, code: 409, reason: 'Conflict', message: /^Operation cannot be fulfilled on ConfigMap "taken": the UID in the precondition \(xxx\) does not match/ },
  { what: 'a DELETE of the default namespace', method: 'DELETE', at: '/api/v1/namespaces/default', code: 403, reason: 'Forbidden', message: /^namespaces "default" is forbidden: this namespace may not be deleted$/ },
];

for (const { what, method, at, code, reason, message, ...options } of refused) {
  test(`refused: ${what}`, async () => {
    await create('taken');
    const reply = await api.call(method, at ?? path, options);
    assert.equal(reply.code, code, reply.text);
    assert.deepEqual([reply.json.kind, reply.json.status, reply.json.code], ['Status', 'Failure', code]);
    assert.equal(reply.json.reason, reason);
    assert.match(reply.json.message, message);
  });
}

test('new content in a terminating namespace is refused with its cause', async () => {
  await api.store.write({ verb: 'create', object: namespaceObject('ending') });
  const deleted = await api.call('DELETE', '/api/v1/namespaces/ending');
  assert.equal(deleted.json.status.phase, 'Terminating');
  const reply = await api.call('POST', '/api/v1/namespaces/ending/configmaps', { body: configMap('x') });
  assert.equal(reply.code, 403);
  assert.equal(reply.json.details.causes[0].reason, 'NamespaceTerminating');
  const finalized = await api.call('PUT', '/api/v1/namespaces/ending/finalize', { body: { ...deleted.json, spec: { finalizers: [] } } });
  assert.equal(finalized.code, 200);
  assert.equal((await api.call('GET', '/api/v1/namespaces/ending')).code, 404);
});

test('P1-3: an update of an old version is a conflict, one without a version is not', async () => {
  const { json } = await create('versioned');
  const changed = await api.call('PUT', `${path}/versioned`, { body: { ...json, data: { a: '2' } } });
  assert.equal(changed.code, 200);
  const stale = await api.call('PUT', `${path}/versioned`, { body: { ...json, data: { a: '3' } } });
  assert.equal(stale.code, 409);
  assert.match(stale.json.message, /^Operation cannot be fulfilled on configmaps "versioned": the object has been modified;/);
  const unconditional = await api.call('PUT', `${path}/versioned`, { body: configMap('versioned') });
  assert.deepEqual([unconditional.code, unconditional.json.data], [200, { a: '1' }]);
});

test('a write that changes nothing keeps the version', async () => {
  const { json } = await create('same');
  const patched = await merge('same', { data: { a: '1' } });
  assert.equal(patched.json.metadata.resourceVersion, json.metadata.resourceVersion);
});

test('P0-6: merge, JSON and strategic patches', async () => {
  await create('patched');
  assert.deepEqual((await merge('patched', { data: { a: null, b: '2' } })).json.data, { b: '2' });
  const operations = [{ op: 'test', path: '/data/b', value: '2' }, { op: 'add', path: '/data/c', value: '3' }];
  const json = await api.call('PATCH', `${path}/patched`, { body: operations, type: 'application/json-patch+json' });
  assert.deepEqual(json.json.data, { b: '2', c: '3' });
  const strategic = await api.call('PATCH', `${path}/patched`, { body: { data: { $patch: 'replace', d: '4' } }, type: 'application/strategic-merge-patch+json' });
  assert.deepEqual(strategic.json.data, { d: '4' });
});

test('a patch that names a version is meant for it', async () => {
  const { json } = await create('pinned');
  await merge('pinned', { data: { a: '2' } });
  const stale = await merge('pinned', { metadata: { resourceVersion: json.metadata.resourceVersion }, data: { a: '3' } });
  assert.equal(stale.code, 409);
});

test('patches of many clients at once all arrive', async () => {
  await create('busy');
  const keys = Array.from({ length: 6 }, (_, i) => `k${i}`);
  const replies = await Promise.all(keys.map((key) => merge('busy', { data: { [key]: 'x' } })));
  assert.ok(replies.every(({ code }) => code === 200));
  const { json } = await api.call('GET', `${path}/busy`);
  assert.deepEqual(Object.keys(json.data).toSorted(), ['a', ...keys]);
});

test('the generation of an EndpointSlice counts its labels too, but no annotations', async () => {
  const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
  const generation = async (method: string, at: string, body: object) => (await api.call(method, at, { body, ...(method === 'PATCH' && { type: 'application/merge-patch+json' }) })).json.metadata.generation;
  assert.equal(await generation('POST', slices, { metadata: { name: 'a' }, addressType: 'IPv4', endpoints: [] }), 1);
  const patch = (body: object) => generation('PATCH', `${slices}/a`, body);
  const seen = [{ metadata: { labels: { x: '1' } } }, { metadata: { labels: { x: '1' } } }, { metadata: { annotations: { x: '1' } } }, { endpoints: [{ addresses: ['10.0.0.1'] }] }, { metadata: { labels: { x: null } } }];
  const found: number[] = [];
  for (const body of seen) found.push(await patch(body));
  assert.deepEqual(found, [2, 2, 2, 3, 4]);
});

test('P0-6: a dry run answers what would be and stores nothing', async () => {
  const revision = api.store.snapshot().revision;
  const reply = await api.call('POST', `${path}?dryRun=All`, { body: configMap('dry') });
  assert.equal(reply.code, 201);
  assert.equal(reply.json.metadata.resourceVersion, undefined);
  assert.equal(api.store.snapshot().revision, revision);
});

test('P0-9: DELETE answers a Status with what was deleted', async () => {
  const { json } = await create('gone');
  const reply = await api.call('DELETE', `${path}/gone`);
  assert.deepEqual(reply.json, {
    kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success',
    details: { name: 'gone', kind: 'configmaps', uid: json.metadata.uid },
  });
});

test('P0-9: a finalizer keeps the object until it is taken away', async () => {
  await create('held', { finalizers: ['a.b/c'] });
  const marked = await api.call('DELETE', `${path}/held`);
  assert.equal(marked.json.kind, 'ConfigMap');
  assert.ok(marked.json.metadata.deletionTimestamp);
  const added = await merge('held', { metadata: { finalizers: ['a.b/c', 'd.e/f'] } });
  assert.match(added.json.message, /no new finalizers can be added if the object is being deleted, found new finalizers \[\]string\{"d\.e\/f"\}/);
  assert.equal((await merge('held', { metadata: { finalizers: null } })).code, 200);
  assert.equal((await api.call('GET', `${path}/held`)).code, 404);
});

test('P0-9: Foreground adds its finalizer, from the query as well', async () => {
  await create('front');
  const reply = await api.call('DELETE', `${path}/front?propagationPolicy=Foreground`);
  assert.deepEqual(reply.json.metadata.finalizers, ['foregroundDeletion']);
});

test('P0-9: deletecollection removes what the selector selects and lists it', async () => {
  for (const [name, group] of [['x1', 'x'], ['x2', 'x'], ['y1', 'y']]) await create(name!, { labels: { group } });
  const reply = await api.call('DELETE', `${path}?labelSelector=group%3Dx`);
  assert.equal(reply.json.kind, 'ConfigMapList');
  assert.deepEqual(reply.json.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name), ['x1', 'x2']);
  assert.equal((await api.call('GET', `${path}/y1`)).code, 200);
});

test('a pod without a service account of its namespace is refused', async () => {
  const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  const reply = await api.call('POST', '/api/v1/namespaces/kube-system/pods', { body: pod });
  assert.equal(reply.json.message, 'pods "p" is forbidden: error looking up service account kube-system/default: serviceaccount "default" not found');
});

test('P0-11: a pod gets its service account and its tolerations', async () => {
  const pod = { metadata: { name: 'admitted' }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  const { json } = await api.call('POST', '/api/v1/namespaces/default/pods', { body: pod });
  assert.equal(json.spec.serviceAccountName, 'default');
  assert.deepEqual(json.spec.tolerations.map(({ key }: { key: string }) => key), ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']);
});

test('P0-11: an Ingress without a class gets the newest default one', async () => {
  const ingressClass = (name: string) => ({ metadata: { name, annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } }, spec: { controller: 'a.b/c' } });
  await api.call('POST', '/apis/networking.k8s.io/v1/ingressclasses', { body: ingressClass('main') });
  const body = { metadata: { name: 'i' }, spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } } };
  const { json } = await api.call('POST', '/apis/networking.k8s.io/v1/namespaces/default/ingresses', { body });
  assert.equal(json.spec.ingressClassName, 'main');
});

test('P0-10: a pod is bound once', async () => {
  await api.call('POST', '/api/v1/namespaces/default/pods', { body: { metadata: { name: 'unbound' }, spec: { containers: [{ name: 'c', image: 'i' }] } } });
  const bind = () => api.call('POST', '/api/v1/namespaces/default/pods/unbound/binding', { body: { target: { kind: 'Node', name: 'n1' } } });
  const bound = await bind();
  assert.deepEqual([bound.code, bound.json.status], [201, 'Success']);
  const pod = (await api.call('GET', '/api/v1/namespaces/default/pods/unbound')).json;
  assert.equal(pod.spec.nodeName, 'n1');
  assert.equal(pod.status.conditions[0].type, 'PodScheduled');
  const again = await bind();
  assert.equal(again.json.message, 'Operation cannot be fulfilled on pods/binding "unbound": pod unbound is already assigned to node "n1"');
});

test('P0-10: an eviction deletes the pod', async () => {
  await api.call('POST', '/api/v1/namespaces/default/pods', { body: { metadata: { name: 'evicted' }, spec: { containers: [{ name: 'c', image: 'i' }] } } });
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'evicted' }, deleteOptions: { gracePeriodSeconds: 0 } };
  assert.equal((await api.call('POST', '/api/v1/namespaces/default/pods/evicted/eviction', { body })).code, 201);
  assert.equal((await api.call('GET', '/api/v1/namespaces/default/pods/evicted')).code, 404);
});

test('P1-3: an event is seen through both of its groups', async () => {
  const event = {
    metadata: { name: 'ev' }, eventTime: '2026-01-01T00:00:00.000000Z', reportingController: 'x/y', reportingInstance: 'z', action: 'Do',
    reason: 'Done', type: 'Normal', note: 'a word', regarding: { kind: 'Pod', namespace: 'default', name: 'p' },
  };
  const made = await api.call('POST', '/apis/events.k8s.io/v1/namespaces/default/events', { body: event });
  assert.deepEqual([made.code, made.json.apiVersion, made.json.note], [201, 'events.k8s.io/v1', 'a word']);
  const { json } = await api.call('GET', '/api/v1/namespaces/default/events/ev');
  assert.deepEqual([json.apiVersion, json.message, json.involvedObject.name, json.reportingComponent], ['v1', 'a word', 'p', 'x/y']);
  const patched = await api.call('PATCH', '/apis/events.k8s.io/v1/namespaces/default/events/ev', { body: { note: 'two words' }, type: 'application/strategic-merge-patch+json' });
  assert.equal(patched.json.note, 'two words');
});

test('eviction asks the disruption budget: 429 with its words when nothing may go, else one less', async () => {
  const pods = '/api/v1/namespaces/default/pods';
  const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';
  for (const name of ['guarded-1', 'guarded-2']) {
    const body = { metadata: { name, labels: { app: 'guarded' } }, spec: { containers: [{ name: 'a', image: 'a' }] } };
    const { json } = await api.call('POST', pods, { body });
    await api.call('PUT', `${pods}/${name}/status`, { body: { ...json, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } } });
  }
  const evict = (name: string) => api.call('POST', `${pods}/${name}/eviction`, { body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } } });
  const budget = (await api.call('POST', budgets, { body: { metadata: { name: 'guard' }, spec: { minAvailable: 1, selector: { matchLabels: { app: 'guarded' } } } } })).json;
  assert.match((await evict('guarded-1')).json.details.causes[0].message, /The disruption budget guard is still being processed by the server/);
  const status = { disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2, observedGeneration: 1 };
  await api.call('PUT', `${budgets}/guard/status`, { body: { ...budget, status } });
  assert.equal((await evict('guarded-1')).code, 201);
  const refused = await evict('guarded-2');
  assert.equal(refused.code, 429);
  assert.equal(refused.json.message, "Cannot evict pod as it would violate the pod's disruption budget.");
  assert.deepEqual(refused.json.details.causes, [{ reason: 'DisruptionBudget', message: 'The disruption budget guard needs 1 healthy pods and has 2 currently' }]);
  const { json } = await api.call('GET', `${budgets}/guard`);
  assert.deepEqual([json.status.disruptionsAllowed, Object.keys(json.status.disruptedPods)], [0, ['guarded-1']]);
});

test('a pod gets the value of the PriorityClass it names, and is refused when there is none', async () => {
  const pod = (name: string, priorityClassName: string) => ({ metadata: { name }, spec: { priorityClassName, containers: [{ name: 'a', image: 'a' }] } });
  await api.call('POST', '/apis/scheduling.k8s.io/v1/priorityclasses', { body: { metadata: { name: 'urgent' }, value: 1000, preemptionPolicy: 'Never' } });
  const { json } = await api.call('POST', '/api/v1/namespaces/default/pods', { body: pod('urgent', 'urgent') });
  assert.deepEqual([json.spec.priority, json.spec.preemptionPolicy], [1000, 'Never']);
  const refused = await api.call('POST', '/api/v1/namespaces/default/pods', { body: pod('lost', 'missing') });
  assert.deepEqual([refused.code, refused.json.message], [403, 'pods "lost" is forbidden: no PriorityClass with name missing was found']);
});
