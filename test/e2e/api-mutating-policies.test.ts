// MutatingAdmissionPolicies, by request and answer.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { encodeProtobuf } from '../../src/kube/wire/protobuf.ts';
import { type ApiUnderTest, type Reply, startApi } from './api-under-test.ts';

let api: ApiUnderTest;
before(async () => {
  api = await startApi();
});
after(() => api.close());

const group = '/apis/admissionregistration.k8s.io';
const pods = '/api/v1/namespaces/default/pods';
const maps = '/api/v1/namespaces/default/configmaps';
const create = (path: string, body: unknown, query = ''): Promise<Reply> => api.call('POST', `${path}${query}`, { body });
const forNew = (...resources: string[]) => ({ resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources }] });
const applying = (expression: string) => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } });
const patching = (expression: string) => ({ patchType: 'JSONPatch', jsonPatch: { expression } });

const policyOf = (name: string, spec: object) => ({ metadata: { name }, spec: { reinvocationPolicy: 'Never', matchConstraints: forNew('configmaps'), ...spec } });

async function inForce(name: string, spec: object, binding: object = {}): Promise<void> {
  const policy = await create(`${group}/v1beta1/mutatingadmissionpolicies`, policyOf(name, spec));
  assert.equal(policy.code, 201, policy.text);
  const bound = await create(`${group}/v1beta1/mutatingadmissionpolicybindings`, { metadata: { name }, spec: { policyName: name, ...binding } });
  assert.equal(bound.code, 201, bound.text);
}

async function repeal(...names: string[]): Promise<void> {
  for (const name of names) {
    await api.call('DELETE', `${group}/v1beta1/mutatingadmissionpolicybindings/${name}`);
    await api.call('DELETE', `${group}/v1beta1/mutatingadmissionpolicies/${name}`);
  }
}

test('an apply configuration adds a container to every pod, and merges by the lists’ keys', async () => {
  await inForce('sidecar', {
    matchConstraints: forNew('pods'),
    matchConditions: [{ name: 'once', expression: "!object.spec.containers.exists(c, c.name == 'mesh')" }],
    mutations: [applying(`Object{spec: Object.spec{containers: [Object.spec.containers{name: "mesh", image: "mesh:1", args: ["--of", object.metadata.name]}]}}`)],
  });
  const { code, json, text } = await create(pods, { metadata: { name: 'a' }, spec: { containers: [{ name: 'main', image: 'x', ports: [{ containerPort: 80 }] }] } }, '?fieldManager=me');
  assert.equal(code, 201, text);
  assert.deepEqual(json.spec.containers.map(({ name, image }: { name: string; image: string }) => [name, image]).toSorted(), [['main', 'x'], ['mesh', 'mesh:1']]);
  assert.deepEqual(json.spec.containers.find(({ name }: { name: string }) => name === 'mesh').args, ['--of', 'a']);
  assert.deepEqual(json.metadata.managedFields.map(({ manager }: { manager: string }) => manager), ['me'], 'who wrote owns what was added for them');
  await repeal('sidecar');
});

test('a JSON patch changes what is there; keys are escaped by jsonpatch.escapeKey', async () => {
  await inForce('marked', {
    variables: [{ name: 'who', expression: 'request.userInfo.username' }],
    mutations: [
      patching(`[JSONPatch{op: "test", path: "/data/a", value: "1"}, JSONPatch{op: "replace", path: "/data/a", value: "2"}]`),
      patching(`has(object.metadata.labels) ? [JSONPatch{op: "add", path: "/metadata/labels/" + jsonpatch.escapeKey("example.com/by"), value: variables.who}] : [JSONPatch{op: "add", path: "/metadata/labels", value: {"example.com/by": variables.who}}]`),
    ],
  });
  const { json } = await create(maps, { metadata: { name: 'a', labels: { x: 'y' } }, data: { a: '1' } });
  assert.deepEqual([json.data, json.metadata.labels], [{ a: '2' }, { x: 'y', 'example.com/by': 'admin' }]);
  const { json: other } = await create(maps, { metadata: { name: 'b' }, data: { a: '1' } });
  assert.deepEqual(other.metadata.labels, { 'example.com/by': 'admin' });
  const failed = await create(maps, { metadata: { name: 'c' }, data: { a: '3' } });
  assert.equal(failed.code, 422);
  assert.match(failed.json.message, /^configmaps "c" is forbidden: policy 'marked' with binding 'marked' denied request: /);
  await repeal('marked');
});

test('updates and patches are changed as well, and an apply keeps its owners', async () => {
  await inForce('stamp', { mutations: [applying('Object{data: {"stamp": "yes"}}')] });
  const apply = () => api.call('PATCH', `${maps}/applied?fieldManager=me`, { body: { apiVersion: 'v1', kind: 'ConfigMap', data: { a: '1' } }, type: 'application/apply-patch+yaml' });
  const { code, json } = await apply();
  assert.deepEqual([code, json.data], [201, { a: '1', stamp: 'yes' }]);
  const owned = json.metadata.managedFields.map(({ operation, fieldsV1 }: { operation: string; fieldsV1: object }) => [operation, Object.keys((fieldsV1 as { 'f:data': object })['f:data'])]);
  assert.deepEqual(owned, [['Apply', ['f:a']], ['Update', ['f:stamp']]]);
  const version = json.metadata.resourceVersion;
  assert.equal((await apply()).json.metadata.resourceVersion, version, 'what is as it should be is not written again');
  const patched = await api.call('PATCH', `${maps}/applied`, { body: { data: { stamp: null } }, type: 'application/merge-patch+json' });
  assert.deepEqual(patched.json.data, { a: '1', stamp: 'yes' });
  await repeal('stamp');
});

test('a policy that asks to be called again sees what later ones have changed', async () => {
  const count = applying(`Object{data: {"seen": string(size(object.data))}}`);
  await inForce('a-counts', { reinvocationPolicy: 'IfNeeded', mutations: [count] });
  await inForce('b-adds', { mutations: [applying('Object{data: {"more": "x"}}')] });
  const { json } = await create(maps, { metadata: { name: 'counted' }, data: { one: '1' } });
  assert.deepEqual(json.data, { one: '1', seen: '3', more: 'x' });
  await repeal('a-counts', 'b-adds');
});

test('a policy that fails denies, unless it says Ignore; policies that judge see what was changed', async () => {
  const broken = applying('Object{data: {"x": object.data.missing}}');
  await inForce('broken', { mutations: [broken] });
  const { code, json } = await create(maps, { metadata: { name: 'broken' }, data: {} });
  assert.equal(code, 422);
  assert.match(json.message, /policy 'broken' with binding 'broken' denied request: no such key: missing/);
  await repeal('broken');
  await inForce('broken', { failurePolicy: 'Ignore', mutations: [broken] });
  assert.equal((await create(maps, { metadata: { name: 'broken' }, data: {} })).code, 201);
  await repeal('broken');
  await inForce('stamps', { mutations: [applying('Object{data: {"stamp": "yes"}}')] });
  await create(`${group}/v1/validatingadmissionpolicies`, { metadata: { name: 'stamped' }, spec: { matchConstraints: forNew('configmaps'), validations: [{ expression: "object.data.stamp == 'yes'" }] } });
  await create(`${group}/v1/validatingadmissionpolicybindings`, { metadata: { name: 'stamped' }, spec: { policyName: 'stamped', validationActions: ['Deny'] } });
  assert.equal((await create(maps, { metadata: { name: 'judged' }, data: {} })).code, 201);
  await repeal('stamps');
  assert.equal((await create(maps, { metadata: { name: 'judged-2' }, data: { stamp: 'no' } })).code, 422);
  await api.call('DELETE', `${group}/v1/validatingadmissionpolicybindings/stamped`);
});

test('what an object is called is not for policies to say', async () => {
  await inForce('renames', { mutations: [applying('Object{metadata: Object.metadata{name: "other", namespace: "kube-system", labels: {"a": "b"}}}')] });
  const { json } = await create(maps, { metadata: { name: 'kept' } });
  assert.deepEqual([json.metadata.name, json.metadata.namespace, json.metadata.labels], ['kept', 'default', { a: 'b' }]);
  await repeal('renames');
});

const wrong: readonly (readonly [what: string, spec: object, message: RegExp])[] = [
  ['no mutations', { mutations: [] }, /spec\.mutations: Required value: mutations must contain at least one item/],
  ['an unknown patch type', { mutations: [{ patchType: 'Merge' }] }, /spec\.mutations\[0\]\.patchType: Unsupported value: "Merge": supported values: "ApplyConfiguration", "JSONPatch"/],
  ['a patch type without its patch', { mutations: [{ patchType: 'JSONPatch', applyConfiguration: { expression: 'Object{}' } }] }, /spec\.mutations\[0\]\.jsonPatch: Required value: must be specified when patchType is JSONPatch/],
  ['an expression that cannot be compiled', { mutations: [applying('Object{spec:')] }, /spec\.mutations\[0\]\.applyConfiguration\.expression: Invalid value: "Object\{spec:": compilation failed: ERROR: <input>/],
  ['an unknown field of a patch', { mutations: [patching('[JSONPatch{oops: "add"}]')] }, /undefined field 'oops'/],
  ['no reinvocationPolicy', { reinvocationPolicy: undefined, mutations: [applying('Object{}')] }, /spec\.reinvocationPolicy: Required value/],
];
for (const [what, spec, message] of wrong) {
  test(`a policy with ${what} is refused`, async () => {
    const { code, json } = await create(`${group}/v1beta1/mutatingadmissionpolicies`, policyOf('wrong', spec));
    assert.equal(code, 422);
    assert.match(json.message, message);
  });
}

test('policies are served as v1beta1 and as v1alpha1, which are one set of objects; discovery names both', async () => {
  const policy = policyOf('twice', { mutations: [applying('Object{}')] });
  const made = await api.call('POST', `${group}/v1alpha1/mutatingadmissionpolicies`, { body: encodeProtobuf({ apiVersion: 'admissionregistration.k8s.io/v1alpha1', kind: 'MutatingAdmissionPolicy', ...policy })!, type: 'application/vnd.kubernetes.protobuf' });
  assert.equal(made.code, 201, made.text);
  assert.deepEqual([made.json.apiVersion, made.json.spec.mutations], ['admissionregistration.k8s.io/v1alpha1', [applying('Object{}')]]);
  const { json } = await api.call('GET', `${group}/v1beta1/mutatingadmissionpolicies/twice`);
  assert.deepEqual([json.apiVersion, json.metadata.uid], ['admissionregistration.k8s.io/v1beta1', made.json.metadata.uid]);
  const { json: versions } = await api.call('GET', group);
  assert.deepEqual(versions.versions.map(({ version }: { version: string }) => version), ['v1', 'v1beta1', 'v1alpha1']);
  const { json: resources } = await api.call('GET', `${group}/v1alpha1`);
  assert.deepEqual(resources.resources.map(({ name }: { name: string }) => name), ['mutatingadmissionpolicies', 'mutatingadmissionpolicybindings']);
  await repeal('twice');
});
