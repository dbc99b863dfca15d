import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { deepFreeze } from '../../../base/data/freeze.ts';
import type { KubeObject } from '../../objects/meta.ts';
import { ApiError } from '../api-error.ts';
import { strategicMergePatch } from './strategic-merge.ts';

const service = { apiVersion: 'v1', kind: 'Service' };
const deployment = { apiVersion: 'apps/v1', kind: 'Deployment' };
const pod = { apiVersion: 'v1', kind: 'Pod' };

type Row = [behaviour: string, kind: typeof service, before: object, patch: object, after: object];

const port = (number: number, name: string) => ({ port: number, name });
const names = (...list: string[]) => list.map((name) => ({ name }));

const rows: Row[] = [
  ['maps merge and null removes', service, { metadata: { labels: { a: '1', b: '2' } } }, { metadata: { labels: { b: null, c: '3' } } }, { metadata: { labels: { a: '1', c: '3' } } }],
  ['null removes nothing where nothing is', service, { spec: {} }, { spec: { clusterIP: null } }, { spec: {} }],
  ['list items meet by their merge key', service, { spec: { ports: [port(80, 'a'), port(81, 'b')] } }, { spec: { ports: [port(81, 'c')] } }, { spec: { ports: [port(80, 'a'), port(81, 'c')] } }],
  ['new list items go in front', service, { spec: { ports: [port(80, 'a'), port(81, 'b')] } }, { spec: { ports: [port(82, 'c')] } }, { spec: { ports: [port(82, 'c'), port(80, 'a'), port(81, 'b')] } }],
  [
    '$setElementOrder puts new items where the client wants them',
    service,
    { spec: { ports: [port(80, 'a'), port(81, 'b')] } },
    { spec: { '$setElementOrder/ports': [{ port: 81 }, { port: 82 }, { port: 80 }], ports: [port(82, 'c')] } },
    { spec: { ports: [port(81, 'b'), port(82, 'c'), port(80, 'a')] } },
  ],
  [
    '$setElementOrder alone reorders',
    pod,
    { spec: { containers: names('a', 'b', 'c') } },
    { spec: { '$setElementOrder/containers': names('c', 'a', 'b') } },
    { spec: { containers: names('c', 'a', 'b') } },
  ],
  [
    'items that only the server knows keep their place beside ordered ones',
    pod,
    { spec: { containers: names('a', 'sidecar', 'b') } },
    { spec: { '$setElementOrder/containers': names('a', 'b') } },
    { spec: { containers: names('a', 'sidecar', 'b') } },
  ],
  ['$patch: delete removes an item', service, { spec: { ports: [port(80, 'a'), port(81, 'b')] } }, { spec: { ports: [{ $patch: 'delete', port: 80 }] } }, { spec: { ports: [port(81, 'b')] } }],
  ['$patch: delete of an item that is not there is no error', service, { spec: { ports: [port(81, 'b')] } }, { spec: { ports: [{ $patch: 'delete', port: 80 }] } }, { spec: { ports: [port(81, 'b')] } }],
  ['$patch: delete empties a map', deployment, { spec: { strategy: { type: 'Recreate' } } }, { spec: { strategy: { $patch: 'delete' } } }, { spec: { strategy: {} } }],
  ['$patch: replace replaces a map', service, { metadata: { labels: { a: '1' } } }, { metadata: { labels: { $patch: 'replace', b: '2' } } }, { metadata: { labels: { b: '2' } } }],
  ['$patch: replace in a list replaces the list', service, { spec: { ports: [port(80, 'a')] } }, { spec: { ports: [{ $patch: 'replace' }, port(81, 'b')] } }, { spec: { ports: [port(81, 'b')] } }],
  ['$patch: merge is what happens anyway', service, { spec: { ports: [port(80, 'a')] } }, { spec: { ports: [{ $patch: 'merge', port: 80, protocol: 'UDP' }] } }, { spec: { ports: [{ port: 80, name: 'a', protocol: 'UDP' }] } }],
  [
    '$retainKeys drops what the new strategy does not have',
    deployment,
    { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } },
    { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } },
    { spec: { strategy: { type: 'Recreate' } } },
  ],
  [
    'a volume changes its source',
    pod,
    { spec: { volumes: [{ name: 'v', emptyDir: {} }] } },
    { spec: { volumes: [{ $retainKeys: ['name', 'configMap'], name: 'v', configMap: { name: 'c' } }] } },
    { spec: { volumes: [{ name: 'v', configMap: { name: 'c' } }] } },
  ],
  ['a list without merge key is replaced', service, { spec: { externalIPs: ['192.0.2.1'] } }, { spec: { externalIPs: ['192.0.2.2'] } }, { spec: { externalIPs: ['192.0.2.2'] } }],
  ['a list of scalars that merges is a set', service, { metadata: { finalizers: ['a/x'] } }, { metadata: { finalizers: ['b/y', 'a/x'] } }, { metadata: { finalizers: ['b/y', 'a/x'] } }],
  [
    '$deleteFromPrimitiveList takes scalars out',
    service,
    { metadata: { finalizers: ['a/x', 'b/y', 'c/z'] } },
    { metadata: { '$deleteFromPrimitiveList/finalizers': ['b/y'], '$setElementOrder/finalizers': ['a/x', 'd/w', 'c/z'], finalizers: ['d/w'] } },
    { metadata: { finalizers: ['a/x', 'd/w', 'c/z'] } },
  ],
  [
    'containers merge deep inside a template',
    deployment,
    { spec: { template: { spec: { containers: [{ name: 'web', image: 'a', env: [{ name: 'X', value: '1' }] }] } } } },
    { spec: { template: { spec: { containers: [{ name: 'web', env: [{ name: 'Y', value: '2' }] }] } } } },
    { spec: { template: { spec: { containers: [{ name: 'web', image: 'a', env: [{ name: 'Y', value: '2' }, { name: 'X', value: '1' }] }] } } } },
  ],
  [
    'directives leave no trace where nothing was',
    deployment,
    { spec: {} },
    { spec: { template: { spec: { '$setElementOrder/containers': names('web'), containers: [{ name: 'web', '$setElementOrder/env': names('X'), env: [{ name: 'X', value: null }, { name: 'Z', $patch: 'delete' }] }] } } } },
    { spec: { template: { spec: { containers: [{ name: 'web', env: [{ name: 'X' }] }] } } } },
  ],
  ['a PodDisruptionBudget replaces its selector', { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' }, { spec: { selector: { matchLabels: { a: '1' } } } }, { spec: { selector: { matchLabels: { b: '2' } } } }, { spec: { selector: { matchLabels: { b: '2' } } } }],
  ['taints, which have no merge key, are replaced', { apiVersion: 'v1', kind: 'Node' }, { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } }, { spec: { taints: [{ key: 'b', effect: 'NoExecute' }] } }, { spec: { taints: [{ key: 'b', effect: 'NoExecute' }] } }],
  ['a node condition of a kubelet keeps the others', { apiVersion: 'v1', kind: 'Node' }, { status: { conditions: [{ type: 'Ready', status: 'True' }] } }, { status: { '$setElementOrder/conditions': [{ type: 'MemoryPressure' }, { type: 'Ready' }], conditions: [{ type: 'Ready', status: 'False' }] } }, { status: { conditions: [{ type: 'Ready', status: 'False' }] } }],
  ['a label may be called __proto__', service, { metadata: { labels: {} } }, { metadata: { labels: JSON.parse('{"__proto__":"x"}') as object } }, { metadata: { labels: JSON.parse('{"__proto__":"x"}') as object } }],
];

const apply = (kind: typeof service, before: object, patch: object) =>
  strategicMergePatch(kind, deepFreeze(before) as unknown as KubeObject, deepFreeze(patch));

for (const [behaviour, kind, before, patch, after] of rows) {
  test(behaviour, () => assert.deepEqual(apply(kind, before, patch), after));
}

const refused: [behaviour: string, patch: object, message: string][] = [
  ['an item without its merge key', { spec: { ports: [{ name: 'zz' }] } }, 'map: map[name:zz] does not contain declared merge key: port'],
  ['an unknown directive in a map', { spec: { $patch: 'foo', a: 1 } }, 'unknown patch type: foo in map: map[$patch:foo a:1]'],
  ['an unknown directive in a list', { spec: { ports: [{ $patch: 'foo', port: 1 }] } }, 'unknown patch type: foo in map: map[$patch:foo port:1]'],
  [
    'a list that contradicts its order',
    { spec: { '$setElementOrder/ports': [{ port: 1 }], ports: [{ port: 2 }] } },
    "The order in patch list:\n[map[port:2]]\n doesn't match $setElementOrder list:\n[map[port:1]]\n",
  ],
  ['$retainKeys that do not name what the patch sets', { spec: { $retainKeys: ['type'], clusterIP: 'None' } }, 'invalid patch format of retainKeys'],
  ['a patch that is no object', [], 'json: cannot unmarshal the patch into a map'],
];
for (const [behaviour, patch, message] of refused) {
  test(`refused: ${behaviour}`, () => {
    const before = { spec: { ports: [port(80, 'a')] } };
    assert.throws(() => apply(service, before, patch), (error) => error instanceof ApiError && error.code === 400 && error.message === message);
  });
}

test('twenty thousand deletions from a list as long are one walk over it', () => {
  const items = (prefix: string, more: object) => Array.from({ length: 20_000 }, (_, i) => ({ name: `${prefix}${i}`, ...more }));
  const before = { spec: { containers: items('c', {}) } };
  assert.deepEqual(apply(pod, before, { spec: { containers: items('z', { $patch: 'delete' }) } }), before);
  assert.deepEqual(apply(pod, before, { spec: { containers: items('c', { $patch: 'delete' }) } }), { spec: { containers: [] } });
});

test('a patch that is the whole object changes nothing', () => {
  const list = fc.uniqueArray(fc.record({ port: fc.integer(), name: fc.string() }, { noNullPrototype: true }), { selector: (item) => item.port });
  fc.assert(
    fc.property(list, fc.dictionary(fc.string({ unit: fc.constantFrom('a', 'b', '/', '.') }), fc.string(), { noNullPrototype: true }), (ports, selector) => {
      const object = { spec: { ports, selector } };
      assert.deepEqual(apply(service, object, object), object);
    }),
  );
});

test('applying a patch twice is applying it once', () => {
  const item = fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), image: fc.constantFrom('x', 'y') }, { noNullPrototype: true });
  const list = fc.uniqueArray(item, { selector: (one) => one.name });
  fc.assert(
    fc.property(list, list, (before, patch) => {
      const once = apply(pod, { spec: { containers: before } }, { spec: { containers: patch } });
      assert.deepEqual(apply(pod, once, { spec: { containers: patch } }), once);
    }),
  );
});
