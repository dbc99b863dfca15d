import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { kinds } from '../kinds/kinds.ts';
import { ApiError } from '../meaning/api-error.ts';
import { messageOf } from '../schema/schema.ts';
import type { Field, Message } from '../schema/schema.ts';
import { decodeProtobuf, encodeProtobuf, encodeWatchFrame } from './protobuf.ts';

const encode = (object: object): Uint8Array => encodeProtobuf(object as { apiVersion: string; kind: string }) ?? Uint8Array.of();
const roundTrip = (object: object): unknown => decodeProtobuf(encode(object));

const survives: [behaviour: string, object: object][] = [
  [
    'times keep their seconds, micro times their micros',
    {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'a', creationTimestamp: '2026-11-22T12:00:07Z' },
      spec: { renewTime: '2026-11-22T12:00:07.000042Z', leaseDurationSeconds: 15 },
    },
  ],
  [
    'a port is a number or a name, a quantity a text, and inlined fields stay with their parent',
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'a' },
      spec: {
        volumes: [{ name: 'v', emptyDir: {} }, { name: 'c', configMap: { name: 'settings', defaultMode: 420 } }],
        containers: [
          {
            name: 'web',
            env: [{ name: 'WORD', valueFrom: { secretKeyRef: { name: 'key', key: 'word' } } }],
            resources: { limits: { cpu: '500m', memory: '0' } },
            livenessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 3 },
            readinessProbe: { tcpSocket: { port: 8080 } },
          },
        ],
        terminationGracePeriodSeconds: 0,
        automountServiceAccountToken: false,
      },
    },
  ],
  [
    'NPT-3: an empty pod selector, which selects all, is not the same as none',
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'deny', namespace: 'default' },
      spec: { podSelector: {}, ingress: [{ from: [{ namespaceSelector: {} }] }, {}] },
    },
  ],
  [
    'managed fields and raw data are JSON inside protobuf',
    {
      apiVersion: 'apps/v1',
      kind: 'ControllerRevision',
      metadata: { name: 'r', managedFields: [{ manager: 'm', fieldsV1: { 'f:data': {} } }] },
      data: { spec: { replicas: 1 } },
      revision: 3,
    },
  ],
  [
    'extra values of a user are lists',
    {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { user: 'bob', extra: { scopes: ['a', 'b'], none: [] } },
      status: { allowed: false },
    },
  ],
  ['a list is its items', { apiVersion: 'v1', kind: 'PodList', metadata: { resourceVersion: '7' }, items: [{ metadata: { name: 'a' } }] }],
  [
    'a label called __proto__ is a label',
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: JSON.parse('{"__proto__": "x"}') as object },
  ],
  [
    'an object of many thousand bytes, in which messages begin before the buffer grows and end after it',
    {
      apiVersion: 'v1',
      kind: 'PodList',
      metadata: { resourceVersion: '7' },
      items: Array.from({ length: 40 }, (_, i) => ({ metadata: { name: `pod-${i}`, labels: { app: 'x'.repeat(60), long: 'y'.repeat(i * 10) } }, spec: { containers: [{ name: 'c', image: 'z'.repeat(100), env: [{ name: 'A', value: 'b'.repeat(300) }] }] } })),
    },
  ],
  ['numbers may be negative or large', { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'p', generation: 2 ** 52 }, value: -5 }],
];

for (const [behaviour, object] of survives) {
  test(behaviour, () => assert.deepEqual(roundTrip(object), object));
}

test('zero values that no pointer asks for are dropped', () => {
  const object = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a', namespace: '' }, spec: { clusterIP: '', selector: {} }, status: {} };
  assert.deepEqual(roundTrip(object), { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' } });
});

test('a message given in two parts is one message', () => {
  const half = (spec: object) => Buffer.from(encode({ apiVersion: 'v1', kind: 'Namespace', ...spec }));
  const raw = (body: Buffer) => body.subarray(body.indexOf('Namespace') + 'Namespace'.length + 2, -4);
  const parts = Buffer.concat([raw(half({ metadata: { name: 'a' } })), raw(half({ metadata: { generateName: 'b' } }))]);
  const typeMeta = half({}).subarray(4, half({}).indexOf('Namespace') + 'Namespace'.length);
  const length = Buffer.from([0x12, 0x80 | (parts.length & 127), parts.length >> 7]);
  const decoded = decodeProtobuf(Buffer.concat([Buffer.from('k8s\0'), typeMeta, length, parts]));
  assert.equal(decoded.metadata.generateName, 'b');
});

test('an envelope without a type takes the one its URL expects', () => {
  const body = Buffer.concat([Buffer.from('k8s\0'), Buffer.from([0x12, 0])]);
  assert.deepEqual(decodeProtobuf(body, { apiVersion: 'v1', kind: 'Pod' }), { apiVersion: 'v1', kind: 'Pod' });
});

test('a watch frame is its length, its type and an enveloped object', () => {
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } };
  const frame = Buffer.from(encodeWatchFrame('ADDED', encode(object)));
  assert.equal(frame.readUInt32BE(), frame.length - 4);
  assert.deepEqual(decodeProtobuf(frame.subarray(frame.indexOf('k8s\0'))), object);
});

const refused: [behaviour: string, body: string, message: RegExp][] = [
  ['a body that is no protobuf', '{"kind":"Pod"}', /expected prefix \[107 56 115 0\]/],
  ['a type that nobody serves', 'k8s\0\x0a\x09\x0a\x02v1\x12\x03Foo', /no kind "Foo" is registered for version "v1"/],
  ['a length beyond the end', 'k8s\0\x0a\x7f', /unexpected EOF/],
  ['a varint without end', `k8s\0\x0a${'\xff'.repeat(11)}`, /integer overflow/],
  ['a field with the wrong wire type', 'k8s\0\x08\x01', /wrong wireType = 0 for field typeMeta/],
  ['a group', 'k8s\0\x2b', /illegal wireType 3/],
];
for (const [behaviour, body, message] of refused) {
  test(`refused: ${behaviour}`, () => {
    assert.throws(() => decodeProtobuf(Buffer.from(body, 'latin1')), (error) => {
      assert.ok(error instanceof ApiError);
      assert.equal(error.code, 400);
      assert.match(error.message, message);
      return true;
    });
  });
}

test('a body of a million empty items is refused rather than kept', () => {
  const items = Buffer.alloc(2_000_000);
  for (let i = 0; i < items.length; i += 2) items[i] = 0x12;
  const head = Buffer.from('k8s\0\x0a\x0d\x0a\x02v1\x12\x07PodList\x12', 'latin1');
  const length = Buffer.from([0x80 | (items.length & 127), 0x80 | ((items.length >> 7) & 127), 0x80 | ((items.length >> 14) & 127), items.length >> 21]);
  assert.throws(() => decodeProtobuf(Buffer.concat([head, length, items])), /more than \d+ values/);
});

// Objects made from the table itself: whatever field exists may be set, to a value that is not zero.
const words = fc.string({ minLength: 1, maxLength: 5 });
function valueOf(field: Field, depth: number): fc.Arbitrary<unknown> {
  const one = field.message ? objectOf(field.message, depth - 1) : scalarOf(field);
  if (field.holds === 'list') return fc.array(one, { minLength: 1, maxLength: 2 });
  if (field.holds === 'map') return fc.dictionary(words, one, { minKeys: 1, maxKeys: 2, noNullPrototype: true });
  return one;
}

const time = fc.integer({ min: -62_135_596_799, max: 253_402_300_799 }).map((s) => `${new Date(s * 1000).toISOString().slice(0, 19)}Z`);
const rawJson = fc.json({ maxDepth: 1 }).map((text) => ({ raw: JSON.parse(text) as unknown }));
const smallSchema = fc.record({ type: words });
const scalarValues: Record<string, fc.Arbitrary<unknown>> = {
  string: words,
  int32: fc.integer().filter((n) => n !== 0),
  int64: fc.maxSafeInteger().filter((n) => n !== 0),
  bool: fc.constant(true),
  double: fc.double({ noNaN: true, min: 0.5 }),
  bytes: fc.uint8Array({ minLength: 1 }).map((bytes) => Buffer.from(bytes).toString('base64')),
  time,
  microtime: time.map((text) => text.replace('Z', '.123456Z')),
  quantity: fc.integer({ min: 1 }).map((n) => `${n}Mi`),
  intstr: fc.oneof(fc.integer({ min: 1, max: 65535 }), words),
  strings: fc.array(words, { minLength: 1 }),
  fields: rawJson,
  raw: rawJson,
  json: rawJson,
  schemaOrList: fc.oneof(smallSchema, fc.array(smallSchema, { minLength: 1 })),
  schemaOrBool: fc.oneof(smallSchema, fc.constant(true)),
  schemaOrTexts: fc.oneof(smallSchema, fc.array(words, { minLength: 1 })),
};
const scalarOf = (field: Field): fc.Arbitrary<unknown> => scalarValues[field.scalar ?? ''] ?? words;

function objectOf(message: Message, depth: number): fc.Arbitrary<Record<string, unknown>> {
  const fields = Array.from(message.fields).filter(([, field]) => depth > 0 || !field.message);
  const chosen = fc.subarray(fields, { maxLength: Math.min(fields.length, 6) });
  return chosen.chain((some) => fc.record(Object.fromEntries(some.map(([name, field]) => [name, valueOf(field, depth)]))));
}

// Go cannot tell an empty part that is no pointer from none, nor an empty map.
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, withoutEmpty(item)] as const);
  return Object.fromEntries(entries.filter(([, item]) => typeof item !== 'object' || item === null || Object.keys(item).length > 0));
}

test('any object of any served kind survives the wire', () => {
  const anyKind = fc.constantFrom(...kinds).chain(({ apiVersion, kind }) =>
    objectOf(messageOf(apiVersion, kind) as Message, 4).map((object) => ({ apiVersion, kind, ...object })),
  );
  fc.assert(
    fc.property(anyKind, (object) => {
      const once = decodeProtobuf(encode(object));
      assert.partialDeepStrictEqual(once, withoutEmpty(object));
      assert.deepEqual(roundTrip(once), once);
    }),
    { numRuns: 300 },
  );
});

test('bytes that an enemy changed are read or refused, never worse', () => {
  const good = encode(survives[1]?.[1] as object);
  const changes = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(changes, (edits) => {
      const bad = Uint8Array.from(good);
      for (const [at, byte] of edits) bad[at] = byte;
      try {
        decodeProtobuf(bad);
      } catch (error) {
        assert.ok(error instanceof ApiError && error.code === 400, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
