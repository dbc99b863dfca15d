import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { emptySortedMap, getSorted, removeSorted, setSorted, sortedFrom, sortedMapOf, sortedValues, type SortedMap } from './sorted-map.ts';

const step = fc.record({ key: fc.integer({ min: 0, max: 900 }).map((n) => `k${n}`), remove: fc.boolean(), value: fc.nat() });

test('a sorted map answers like a Map whose entries are sorted, after any steps', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 1500 }), (steps) => {
      const oracle = new Map<string, number>();
      let map: SortedMap<number> = emptySortedMap();
      for (const { key, remove, value } of steps) {
        if (remove) oracle.delete(key);
        else oracle.set(key, value);
        map = remove ? removeSorted(map, key) : setSorted(map, key, value);
      }
      const sorted = [...oracle].toSorted(([a], [b]) => (a < b ? -1 : 1));
      assert.deepEqual(sortedValues(map), sorted.map(([, value]) => value));
      assert.equal(map.size, oracle.size);
      for (const [key, value] of sorted) assert.equal(getSorted(map, key), value);
      assert.deepEqual([...sortedFrom(map, 'k5')], sorted.filter(([key]) => key >= 'k5'));
      assert.deepEqual(sortedValues(sortedMapOf(oracle)), sortedValues(map));
    }),
    { numRuns: 40 },
  );
});

test('an older map keeps its entries when a newer one changes', () => {
  const one = setSorted(emptySortedMap<number>(), 'a', 1);
  const two = setSorted(removeSorted(one, 'a'), 'b', 2);
  assert.deepEqual(sortedValues(one), [1]);
  assert.deepEqual(sortedValues(two), [2]);
  assert.equal(removeSorted(two, 'absent'), two);
});
