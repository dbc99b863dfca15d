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
