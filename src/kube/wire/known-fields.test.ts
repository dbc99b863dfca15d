import assert from 'node:assert/strict';
import { test } from 'node:test';
import { knownFields } from './known-fields.ts';

const deployment = { apiVersion: 'apps/v1', kind: 'Deployment' };

test('a null field is absent, however deep, in lists and in maps of things too', () => {
  const container = { name: 'web', image: 'web:1', resources: null, env: [{ name: 'A', value: 'b', valueFrom: null }] };
  const object = { ...deployment, metadata: { name: 'web', creationTimestamp: null }, spec: { template: { metadata: { creationTimestamp: null, labels: { a: 'b' } }, spec: { containers: [container] } } }, status: null };
  assert.deepEqual(knownFields(deployment, object), {
    ...deployment,
    metadata: { name: 'web' },
    spec: { template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'web', image: 'web:1', env: [{ name: 'A', value: 'b' }] }] } } },
  });
});

test('a null item of a list or map is an empty one, as Go reads it', () => {
  const binding = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { annotations: { a: null }, finalizers: [null] }, subjects: [null] };
  assert.deepEqual(knownFields(binding, binding), { ...binding, metadata: { annotations: { a: '' }, finalizers: [''] }, subjects: [{}] });
});

test('SVC-09: a field that the kind does not have is left out', () => {
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', labels: { anything: 'goes' } }, spec: { topologyKeys: ['*'], ports: [{ port: 80, colour: 'red' }], selector: { any: 'key' } }, more: 1 };
  assert.deepEqual(knownFields(service, service), { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', labels: { anything: 'goes' } }, spec: { ports: [{ port: 80 }], selector: { any: 'key' } } });
});

test('an object without nulls comes back as it is', () => {
  const object = { ...deployment, metadata: { name: 'web' }, spec: { template: { spec: { containers: [{ name: 'web' }] } } } };
  assert.equal(knownFields(deployment, object), object);
});

test('null is a value inside raw data and in types of others', () => {
  const revision = { apiVersion: 'apps/v1', kind: 'ControllerRevision', data: { spec: { $patch: null } } };
  assert.equal(knownFields(revision, revision), revision);
  const custom = { apiVersion: 'example.com/v1', kind: 'Thing', spec: null };
  assert.equal(knownFields(custom, custom), custom);
});

test('metadata are the same for types of others: no nulls, no empty places in lists', () => {
  const thing = { apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'a', labels: null, finalizers: [null], ownerReferences: [null] }, spec: { a: null } };
  assert.deepEqual(knownFields(thing, thing), { ...thing, metadata: { name: 'a', finalizers: [''], ownerReferences: [{}] } });
});
