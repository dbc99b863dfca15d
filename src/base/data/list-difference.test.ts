import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { listDifference } from './list-difference.ts';
import { removeSorted, setSorted, sortedMapOf, sortedValues, type SortedMap } from './sorted-map.ts';

interface Item {
  readonly key: string;
}

const keyOf = (n: number): string => `k${String(n).padStart(4, '0')}`;
const start = sortedMapOf(Array.from({ length: 1200 }, (_, n): [string, Item] => [keyOf(n), { key: keyOf(n) }]));
const step = fc.record({ key: fc.integer({ min: 0, max: 1300 }).map(keyOf), remove: fc.boolean() });
const after = (steps: readonly { key: string; remove: boolean }[], from: SortedMap<Item> = start): SortedMap<Item> =>
  steps.reduce((map, { key, remove }) => (remove ? removeSorted(map, key) : setSorted(map, key, { key })), from);

test('what came and went between two lists is told alike, whether they are compared by chunks or by items', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.array(step, { maxLength: 120 }), (first, second) => {
      const older = after(first);
      const [old, now] = [sortedValues(older), sortedValues(after(second, older))];
      const found = listDifference(old, now);
      assert.deepEqual(found, listDifference([...old], [...now]));
      assert.deepEqual(new Set(found?.removed), new Set(old.filter((item) => !now.includes(item))));
      assert.deepEqual(new Set(found?.added), new Set(now.filter((item) => !old.includes(item))));
    }),
    { numRuns: 60 },
  );
});

test('two lists that have little in common are not compared: whoever asks begins anew', () => {
  assert.equal(listDifference([{ key: 'a' }], [{ key: 'a' }, { key: 'b' }]), undefined);
});

test('a list that nobody holds any more is forgotten, though newer ones were compared with it', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const lists: (readonly Item[])[] = [sortedValues(start)];
  const first = new WeakRef(lists[0]!);
  for (let n = 0; n < 3; n++) {
    lists.push(sortedValues(setSorted(start, keyOf(n), { key: keyOf(n) })));
    listDifference(lists[n]!, lists[n + 1]!);
  }
  const newest = lists.pop()!;
  lists.length = 0;
  // A weak reference holds its list to the end of the turn in which it was made or asked.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  assert.equal(first.deref(), undefined);
  assert.equal(newest.length, start.size);
});
