// Custom resources and admission policies, by request and answer.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { encodeProtobuf } from '../../src/kube/wire/protobuf.ts';
import { type ApiUnderTest, type Reply, startApi } from './api-under-test.ts';

let api: ApiUnderTest;
before(async () => {
  api = await startApi();
  assert.equal((await create(definition('Thing'))).code, 201);
  await established('things.example.com');
});
after(() => api.close());

const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const text = { type: 'string' };

const schema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      required: ['color'],
      'x-kubernetes-validations': [
        { rule: "!has(self.sizes) || self.sizes.all(s, s > 0)", message: 'sizes are positive' },
        { rule: 'self.color == oldSelf.color', messageExpression: "'color stays ' + oldSelf.color", reason: 'FieldValueForbidden', fieldPath: '.color' },
      ],
      properties: {
        color: { ...text, enum: ['red', 'blue'] },
        count: { type: 'integer', default: 1 },
        size: { 'x-kubernetes-int-or-string': true },
        sizes: { type: 'array', maxItems: 10, items: { type: 'integer' } },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
    status: { type: 'object', properties: { count: { type: 'integer' }, selector: text } },
  },
};

const version = (name: string, more: object = {}) => ({ name, served: true, storage: false, schema: { openAPIV3Schema: schema }, subresources: { status: {}, scale: { specReplicasPath: '.spec.count', statusReplicasPath: '.status.count', labelSelectorPath: '.status.selector' } }, selectableFields: [{ jsonPath: '.spec.color' }], ...more });

function definition(kind: string, more: object = {}) {
  const plural = `${kind.toLowerCase()}s`;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.example.com` },
    spec: { group: 'example.com', scope: 'Namespaced', names: { plural, kind }, versions: [version('v1', { storage: true }), version('v1alpha1', { deprecated: true })], ...more },
  };
}

const create = (body: unknown, path = crds, query = ''): Promise<Reply> => api.call('POST', `${path}${query}`, { body });
const things = (name = '', of = 'v1') => `/apis/example.com/${of}/namespaces/default/things${name && `/${name}`}`;
const thing = (name: string, spec: object, more: object = {}) => ({ apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name }, spec, ...more });

async function established(name: string): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const { json } = await api.call('GET', `${crds}/${name}`);
    if (json.status.conditions?.some(({ type, status }: { type: string; status: string }) => type === 'Established' && status === 'True')) return;
  }
  assert.fail(`${name} is not established`);
}

test('a new definition has its names completed and its storage version noted', async () => {
  const { json } = await api.call('GET', `${crds}/things.example.com`);
  assert.deepEqual(json.spec.names, { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' });
  assert.deepEqual([json.spec.conversion, json.status.storedVersions], [{ strategy: 'None' }, ['v1']]);
});

const wrong: [what: string, change: (body: ReturnType<typeof definition>) => void, message: RegExp][] = [
  ['a name that is not plural.group', (body) => (body.metadata.name = 'x.example.com'), /metadata\.name: Invalid value: "x\.example\.com": must be spec\.names\.plural\+"\."\+spec\.group/],
  ['no schema', (body) => delete (body.spec.versions[0] as { schema?: object }).schema, /schema\.openAPIV3Schema: Required value: schemas are required/],
  ['two storage versions', (body) => body.spec.versions.forEach((one) => (one.storage = true)), /spec\.versions: Invalid value: .*must have exactly one version marked as storage version/],
  ['a property without a type', (body) => body.spec.versions.forEach((one) => (one.schema = { openAPIV3Schema: { type: 'object', properties: { x: {} } } as never })), /spec\.validation\.openAPIV3Schema\.properties\[x\]\.type: Required value: must not be empty for specified object fields/],
  ['a rule about a field that is not there', (body) => body.spec.versions.forEach((one) => (one.schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-validations': [{ rule: 'self.zz == 1' }] } as never })), /compilation failed: ERROR: <input>:1:5: undefined field 'zz'\n \| self\.zz == 1\n \| \.\.\.\.\^/],
  ['a group of the community without its approval', (body) => ((body.spec.group = 'x.k8s.io'), (body.metadata.name = 'others.x.k8s.io')), /metadata\.annotations\[api-approved\.kubernetes\.io\]: Required value: protected groups must have approval annotation/],
];
for (const [what, change, message] of wrong) {
  test(`a definition with ${what} is refused`, async () => {
    const body = structuredClone(definition('Other'));
    change(body);
    const { code, json } = await create(body);
    assert.deepEqual([code, json.reason], [422, 'Invalid']);
    assert.match(json.message, message);
  });
}

test('a definition whose names are taken is not established', async () => {
  const body = definition('Stranger');
  Object.assign(body.spec.names, { shortNames: ['thing'] });
  await create(body);
  let json: Reply['json'];
  do ({ json } = await api.call('GET', `${crds}/strangers.example.com`));
  while (!json.status.conditions?.length);
  assert.deepEqual(json.status.conditions.map(({ type, status, reason }: Record<string, string>) => [type, status, reason]), [['NamesAccepted', 'False', 'ShortNamesConflict'], ['Established', 'False', 'NotAccepted']]);
  assert.equal((await api.call('GET', '/apis/example.com/v1/namespaces/default/strangers')).code, 404);
  await api.call('DELETE', `${crds}/strangers.example.com`);
});

test('defaults are filled, unknown fields are warned of and dropped, free ones stay', async () => {
  const { code, json, headers } = await create(thing('a', { color: 'red', odd: 1, free: { any: [1] }, size: '10%' }), things());
  assert.equal(code, 201);
  assert.deepEqual(json.spec, { color: 'red', free: { any: [1] }, size: '10%', count: 1 });
  assert.equal(headers['warning'], '299 - "unknown field \\"spec.odd\\""');
  const strict = await create(thing('a2', { color: 'red', odd: 1 }), things(), '?fieldValidation=Strict');
  assert.match(strict.json.message, /Thing in version "v1" cannot be handled as a Thing: strict decoding error: unknown field "spec\.odd"/);
});

test('one object is served in every version; a deprecated one says so', async () => {
  const { json, headers } = await api.call('GET', things('a', 'v1alpha1'));
  assert.deepEqual([json.apiVersion, json.spec.color], ['example.com/v1alpha1', 'red']);
  assert.equal(headers['warning'], '299 - "example.com/v1alpha1 Thing is deprecated"');
  const list = await api.call('GET', things('', 'v1alpha1'));
  assert.deepEqual(list.json.items.map((item: { apiVersion: string; kind: string }) => [item.apiVersion, item.kind]), [['example.com/v1alpha1', 'Thing']]);
});

test('rules refuse, with reason and place as they say', async () => {
  const positive = await create(thing('b', { color: 'red', sizes: [1, 0] }), things());
  assert.deepEqual(positive.json.details.causes, [{ reason: 'FieldValueInvalid', message: 'Invalid value: "object": sizes are positive', field: 'spec' }]);
  const changed = await api.call('PATCH', things('a'), { body: { spec: { color: 'blue' } }, type: 'application/merge-patch+json' });
  assert.deepEqual(changed.json.details.causes, [{ reason: 'FieldValueForbidden', message: 'Forbidden: color stays red', field: 'spec.color' }]);
});

test('a put must say which version it replaces', async () => {
  const { code, json } = await api.call('PUT', things('a'), { body: thing('a', { color: 'red' }) });
  assert.equal(code, 422);
  assert.match(json.message, /metadata\.resourceVersion: Invalid value: .*: must be specified for an update/);
});

test('scale reads and writes where the definition says', async () => {
  await api.call('PATCH', `${things('a')}/status`, { body: { status: { count: 3, selector: 'app=a' } }, type: 'application/merge-patch+json' });
  const { json } = await api.call('GET', `${things('a')}/scale`);
  assert.deepEqual([json.kind, json.spec, json.status], ['Scale', { replicas: 1 }, { replicas: 3, selector: 'app=a' }]);
  const scaled = await api.call('PATCH', `${things('a')}/scale`, { body: { spec: { replicas: 5 } }, type: 'application/merge-patch+json' });
  assert.equal(scaled.code, 200, scaled.text);
  assert.equal((await api.call('GET', things('a'))).json.spec.count, 5);
});

test('fields that the definition names can be selected by', async () => {
  await create(thing('blue', { color: 'blue' }), things());
  const { json } = await api.call('GET', `${things()}?fieldSelector=spec.color%3Dblue`);
  assert.deepEqual(json.items.map((item: { metadata: { name: string } }) => item.metadata.name), ['blue']);
  assert.equal((await api.call('GET', `${things()}?fieldSelector=spec.count%3D1`)).code, 400);
});

test('a dry run stores nothing', async () => {
  assert.equal((await create(thing('dry', { color: 'red' }), things(), '?dryRun=All')).code, 201);
  assert.equal((await api.call('GET', things('dry'))).code, 404);
});

test('a definition may come as protobuf, with all that a schema can hold', async () => {
  const body = definition('Packed');
  for (const one of body.spec.versions) {
    one.schema = { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', additionalProperties: { type: 'array', items: { type: 'string', enum: ['a', 'b'], default: 'a' } } }, open: { type: 'object', additionalProperties: true } } } as never };
    delete (one as { selectableFields?: object }).selectableFields;
    delete (one as { subresources?: object }).subresources;
  }
  const bytes = encodeProtobuf(body)!;
  const { code, json, text: answer } = await api.call('POST', crds, { body: bytes, type: 'application/vnd.kubernetes.protobuf' });
  assert.equal(code, 201, answer);
  assert.deepEqual(json.spec.versions[0].schema, body.spec.versions[0]!.schema);
  await api.call('DELETE', `${crds}/packeds.example.com`);
});

// ---- admission policies

const policies = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies';
const bindings = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings';
const configMaps = '/api/v1/namespaces/default/configmaps';
const configMap = (name: string, data: object, labels: object = {}) => ({ metadata: { name, labels }, data });
const forConfigMaps = { resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE', 'DELETE'], resources: ['configmaps'] }], objectSelector: { matchLabels: { judged: 'yes' } } };

async function inForce(name: string, spec: object, binding: object = {}): Promise<void> {
  const policy = await create({ metadata: { name }, spec: { matchConstraints: forConfigMaps, ...spec } }, policies);
  assert.equal(policy.code, 201, policy.text);
  const bound = await create({ metadata: { name }, spec: { policyName: name, validationActions: ['Deny'], ...binding } }, bindings);
  assert.equal(bound.code, 201, bound.text);
}

async function repeal(name: string): Promise<void> {
  await api.call('DELETE', `${bindings}/${name}`);
  await api.call('DELETE', `${policies}/${name}`);
}

test('a policy denies what breaks it, with variables, conditions and a message of its own', async () => {
  await inForce('short', {
    variables: [{ name: 'words', expression: 'object.data.text.split(" ")' }, { name: 'unused', expression: 'object.nothing' }],
    matchConditions: [{ name: 'not-deleted', expression: 'request.operation != "DELETE"' }],
    validations: [{ expression: 'size(variables.words) <= 2', messageExpression: '"too many words: " + string(size(variables.words))', reason: 'Forbidden' }],
  });
  const { code, json } = await create(configMap('long', { text: 'a b c' }, { judged: 'yes' }), configMaps);
  assert.deepEqual([code, json.reason], [403, 'Forbidden']);
  assert.equal(json.message, `configmaps "long" is forbidden: ValidatingAdmissionPolicy 'short' with binding 'short' denied request: too many words: 3`);
  assert.equal((await create(configMap('long', { text: 'a b' }, { judged: 'yes' }), configMaps)).code, 201);
  assert.equal((await api.call('PATCH', `${configMaps}/long`, { body: { data: { text: 'a b c' } }, type: 'application/merge-patch+json' })).code, 403);
  assert.equal((await api.call('DELETE', `${configMaps}/long`)).code, 200);
  assert.equal((await create(configMap('unjudged', { text: 'a b c' }), configMaps)).code, 201);
  await repeal('short');
});

test('a binding may only warn; a policy that fails to run denies unless it says Ignore', async () => {
  await inForce('warns', { validations: [{ expression: 'has(object.data.owner)', message: 'say whose it is' }] }, { validationActions: ['Warn'] });
  const warned = await create(configMap('warned', {}, { judged: 'yes' }), configMaps);
  assert.deepEqual([warned.code, warned.headers['warning']], [201, `299 - "Validation failed for ValidatingAdmissionPolicy 'warns' with binding 'warns': say whose it is"`]);
  await repeal('warns');
  await inForce('fails', { validations: [{ expression: 'object.data.missing == "x"' }] });
  const failed = await create(configMap('failed', { a: 'b' }, { judged: 'yes' }), configMaps);
  assert.match(failed.json.message, /expression 'object\.data\.missing == "x"' resulted in error: no such key: missing/);
  await repeal('fails');
  await inForce('ignores', { failurePolicy: 'Ignore', validations: [{ expression: 'object.data.missing == "x"' }] });
  assert.equal((await create(configMap('failed', { a: 'b' }, { judged: 'yes' }), configMaps)).code, 201);
  await repeal('ignores');
});

test('a policy takes its parameters from an object, and denies when there is none', async () => {
  const paramKind = { apiVersion: 'v1', kind: 'ConfigMap' };
  const paramRef = { name: 'limits', namespace: 'kube-system', parameterNotFoundAction: 'Deny' };
  await inForce('limited', { paramKind, validations: [{ expression: 'size(object.data) <= int(params.data.most)' }] }, { paramRef });
  assert.match((await create(configMap('many', { a: '1', b: '2' }, { judged: 'yes' }), configMaps)).json.message, /no params found/);
  await create(configMap('limits', { most: '1' }), '/api/v1/namespaces/kube-system/configmaps');
  assert.match((await create(configMap('many', { a: '1', b: '2' }, { judged: 'yes' }), configMaps)).json.message, /failed expression: size\(object\.data\) <= int\(params\.data\.most\)/);
  assert.equal((await create(configMap('few', { a: '1' }, { judged: 'yes' }), configMaps)).code, 201);
  await repeal('limited');
});

test('a policy that cannot be compiled is refused', async () => {
  const { json } = await create({ metadata: { name: 'wrong' }, spec: { matchConstraints: forConfigMaps, validations: [{ expression: 'object.' }] } }, policies);
  assert.match(json.message, /spec\.validations\[0\]\.expression: Invalid value: "object\.": compilation failed: ERROR: <input>:1:8: Syntax error/);
});
