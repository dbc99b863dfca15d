import assert from 'node:assert/strict';
import test from 'node:test';
import { parseJsonPath, valuesAt, withValueAt } from './json-path.ts';

const object = { spec: { ports: [{ name: 'a', n: 1 }, { name: 'b', n: 2 }], 'a.b': 'dotted' }, status: { conditions: [{ type: 'Ready', status: 'True' }, { type: 'Other', status: 'False' }] } };

const rows: [path: string, values: unknown[]][] = [
  ['.spec.ports[0].name', ['a']],
  ['.spec.ports[-1].name', ['b']],
  ['.spec.ports[*].n', [1, 2]],
  ['{.spec.ports[1].n}', [2]],
  [".spec['a.b']", ['dotted']],
  ['.spec.a\\.b', ['dotted']],
  ['.status.conditions[?(@.type=="Ready")].status', ['True']],
  ['.spec.ports[?(@.n>1)].name', ['b']],
  ['.spec.nothing.here', []],
  ['.spec.constructor', []],
];
for (const [path, values] of rows) test(`${path} leads to ${JSON.stringify(values)}`, () => assert.deepEqual(valuesAt(object, parseJsonPath(path)!), values));

test('what is no path is no path', () => {
  for (const text of ['spec', '.spec[', '.spec..x', '[?(@.a)]']) assert.equal(parseJsonPath(text), undefined, text);
});

test('a value is put where a path leads, with the objects on the way', () => {
  assert.deepEqual(withValueAt({ spec: { a: 1 } }, parseJsonPath('.spec.scale.count')!, 3), { spec: { a: 1, scale: { count: 3 } } });
});
