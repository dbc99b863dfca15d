import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { keyedDiff } from './keyed-diff.ts';
import { patchedKeys, patchMap } from './patched-map.ts';

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const contents = fc.dictionary(key, fc.integer({ min: 0, max: 3 }), { noNullPrototype: true });
const changes = fc.dictionary(key, fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }), { noNullPrototype: true });
const mapOf = <V>(record: Record<string, V>) => new Map(Object.entries(record));

test('a patched map differs from its origin as a map made anew does', () => {
  fc.assert(
    fc.property(contents, changes, (record, patch) => {
      const old = mapOf(record);
      const now = patchMap(old, mapOf(patch));
      assert.deepEqual(now, mapOf(JSON.parse(JSON.stringify({ ...record, ...patch })) as Record<string, number>));
      const sorted = (diff: object) => Object.values(diff).map((list: unknown[][]) => list.map(String).toSorted());
      assert.deepEqual(sorted(keyedDiff(old, now)), sorted(keyedDiff(old, new Map(now))));
    }),
  );
});

test('a patch tells nothing about maps other than its origin', () => {
  const one = new Map([['a', 1]]);
  const two = patchMap(one, new Map([['b', 2]]));
  const three = patchMap(two, new Map([['c', 3]]));
  assert.deepEqual(patchedKeys(two, three), ['c']);
  assert.equal(patchedKeys(one, three), undefined);
  assert.deepEqual(keyedDiff(one, three).added, [['b', 2], ['c', 3]]);
});
