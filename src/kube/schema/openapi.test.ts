import assert from 'node:assert/strict';
import test from 'node:test';
import { kinds } from '../kinds/kinds.ts';
import { openApiSchemas } from './openapi.ts';

const schemas = openApiSchemas(kinds);

test('every reference leads to a schema', () => {
  for (const [, name] of JSON.stringify(schemas).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)) {
    assert.ok(name && schemas[name], name);
  }
});

test('every kind is found by its group, version and kind', () => {
  const said = Object.values(schemas).flatMap((schema) => (schema['x-kubernetes-group-version-kind'] ?? []) as { group: string; version: string; kind: string }[]);
  const names = said.map(({ group, version, kind }) => `${group ? `${group}/` : ''}${version} ${kind}`);
  assert.deepEqual(names.toSorted(), kinds.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`).toSorted());
});

test('a service port says how it merges, what it needs and what it defaults to', () => {
  const property = (schema: string, name: string) => (schemas[schema]?.['properties'] as Record<string, unknown> | undefined)?.[name];
  assert.deepEqual(property('io.k8s.api.core.v1.ServiceSpec', 'ports'), {
    type: 'array',
    items: { $ref: '#/components/schemas/io.k8s.api.core.v1.ServicePort' },
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['port', 'protocol'],
    'x-kubernetes-patch-merge-key': 'port',
    'x-kubernetes-patch-strategy': 'merge',
  });
  assert.deepEqual(schemas['io.k8s.api.core.v1.ServicePort']?.['required'], ['port']);
  assert.deepEqual(property('io.k8s.api.core.v1.ServicePort', 'protocol'), { type: 'string', default: 'TCP' });
  assert.deepEqual(property('io.k8s.api.core.v1.ServicePort', 'targetPort'), { $ref: '#/components/schemas/io.k8s.apimachinery.pkg.util.intstr.IntOrString' });
  assert.equal(schemas['io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector']?.['x-kubernetes-map-type'], 'atomic');
});
