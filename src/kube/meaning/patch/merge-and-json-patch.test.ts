import assert from 'node:assert/strict';
import test from 'node:test';
import jsonpatch from 'fast-json-patch';
import * as fc from 'fast-check';
import { deepFreeze } from '../../../base/data/freeze.ts';
import type { KubeObject } from '../../objects/meta.ts';
import { ApiError } from '../api-error.ts';
import { jsonPatch } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';

const object = (value: object): KubeObject => deepFreeze(value) as unknown as KubeObject;

// The examples of RFC 7386, appendix A, that patch an object with an object.
const merges: [before: object, patch: object, after: object][] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  [{}, JSON.parse('{"__proto__":{"x":1}}') as object, JSON.parse('{"__proto__":{"x":1}}') as object],
];
for (const [before, patch, after] of merges) {
  test(`RFC 7386: ${JSON.stringify(patch)} on ${JSON.stringify(before)} gives ${JSON.stringify(after)}`, () =>
    assert.deepEqual(mergePatch(object(before), patch), after));
}
test('a merge patch that is no object is refused', () => assert.throws(() => mergePatch(object({}), []), ApiError));

const operations: [behaviour: string, patch: unknown[], after: object][] = [
  ['add puts a key', [{ op: 'add', path: '/b', value: 1 }], { a: ['x', 'y'], b: 1 }],
  ['add to a list puts an item before another', [{ op: 'add', path: '/a/1', value: 'z' }], { a: ['x', 'z', 'y'] }],
  ['- is the end of a list', [{ op: 'add', path: '/a/-', value: 'z' }], { a: ['x', 'y', 'z'] }],
  ['a test that holds lets the rest happen', [{ op: 'test', path: '/a/0', value: 'x' }, { op: 'remove', path: '/a/0' }], { a: ['y'] }],
  ['~1 is a slash', [{ op: 'add', path: '/k~1x', value: 1 }], { a: ['x', 'y'], 'k/x': 1 }],
  ['copy copies a whole, which then has a life of its own', [{ op: 'copy', from: '/a', path: '/b' }, { op: 'add', path: '/b/-', value: 'z' }], { a: ['x', 'y'], b: ['x', 'y', 'z'] }],
  ['replace takes the place of a list item', [{ op: 'replace', path: '/a/0', value: { k: 1 } }], { a: [{ k: 1 }, 'y'] }],
  ['move in a list counts places after taking out', [{ op: 'move', from: '/a/0', path: '/a/1' }], { a: ['y', 'x'] }],
  ['~01 is ~1', [{ op: 'add', path: '/k~01', value: 1 }], { a: ['x', 'y'], 'k~1': 1 }],
  ['the empty path is the whole object', [{ op: 'add', path: '', value: { b: 1 } }], { b: 1 }],
  ['the empty key is a key', [{ op: 'add', path: '/', value: 1 }], { a: ['x', 'y'], '': 1 }],
  ['a test for null holds where nothing is', [{ op: 'test', path: '/b', value: null }, { op: 'add', path: '/b', value: null }, { op: 'test', path: '/b', value: null }], { a: ['x', 'y'], b: null }],
  ['a move to where it is already changes nothing', [{ op: 'move', from: '/a/0', path: '/a/0' }, { op: 'move', from: '', path: '' }], { a: ['x', 'y'] }],
  ['move moves', [{ op: 'move', from: '/a/0', path: '/b' }], { a: ['y'], b: 'x' }],
];
for (const [behaviour, patch, after] of operations) {
  test(`JSON patch: ${behaviour}`, () => assert.deepEqual(jsonPatch(object({ a: ['x', 'y'] }), patch), after));
}

const hopeless: [behaviour: string, patch: unknown, code: number][] = [
  ['a test that fails', [{ op: 'test', path: '/a/0', value: 'y' }], 422],
  ['removing what is not there', [{ op: 'remove', path: '/nope' }], 422],
  ['replacing what is not there', [{ op: 'replace', path: '/nope', value: 1 }], 422],
  ['an index beyond the end', [{ op: 'add', path: '/a/9', value: 1 }], 422],
  ['an unknown operation', [{ op: 'burn', path: '/a' }], 422],
  ['an operation without a path', [{ op: 'add', value: 1 }], 422],
  ['the prototype', [{ op: 'add', path: '/__proto__/polluted', value: 1 }], 422],
  ['the constructor’s prototype', [{ op: 'add', path: '/constructor/prototype/polluted', value: 1 }], 422],
  ['an object replaced by a scalar', [{ op: 'replace', path: '', value: 3 }], 422],
  ['an index that is no number', [{ op: 'replace', path: '/a/x', value: 1 }], 422],
  ['the end of a list where something must be', [{ op: 'remove', path: '/a/-' }], 422],
  ['a step into a text', [{ op: 'add', path: '/a/0/length', value: 1 }], 422],
  ['an inherited key', [{ op: 'test', path: '/toString/name', value: 'toString' }], 422],
  ['moving a thing into itself', [{ op: 'move', from: '/a', path: '/a/0' }], 422],
  ['moving everything into a part of it', [{ op: 'move', from: '', path: '/a' }], 422],
  ['moving a list into its own item by another path', [{ op: 'move', from: '/a', path: '/a/0/b' }], 422],
  ['moving what is not there', [{ op: 'move', from: '/nope', path: '/b' }], 422],
  ['removing everything', [{ op: 'remove', path: '' }], 422],
  ['a path without its slash', [{ op: 'add', path: 'a', value: 1 }], 422],
  ['an add without a value', [{ op: 'add', path: '/b' }], 422],
  ['nesting that grows by moving', Array.from({ length: 2000 }, (_, i) => [{ op: 'add', path: '/n', value: {} }, ...(i > 0 ? [{ op: 'move', from: '/o', path: '/n/n' }] : []), { op: 'move', from: '/n', path: '/o' }]).flat(), 422],
  ['no list', { op: 'add' }, 400],
  ['more than 10,000 operations', Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/a/0', value: 'x' })), 413],
  ['copies of copies without end', Array.from({ length: 64 }, (_, i) => ({ op: 'copy', from: '/a', path: `/a/${i % 2}` })), 422],
];
for (const [behaviour, patch, code] of hopeless) {
  test(`JSON patch refuses ${behaviour}`, () => {
    assert.throws(() => jsonPatch(object({ a: ['x', 'y'] }), patch), (error) => error instanceof ApiError && error.code === code);
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  });
}

test('JSON patch: a patch that is applied again, because another write came between, does the same again', () => {
  const patch = [{ op: 'add', path: '/b', value: [] }, { op: 'add', path: '/b/-', value: { k: 1 } }, { op: 'add', path: '/b/0/k', value: 2 }];
  const once = jsonPatch(object({}), patch);
  assert.deepEqual(jsonPatch(object({}), patch), once);
});

test('JSON patch: ten thousand inserts in front of a long list are refused before they cost much', () => {
  const list = Array.from({ length: 500_000 }, () => 0);
  const patch = Array.from({ length: 10_000 }, () => ({ op: 'add', path: '/a/0', value: 0 }));
  assert.throws(() => jsonPatch(object({ a: list }), patch), (error) => error instanceof ApiError && error.code === 422);
});

test('the patch from one object to another, applied to the one, gives the other', () => {
  const anyObject = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { noNullPrototype: true }).map((value) => JSON.parse(JSON.stringify(value)) as object);
  fc.assert(
    fc.property(anyObject, anyObject, (one, other) => {
      fc.pre(!JSON.stringify([one, other]).includes('__proto__'));
      const patch = jsonpatch.compare(one, other);
      assert.deepEqual(jsonPatch(object(one), patch), other);
    }),
  );
});
