import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { ApiError } from '../meaning/api-error.ts';
import { checkFields, checkTypes } from './check-fields.ts';
import { duplicateKeys } from './json-keys.ts';
import { parseJsonText } from './json-text.ts';

const service = { apiVersion: 'v1', kind: 'Service' };
const meta = { metadata: { name: 's' } };

const complaints: [behaviour: string, object: object, found: string[]][] = [
  ['a field that nobody knows is named with its path', { ...service, ...meta, spec: { prts: 1, ports: [{ foo: 1, port: 80 }] } }, ['unknown field "spec.prts"', 'unknown field "spec.ports[0].foo"']],
  ['a field is known by its exact spelling', { ...service, ...meta, spec: { clusterip: 'x' } }, ['unknown field "spec.clusterip"']],
  ['what is inside an unknown field is not looked at', { ...service, extra: { a: { b: 1 } } }, ['unknown field "extra"']],
  ['keys of a map are free', { ...service, metadata: { labels: { anything: 'x' }, annotations: { 'a/b': 'c' } } }, []],
  ['every JSON object knows its apiVersion and kind', { ...service, ...meta }, []],
  ['null is looked at too', { ...service, spec: { prts: null } }, ['unknown field "spec.prts"']],
];
for (const [behaviour, object, found] of complaints) {
  test(behaviour, () => assert.deepEqual(checkFields(service, object), found));
}

test('fields of inlined structs are known in their parent', () => {
  const pod = { apiVersion: 'v1', kind: 'Pod', spec: { volumes: [{ name: 'v', emptyDir: {}, volumeSource: {} }] } };
  assert.deepEqual(checkFields(pod, pod), ['unknown field "spec.volumes[0].volumeSource"']);
});

test('an object in an object may carry its type, a template may not', () => {
  const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'c' } };
  const object = { apiVersion: 'apps/v1', kind: 'StatefulSet', spec: { volumeClaimTemplates: [claim], template: { kind: 'Pod' } } };
  assert.deepEqual(checkFields(object, object), ['unknown field "spec.template.kind"']);
});

test('a custom resource without schema has no unknown fields', () => assert.deepEqual(checkFields({ apiVersion: 'x.example/v1', kind: 'X' }, { a: 1 }), []));

const twice: [text: string, found: string[]][] = [
  ['{"metadata":{"name":"a","name":"b"}}', ['metadata.name']],
  ['{"a":1,"b":[{"c":1},{"c":1,"c":2}],"a":2}', ['b[1].c', 'a']],
  ['{"a":{"x":1},"b":{"x":1}}', []],
  ['{"a":"\\"a\\":","b":"{","c":["a",{"a":[[],{"k":1,"k":1}]}]}', ['c[1].a[1].k']],
  ['{"\\u0061":1,"a":2}', ['a']],
];
for (const [text, found] of twice) test(`keys given twice in ${text}`, () => assert.deepEqual(duplicateKeys(text), found));

test('no valid JSON of JavaScript has duplicate keys', () => {
  fc.assert(fc.property(fc.json(), (text) => assert.deepEqual(duplicateKeys(text), [])));
});

const json = 'json: cannot unmarshal';
const misfits: [behaviour: string, object: object, error: string][] = [
  ['a string for a list', { spec: { ports: 'x' } }, `${json} string into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort`],
  ['a string for a number in a list of structs', { spec: { ports: [{ port: '80' }] } }, `${json} string into Go struct field ServicePort.spec.ports.port of type int32`],
  ['a number with a fraction', { spec: { ports: [{ port: 1.5 }] } }, `${json} number 1.5 into Go struct field ServicePort.spec.ports.port of type int32`],
  ['a number too large', { spec: { ports: [{ port: 4294967296 }] } }, `${json} number 4294967296 into Go struct field ServicePort.spec.ports.port of type int32`],
  ['a number for a label', { metadata: { labels: { a: 1 } } }, `${json} number into Go struct field ObjectMeta.metadata.labels of type string`],
  ['a list for labels', { metadata: { labels: ['a'] } }, `${json} array into Go struct field ObjectMeta.metadata.labels of type map[string]string`],
  ['a list for a struct', { spec: [] }, `${json} array into Go struct field Service.spec of type v1.ServiceSpec`],
  ['a boolean for a port', { spec: { ports: [{ targetPort: true }] } }, `${json} bool into Go value of type int32`],
  ['a time that is none', { metadata: { creationTimestamp: 'noon' } }, 'parsing time "noon" as "2006-01-02T15:04:05Z07:00": cannot parse "noon" as "2006"'],
];
for (const [behaviour, object, error] of misfits) {
  test(`refused: ${behaviour}`, () => {
    const expected = `Service in version "v1" cannot be handled as a Service: ${error}`;
    assert.throws(() => checkTypes(service, { ...service, ...object }), (thrown) => thrown instanceof ApiError && thrown.code === 400 && thrown.message === expected);
  });
}

test('refused: a quantity and a secret that cannot be read', () => {
  const quota = { apiVersion: 'v1', kind: 'ResourceQuota' };
  assert.throws(() => checkTypes(quota, { spec: { hard: { pods: 'many' } } }), /quantities must match/);
  assert.throws(() => checkTypes({ apiVersion: 'v1', kind: 'Secret' }, { data: { a: 'a$b=' } }), /illegal base64 data at input byte 1/);
});

const fitting: [kind: string, object: object][] = [
  ['Service', { spec: { ports: [{ port: 80, targetPort: 'http' }, { port: 81, targetPort: 8081 }], selector: null }, metadata: { creationTimestamp: null } }],
  ['Pod', { spec: { containers: [{ name: 'a', resources: { limits: { cpu: '500m', memory: '1.5Gi', pods: 3, x: '1e3' } } }] } }],
  ['Secret', { data: { a: 'YQ==', b: '' } }],
  ['Event', { eventTime: '2026-11-22T12:00:00.000001Z', lastTimestamp: '2026-11-22T12:00:00+01:00' }],
];
for (const [kind, object] of fitting) test(`values that fit a ${kind}`, () => checkTypes({ apiVersion: 'v1', kind }, object));

test('whatever JSON comes, checking ends with an answer or an ApiError', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('metadata', 'spec', 'status'), fc.object({ key: fc.constantFrom('ports', 'selector', 'labels', 'port', 'x') })), (object) => {
      checkFields(service, object);
      try {
        checkTypes(service, object);
      } catch (error) {
        assert.ok(error instanceof ApiError);
      }
    }),
  );
});

test('a string of a million quotes that never ends is walked once', () => {
  assert.deepEqual(duplicateKeys(`["${'\\"'.repeat(1_000_000)}`), []);
  assert.deepEqual(duplicateKeys(`["${'\\"'.repeat(1_000_000)}\\`), []);
});

test('JSON that nests without end is refused; a long text is not', () => {
  assert.throws(() => parseJsonText('['.repeat(3_000_000)), ApiError);
  assert.throws(() => parseJsonText(`${'{"a":'.repeat(501)}1${'}'.repeat(501)}`), ApiError);
  assert.equal((parseJsonText(JSON.stringify('[{'.repeat(1_500_000))) as string).length, 3_000_000);
  assert.deepEqual(duplicateKeys(JSON.stringify({ a: '\\"'.repeat(700_000) })), []);
});
