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
      assert.deepEqual(new Map(now), mapOf(JSON.parse(JSON.stringify({ ...record, ...patch })) as Record<string, number>));
      const sorted = (diff: object) => Object.values(diff).map((list: unknown[][]) => list.map(String).toSorted());
      assert.deepEqual(sorted(keyedDiff(old, now)), sorted(keyedDiff(old, new Map(now))));
    }),
  );
});

test('every version stays what it was, however many come after it and in whatever order they are read', () => {
  fc.assert(
    fc.property(contents, fc.array(changes, { maxLength: 6 }), fc.array(fc.nat({ max: 6 }), { maxLength: 12 }), (record, patches, reads) => {
      const versions: ReadonlyMap<string, number>[] = [mapOf(record)];
      const records = [record];
      for (const patch of patches) {
        versions.push(patchMap(versions.at(-1)!, mapOf(patch)));
        records.push(JSON.parse(JSON.stringify({ ...records.at(-1), ...patch })) as Record<string, number>);
      }
      for (const read of reads) {
        const at = read % versions.length;
        const [version, expected] = [versions[at]!, mapOf(records[at]!)];
        for (const each of ['a', 'b', 'c', 'd', 'e']) assert.equal(version.get(each), expected.get(each));
        assert.equal(version.size, expected.size);
        if (read % 2 === 0) assert.deepEqual(new Map(version), expected);
        const newest = versions.at(-1)!;
        const sorted = (diff: object) => Object.values(diff).map((list: unknown[][]) => list.map(String).toSorted());
        assert.deepEqual(sorted(keyedDiff(version, newest)), sorted(keyedDiff(expected, new Map(newest))));
      }
    }),
  );
});

test('two maps patched from one know nothing of each other', () => {
  const one = new Map([['a', 1]]);
  const [two, three] = [patchMap(one, new Map([['b', 2]])), patchMap(one, new Map([['c', 3]]))];
  assert.deepEqual([new Map(two), new Map(three)], [new Map([['a', 1], ['b', 2]]), new Map([['a', 1], ['c', 3]])]);
  assert.equal(patchedKeys(two, three), undefined);
  assert.deepEqual(keyedDiff(two, three).added, [['c', 3]]);
});

test('the difference over several patches is theirs together', () => {
  const one = new Map([['a', 1]]);
  const three = patchMap(patchMap(one, new Map([['b', 2]])), new Map([['c', 3]]));
  assert.deepEqual(patchedKeys(one, three), ['b', 'c']);
});
