import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Kind } from '../kinds/kind.ts';
import { fieldMatcher, parseFieldSelector } from './field-selectors.ts';

const thing = { apiVersion: 'v1', kind: 'Thing', metadata: { name: 'a=b', namespace: 'x' } };
const plain: Kind = { apiVersion: 'v1', kind: 'Thing', plural: 'things', shortNames: [], namespaced: true, columns: [] };
const rich: Kind = { ...plain, fieldSelectors: { 'spec.clusterIP': () => 'None' } };

const rows: [text: string, kind: Kind, expected: boolean][] = [
  ['', plain, true],
  ['metadata.name=a\\=b', plain, true],
  ['metadata.name==a\\=b,metadata.namespace!=y', plain, true],
  ['metadata.namespace=y', plain, false],
  ['spec.clusterIP!=None', rich, false],
  ['spec.clusterIP!=', rich, true],
];
for (const [text, kind, expected] of rows) {
  test(`field selector "${text}" ${expected ? 'matches' : 'does not match'}`, () =>
    assert.equal(fieldMatcher(kind, parseFieldSelector(text))(thing), expected));
}

test('a field nobody knows is refused, in the words for its sort of kind', () => {
  const ask = (kind: Kind) => () => fieldMatcher(kind, parseFieldSelector('spec.x=1'));
  assert.throws(ask(plain), { code: 400, message: '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"' });
  assert.throws(ask(rich), { code: 400, message: 'field label not supported: spec.x' });
  assert.throws(() => parseFieldSelector('a=b,nonsense'), { message: "invalid selector: 'a=b,nonsense'; can't understand 'nonsense'" });
});
