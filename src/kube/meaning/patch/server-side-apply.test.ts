import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { deepFreeze } from '../../../base/data/freeze.ts';
import type { KubeObject, ManagedFieldsEntry } from '../../objects/meta.ts';
import { ApiError } from '../api-error.ts';
import { decodeFields, encodeFields, printFields } from './field-set.ts';
import { applyPatch, trackUpdate } from './server-side-apply.ts';

const now = new Date('2026-11-22T12:00:00Z');
const later = new Date('2026-11-22T13:00:00Z');

type Any = KubeObject & Record<string, unknown>;
const config = (data: Record<string, string | null>): Any => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data });
const service = (spec: object): Any => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec });

const apply = (live: Any | undefined, wanted: Any, manager: string, options: { force?: boolean; now?: Date } = {}): Any =>
  applyPatch(live && deepFreeze(live), deepFreeze(wanted), { manager, apiVersion: wanted.apiVersion, now, ...options });
const update = (old: Any | undefined, next: Any, manager: string, options: { subresource?: string; now?: Date } = {}): Any =>
  trackUpdate(old && deepFreeze(old), deepFreeze(next), { manager, apiVersion: next.apiVersion, now, ...options });

const ownersOf = (object: KubeObject) =>
  Object.fromEntries((object.metadata.managedFields ?? []).map((entry) => [`${entry.manager}/${entry.operation}`, entry.fieldsV1]));

test('P0-7: an apply that creates owns what it names, and nothing else', () => {
  const made = apply(undefined, service({ ports: [{ port: 80 }], selector: { app: 'web' } }), 'kubectl');
  assert.deepEqual(made.metadata.managedFields, [
    {
      manager: 'kubectl',
      operation: 'Apply',
      apiVersion: 'v1',
      time: '2026-11-22T12:00:00Z',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:spec': { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {} } }, 'f:selector': {} } },
    },
  ]);
});

test('P0-7: a create by kubectl is tracked as upstream tracks it', () => {
  const made = update(
    undefined,
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', uid: 'u', labels: { app: 'web' } },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: 'web' } },
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%' } },
        template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'nginx', image: 'nginx' }] } },
      },
      status: { replicas: 1 },
    },
    'kubectl-create',
  );
  assert.deepEqual(ownersOf(made)['kubectl-create/Update'], {
    'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
    'f:spec': {
      'f:replicas': {},
      'f:selector': {},
      'f:strategy': { 'f:rollingUpdate': { '.': {}, 'f:maxSurge': {} }, 'f:type': {} },
      'f:template': {
        'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
        'f:spec': { 'f:containers': { 'k:{"name":"nginx"}': { '.': {}, 'f:image': {}, 'f:name': {} } } },
      },
    },
  });
});

test('an update takes the fields it changes from their owners', () => {
  const made = update(undefined, config({ a: '1', b: '1' }), 'first');
  const changed = update(made, { ...made, data: { a: '2', b: '1' } }, 'second', { now: later });
  assert.deepEqual(ownersOf(changed), { 'first/Update': { 'f:data': { '.': {}, 'f:b': {} } }, 'second/Update': { 'f:data': { 'f:a': {} } } });
});

test('a field that is removed belongs to nobody', () => {
  const made = update(undefined, config({ a: '1', b: '1' }), 'first');
  assert.deepEqual(ownersOf(update(made, { ...made, data: { b: '1' } }, 'second')), { 'first/Update': { 'f:data': { '.': {}, 'f:b': {} } } });
});

test('an update that changes nothing leaves the owners and their times', () => {
  const made = update(undefined, config({ a: '1' }), 'first');
  assert.deepEqual(update(made, made, 'first', { now: later }), made);
});

test('status belongs to who writes /status, and spec to who writes the object', () => {
  const object = { ...service({ clusterIP: '10.96.0.1' }), status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } };
  assert.deepEqual(ownersOf(update(undefined, object, 'm')), { 'm/Update': { 'f:spec': { 'f:clusterIP': {} } } });
  const entries = update(update(undefined, service({}), 'm'), object, 'm', { subresource: 'status' }).metadata.managedFields;
  assert.equal(entries, undefined, 'an object whose owners are not recorded stays so');
  const tracked = update(undefined, service({ type: 'LoadBalancer' }), 'm');
  const withStatus = update(tracked, { ...tracked, status: object['status'] }, 'm', { subresource: 'status' });
  assert.deepEqual(withStatus.metadata.managedFields?.map(({ subresource, fieldsV1 }) => [subresource, fieldsV1]), [
    [undefined, { 'f:spec': { 'f:type': {} } }],
    ['status', { 'f:status': { 'f:loadBalancer': { 'f:ingress': {} } } }],
  ]);
});

test('P0-7: a field of another applier is a conflict, in the words clients know', () => {
  const live = apply(undefined, config({ k: '1' }), 'a');
  assert.throws(
    () => apply(live, config({ k: '2' }), 'b'),
    (error) => {
      assert.ok(error instanceof ApiError);
      assert.deepEqual([error.code, error.reason, error.message], [409, 'Conflict', 'Apply failed with 1 conflict: conflict with "a": .data.k']);
      assert.deepEqual(error.details, { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "a"', field: '.data.k' }] });
      return true;
    },
  );
});

test('several conflicts are listed by manager; updaters are named with their API version', () => {
  const live = update(apply(undefined, config({ k: '1' }), 'm1'), { ...apply(undefined, config({ k: '1' }), 'm1'), data: { k: '1', x: '1' } }, 'probe');
  assert.throws(
    () => apply(live, config({ k: '2', x: '2' }), 'b'),
    { message: 'Apply failed with 2 conflicts: conflicts with "m1":\n- .data.k\nconflicts with "probe" using v1:\n- .data.x' },
  );
});

test('a list item in a conflict is named by its keys', () => {
  const live = apply(undefined, service({ ports: [{ port: 80, targetPort: 1 }] }), 'a');
  assert.throws(
    () => apply(live, service({ ports: [{ port: 80, protocol: 'TCP', targetPort: 2 }] }), 'b'),
    { message: 'Apply failed with 1 conflict: conflict with "a": .spec.ports[port=80,protocol="TCP"].targetPort' },
  );
});

test('force takes the field', () => {
  const live = apply(undefined, config({ k: '1', l: '1' }), 'a');
  const taken = apply(live, config({ k: '2' }), 'b', { force: true });
  assert.deepEqual(taken['data'], { k: '2', l: '1' });
  assert.deepEqual(ownersOf(taken), { 'a/Apply': { 'f:data': { 'f:l': {} } }, 'b/Apply': { 'f:data': { 'f:k': {} } } });
});

test('the same value is shared, and stays until the last owner lets go', () => {
  const shared = apply(apply(undefined, config({ k: '1' }), 'a'), config({ k: '1' }), 'b');
  assert.deepEqual(ownersOf(shared), { 'a/Apply': { 'f:data': { 'f:k': {} } }, 'b/Apply': { 'f:data': { 'f:k': {} } } });
  const left = apply(shared, config({}), 'a');
  assert.deepEqual(left['data'], { k: '1' });
  assert.deepEqual(apply(left, config({}), 'b')['data'] ?? {}, {});
});

test('a field no longer applied is removed', () => {
  const live = apply(undefined, config({ k: '1', l: '1' }), 'a');
  assert.deepEqual(apply(live, config({ l: '1' }), 'a')['data'], { l: '1' });
});

const onlyOurs: readonly Partial<KubeObject['metadata']>[] = [{ labels: { a: 'b' } }, { annotations: { a: 'b' } }, { finalizers: ['x/y'] }, { labels: {} }];
for (const first of onlyOurs) {
  test(`metadata of which nothing is applied any more keeps what the server wrote: ${JSON.stringify(first)}`, () => {
    const made = apply(undefined, { ...config({ a: '1' }), metadata: { name: 'c', ...first } }, 'me');
    const stored = { ...made, metadata: { ...made.metadata, uid: 'u', resourceVersion: '5', creationTimestamp: '2026-11-22T12:00:00Z' } };
    const { managedFields, ...metadata } = apply(stored, config({ a: '1' }), 'me').metadata;
    assert.deepEqual(metadata, { name: 'c', uid: 'u', resourceVersion: '5', creationTimestamp: '2026-11-22T12:00:00Z' });
    assert.deepEqual(managedFields?.map(({ fieldsV1 }) => fieldsV1), [{ 'f:data': { 'f:a': {} } }]);
  });
}

test('a list item no longer applied is removed, unless another applies it too', () => {
  const live = apply(undefined, service({ ports: [{ port: 80 }, { port: 81 }] }), 'a');
  assert.deepEqual(apply(live, service({ ports: [{ port: 81 }] }), 'a')['spec'], { ports: [{ port: 81 }] });
  const shared = apply(live, service({ ports: [{ port: 80, nodePort: 30080 }] }), 'b');
  assert.deepEqual(apply(shared, service({ ports: [{ port: 81 }] }), 'a')['spec'], { ports: [{ port: 80, nodePort: 30080 }, { port: 81 }] });
});

test('a default that is already there makes no conflict and is kept', () => {
  const live = apply(undefined, service({ ports: [{ port: 80 }] }), 'a');
  const defaulted = { ...live, spec: { ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }], type: 'ClusterIP' } };
  const again = apply(defaulted, service({ ports: [{ port: 80, name: 'http' }] }), 'a');
  assert.deepEqual(again['spec'], { ports: [{ port: 80, protocol: 'TCP', targetPort: 80, name: 'http' }], type: 'ClusterIP' });
});

test('the same port on TCP and UDP is two items', () => {
  const live = apply(undefined, service({ ports: [{ port: 53, protocol: 'UDP' }, { port: 53 }] }), 'a');
  assert.deepEqual(apply(live, service({ ports: [{ port: 53, protocol: 'UDP', name: 'dns' }] }), 'a')['spec'], { ports: [{ port: 53, protocol: 'UDP', name: 'dns' }] });
});

test('items of other managers keep their places between ours', () => {
  const pod = (...names: string[]): Any => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: names.map((name) => ({ name })) } });
  const names = (object: Any) => (object['spec'] as { containers: { name: string }[] }).containers.map(({ name }) => name).join();
  const live = update(undefined, pod('a', 'sidecar', 'b'), 'm');
  assert.equal(names(apply(live, pod('b', 'a', 'new'), 'x')), 'sidecar,b,a,new');
  assert.equal(names(apply(live, pod('a', 'new', 'b'), 'x')), 'a,sidecar,new,b');
});

test('finalizers are a set: each applier owns its own', () => {
  const withFinalizer = (name: string): Any => ({ ...config({}), metadata: { name: 'c', finalizers: [name] } });
  const both = apply(apply(undefined, withFinalizer('a/x'), 'a'), withFinalizer('b/y'), 'b');
  assert.deepEqual(both.metadata.finalizers, ['a/x', 'b/y']);
  assert.deepEqual(apply(both, config({}), 'a').metadata.finalizers, ['b/y']);
});

test('an atomic struct changes owner as a whole', () => {
  const live = apply(undefined, service({ selector: { app: 'a', tier: 'x' } }), 'a');
  assert.throws(() => apply(live, service({ selector: { app: 'b' } }), 'b'), { message: /conflict with "a": \.spec\.selector$/ });
  assert.deepEqual(apply(live, service({ selector: { app: 'b' } }), 'b', { force: true })['spec'], { selector: { app: 'b' } });
});

test('who wrote before owners were recorded is before-first-apply', () => {
  const applied = apply(config({ k: '1' }), config({ l: '1' }), 'a');
  assert.deepEqual(ownersOf(applied), {
    'a/Apply': { 'f:data': { 'f:l': {} } },
    'before-first-apply/Update': { 'f:data': { '.': {}, 'f:k': {} } },
  });
  assert.throws(() => apply(config({ k: '1' }), config({ k: '2' }), 'a'), { message: /conflict with "before-first-apply" using v1: \.data\.k/ });
});

test('kubectl moves from client-side to server-side apply by rewriting the owners', () => {
  const live = update(undefined, config({ k: '1' }), 'kubectl-client-side-apply');
  const [entry] = live.metadata.managedFields ?? [];
  const { time: _, ...rest } = entry as ManagedFieldsEntry;
  const managedFields: ManagedFieldsEntry[] = [{ ...rest, manager: 'kubectl', operation: 'Apply' }];
  const migrated = update(live, { ...live, metadata: { ...live.metadata, managedFields } }, 'kubectl');
  assert.deepEqual(migrated.metadata.managedFields, managedFields);
  assert.deepEqual(apply(migrated, config({ l: '2' }), 'kubectl')['data'], { l: '2' });
});

test('one empty entry forgets all owners', () => {
  const live = update(undefined, config({ k: '1' }), 'm');
  assert.equal(update(live, { ...live, metadata: { name: 'c', managedFields: [{}] } }, 'm').metadata.managedFields, undefined);
});

test('a client that drops or garbles managedFields does not erase them', () => {
  const live = update(undefined, config({ k: '1' }), 'm');
  for (const managedFields of [undefined, [], [{ manager: 'x', operation: 'Update' as const, fieldsType: 'FieldsV0' }]]) {
    assert.deepEqual(update(live, { ...live, metadata: { name: 'c', managedFields } }, 'm').metadata.managedFields, live.metadata.managedFields);
  }
});

test('null in an apply removes the value', () => {
  const live = update(undefined, config({ k: '1', l: '1' }), 'm');
  assert.deepEqual(apply(live, config({ k: null }), 'm', { force: true })['data'], { l: '1' });
});

test('beyond ten updaters the oldest are remembered together', () => {
  let live = update(undefined, config({ k0: '0' }), 'm0');
  for (let i = 1; i <= 14; i += 1) {
    live = update(live, { ...live, data: { ...(live['data'] as object), [`k${i}`]: '1' } }, `m${i}`, { now: new Date(now.getTime() + i * 1000) });
  }
  const managers = live.metadata.managedFields?.map((entry) => entry.manager) ?? [];
  assert.equal(managers.length, 10);
  assert.ok(managers.includes('ancient-changes') && managers.includes('m14'));
});

const refused: [behaviour: string, spec: object, message: RegExp][] = [
  ['a port without its number', { ports: [{ name: 'x' }] }, /omits key field "port"/],
  ['the same port twice', { ports: [{ port: 80 }, { port: 80, protocol: 'TCP' }] }, /duplicate entries for key/],
];
for (const [behaviour, spec, message] of refused) {
  test(`an apply is refused: ${behaviour}`, () =>
    assert.throws(() => apply(undefined, service(spec), 'a'), (error) => error instanceof ApiError && error.code === 400 && message.test(error.message)));
}

test('thousands of owners, or thousands of entries of one, are joined in one walk', () => {
  const count = 5000;
  const values = (value: string) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, value]));
  const entries = (manager: (i: number) => string): ManagedFieldsEntry[] =>
    Array.from({ length: count }, (_, i) => ({ manager: manager(i), operation: 'Apply', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: { 'f:data': { [`f:k${i}`]: {} } } }));
  const live = (managedFields: ManagedFieldsEntry[]): Any => ({ ...config(values('1')), metadata: { name: 'c', managedFields } });
  const one = apply(live(entries(() => 'one')), config(values('2')), 'one');
  assert.equal(one.metadata.managedFields?.length, 1);
  assert.throws(() => apply(live(entries((i) => `m${i}`)), config(values('2')), 'me'), (error) => error instanceof ApiError && error.message.startsWith(`Apply failed with ${count} conflicts`));
  const forced = apply(live(entries((i) => `m${i}`)), config(values('2')), 'me', { force: true });
  assert.deepEqual(Object.keys(ownersOf(forced)), ['me/Apply']);
});

test('custom resources without a schema merge maps and replace lists', () => {
  const route = (spec: object): Any => ({ apiVersion: 'example.com/v1', kind: 'Route', metadata: { name: 'r' }, spec });
  const live = apply(undefined, route({ a: 1, list: [1] }), 'a');
  assert.deepEqual(apply(live, route({ b: 1, list: [2] }), 'b', { force: true })['spec'], { a: 1, b: 1, list: [2] });
});

const data = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('1', '2'), { noNullPrototype: true });

test('applying twice is applying once, owners and times included', () => {
  fc.assert(
    fc.property(data, data, (before, wanted) => {
      const live = update(undefined, config(before), 'm');
      const once = apply(live, config(wanted), 'a', { force: true });
      assert.deepEqual(apply(once, config(wanted), 'a', { force: true, now: later }), once);
    }),
  );
});

test('after a forced apply all its values are there, and every field with an owner exists', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), data), { maxLength: 6 }), (writes) => {
      let live: Any | undefined;
      for (const [manager, wanted] of writes) {
        live = apply(live, config(wanted), manager, { force: true });
        assert.partialDeepStrictEqual(live['data'] ?? {}, wanted);
      }
      const owned = Object.values(live ? ownersOf(live) : {}).flatMap((fields) => printFields(decodeFields(fields) ?? { member: false, children: new Map() }));
      const there = (live?.['data'] ?? {}) as object;
      assert.deepEqual(new Set(owned.filter((path) => path !== '.data')), new Set(Object.keys(there).map((key) => `.data.${key}`)));
    }),
  );
});

test('FieldsV1 is read and written back to itself, keys in canonical order', () => {
  const fields = { 'f:a': { '.': {}, 'f:b': {} }, 'f:c': { 'k:{"protocol":"TCP","port":80}': { 'f:x': {} }, 'v:"x"': {} }, 'i:3': {} };
  const read = decodeFields(fields);
  assert.ok(read);
  assert.deepEqual(encodeFields(read), { 'f:a': { '.': {}, 'f:b': {} }, 'f:c': { 'k:{"port":80,"protocol":"TCP"}': { 'f:x': {} }, 'v:"x"': {} }, 'i:3': {} });
  for (const bad of [{ 'x:y': {} }, { 'k:nope': {} }, { 'f:a': 1 }, [], 'f:a']) assert.equal(decodeFields(bad), undefined);
});
