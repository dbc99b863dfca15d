// Whatever a client sends to a running API server, it answers: with what was asked for, or with a refusal that is the
// client's fault. No request is an internal error, and what was let in can be listed and printed. FUZZ_RUNS and SEED.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as fc from 'fast-check';
import { kinds } from '../../src/kube/kinds/kinds.ts';
import { anyObject, collectionPath } from './any-object.ts';
import { type ApiUnderTest, type CallOptions, startApi } from './api-under-test.ts';
import { createMeter, fuzzRuns, fuzzSeed as seed } from '../habits/fuzz-run.ts';

let api: ApiUnderTest;
before(async () => {
  api = await startApi();
});
after(() => api.close());

async function ask(method: string, path: string, asked: CallOptions = {}): Promise<number> {
  const { code, text } = await api.call(method, path, asked);
  assert.ok(code < 500, `${method} ${path} ${asked.type ?? ''} ${JSON.stringify(asked.body)?.slice(0, 4000)}: ${code} ${text}`);
  return code;
}

const patches = ['application/merge-patch+json', 'application/strategic-merge-patch+json', 'application/json-patch+json', 'application/apply-patch+yaml'] as const;
const writes = fc.constantFrom('POST', 'POST', 'PUT', ...patches);
const parts = fc.constantFrom('', '', '', '/status', '/scale');
const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

const anyWrite = fc.record({ object: anyObject, how: writes, part: parts, manager: fc.constantFrom('one', 'two', 'three'), coin: fc.boolean() })
  .map(({ object: { kind, body }, ...rest }) => ({ path: collectionPath(kind), body, ...rest }));

/** As operations, one for each field. */
const operationsOf = (body: object) => Object.entries(body).map(([key, value]) => ({ op: 'add', path: `/${key}`, value }));

const runs = fuzzRuns(600, 0.2);

test(`${runs} writes of any object in any form are carried out or refused, and can be read (seed ${seed})`, async () => {
  const meter = createMeter();
  let accepted = 0;
  const property = fc.asyncProperty(anyWrite, async ({ path, body, how, part, manager, coin }) => {
    const isPatch = how !== 'POST' && how !== 'PUT';
    const query = how.includes('apply') ? `?force=${coin}&fieldManager=${manager}` : '';
    const sent = isPatch ? { body: how.includes('json-patch') ? operationsOf(body) : body, type: how } : coin ? { body: JSON.stringify(body, undefined, 1), type: 'application/yaml' } : { body };
    meter.start();
    const code = await ask(isPatch ? 'PATCH' : how, how === 'POST' ? path : `${path}/a${part}${query}`, sent);
    meter.stop({ how, path, part, body });
    if (code < 400) accepted += 1;
    await ask('GET', path, { accept: table });
    await ask('GET', path);
    // Now and then what stands is in the way of what comes.
    if (coin && body['kind'] !== 'Namespace') await ask('DELETE', `${path}/a`);
  });
  await fc.assert(property, { numRuns: runs, seed, endOnFailure: true });
  meter.check();
  assert.ok(accepted > runs / 50, `only ${accepted} were accepted: the rest proves little`);
});

const things = '/apis/example.com/v1/namespaces/default/things';
const ofThings = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { a: { type: 'string', default: 'x' }, l: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'], items: { type: 'object', required: ['k'], properties: { k: { type: 'string' } } } } }, 'x-kubernetes-validations': [{ rule: "!has(self.l) || self.l.all(x, x.k != '')" }] };
const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'things.example.com' },
  spec: { group: 'example.com', scope: 'Namespaced', names: { plural: 'things', kind: 'Thing' }, versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties: { spec: ofThings, status: ofThings } } }, subresources: { status: {} }, additionalPrinterColumns: [{ name: 'A', type: 'string', jsonPath: '.spec.l[?(@.k=="a")].z' }, { name: 'B', type: 'date', jsonPath: '.spec.a' }] }] },
};
const thingPart = fc.oneof({ weight: 2, arbitrary: fc.record({ a: fc.jsonValue({ maxDepth: 1 }), l: fc.array(fc.record({ k: fc.constantFrom<unknown>('a', 'b', '', null, 1), z: fc.jsonValue({ maxDepth: 1 }) }, { requiredKeys: [] }), { maxLength: 3 }) }, { requiredKeys: [] }) as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<unknown> });

test(`${runs} writes of any custom object are carried out or refused, and can be read (seed ${seed})`, async () => {
  assert.equal(await ask('PUT', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.example.com', { body: definition }), 404);
  assert.equal(await ask('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: definition }), 201);
  for (let tries = 0; (await ask('GET', things)) !== 200; tries += 1) assert.ok(tries < 100, 'things are not served');
  const meter = createMeter();
  let accepted = 0;
  const property = fc.asyncProperty(anyWrite, thingPart, thingPart, async ({ body: { metadata }, how, part, manager, coin }, spec, status) => {
    const isPatch = how !== 'POST' && how !== 'PUT';
    const body = { apiVersion: 'example.com/v1', kind: 'Thing', metadata, spec, status };
    const query = how.includes('apply') ? `?force=${coin}&fieldManager=${manager}` : '';
    meter.start();
    const code = await ask(isPatch ? 'PATCH' : how, how === 'POST' ? things : `${things}/a${part}${query}`, { body: how.includes('json-patch') ? operationsOf(body) : body, ...(isPatch && { type: how }) });
    meter.stop({ how, part, body });
    if (code < 400) accepted += 1;
    await ask('GET', things, { accept: table });
    if (coin) await ask('DELETE', `${things}/a`);
  });
  await fc.assert(property, { numRuns: runs, seed, endOnFailure: true });
  meter.check();
  assert.ok(accepted > runs / 50, `only ${accepted} were accepted: the rest proves little`);
});

const bodies = ['null', '[null]', '[[]]', '1', '"a"', '', '[]', '{}', '{"metadata":null}', '{"metadata":[]}', '{"metadata":"x"}', '{"metadata":{"labels":null}}', '{"metadata":{"resourceVersion":1}}', '{"spec":null}', '{"spec":[]}', '{"items":[]}', '{"apiVersion":{},"kind":[]}', '[{"op":"add"}]', '{', '\u0000', ': :', '- - -'];
const types = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf', ...patches];

for (const kind of kinds) {
  test(`${kind.kind} of ${kind.apiVersion}: bodies that are no objects are refused`, async () => {
    const path = collectionPath(kind);
    const asks = (type: string): readonly [method: string, path: string][] =>
      (patches as readonly string[]).includes(type) ? [['PATCH', `${path}/b${type.includes('apply') ? '?fieldManager=m' : ''}`]] : [['POST', path], ['PUT', `${path}/b`], ['DELETE', `${path}/b`]];
    const all = bodies.flatMap((body) => types.flatMap((type) => asks(type).map(([method, to]) => ({ method, to, body, type }))));
    for (const { method, to, body, type } of all) await ask(method, to, { body, type });
  });
}

const asked = fc.oneof(fc.array(fc.constantFrom('a', 'app', '=', '==', '!=', ',', ' in ', ' notin ', '(', ')', '!', ' ', 'metadata.name', 'status.phase', '-', '\\', '\n', 'ü', '%', '1', 'true', 'NotOlderThan', 'Exact', 'eyJ2IjoxfQ'), { maxLength: 12 }).map((words) => words.join('')), fc.string({ maxLength: 40 }));
const names = ['labelSelector', 'fieldSelector', 'limit', 'continue', 'resourceVersion', 'resourceVersionMatch', 'timeoutSeconds', 'sendInitialEvents', 'allowWatchBookmarks', 'pretty', 'dryRun', 'fieldValidation', 'fieldManager', 'propagationPolicy', 'gracePeriodSeconds'];
const questions = fc.uniqueArray(fc.tuple(fc.constantFrom(...names), asked), { maxLength: 3, selector: ([name]) => name });

test(`${runs} questions with any parameters are answered or refused (seed ${seed})`, async () => {
  const meter = createMeter();
  const property = fc.asyncProperty(fc.constantFrom(...kinds), fc.constantFrom('GET', 'GET', 'DELETE'), questions, async (kind, method, question) => {
    const path = `${collectionPath(kind)}${method === 'DELETE' ? '/c' : ''}?${new URLSearchParams(question)}`;
    meter.start();
    await ask(method, path);
    meter.stop(path);
  });
  await fc.assert(property, { numRuns: runs, seed, endOnFailure: true });
  meter.check();
});
