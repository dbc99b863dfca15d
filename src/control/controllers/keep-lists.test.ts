import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { KubeObject } from '../../kube/objects/meta.ts';
import { objectKey } from '../../kube/store/store.ts';
import { groupKeeping } from './keep-lists.ts';

type Item = KubeObject & { groups: readonly string[] };

const item = fc.record({ name: fc.integer({ min: 0, max: 40 }).map((n) => `o${n}`), groups: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 3 }) });
const step = fc.record({ put: item, remove: fc.boolean() });

const groupsOf = ({ groups }: Item) => groups;
const plain = (items: readonly Item[]) => {
  const groups = new Map<string, Item[]>();
  for (const one of items) for (const key of one.groups) groups.set(key, [...(groups.get(key) ?? []), one]);
  return groups;
};

test('groups after any changes are those of a grouping from scratch, and untouched groups stay the same arrays', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.integer({ min: 1, max: 6 }), (steps, stride) => {
      const grouped = groupKeeping(groupsOf);
      const objects = new Map<string, Item>();
      let before = new Map<string, readonly Item[]>();
      for (const [index, { put, remove }] of steps.entries()) {
        const made: Item = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: put.name, namespace: 'default' }, groups: put.groups };
        if (remove) objects.delete(put.name);
        else objects.set(put.name, made);
        if (index % stride > 0) continue;
        const now = grouped([...objects.values()].toSorted((a, b) => (objectKey(a) < objectKey(b) ? -1 : 1)));
        const expected = plain([...objects.values()].toSorted((a, b) => (objectKey(a) < objectKey(b) ? -1 : 1)));
        assert.deepEqual(new Map([...now].toSorted()), new Map([...expected].toSorted()));
        for (const [key, group] of now) {
          const old = before.get(key);
          if (old && old.length === group.length && old.every((one, i) => one === group[i])) assert.equal(group, old);
        }
        before = new Map(now);
      }
    }),
  );
});

test('another argument groups anew', () => {
  const grouped = groupKeeping((one: Item, suffix: string) => one.groups.map((key) => key + suffix));
  const items: Item[] = [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, groups: ['a'] }];
  assert.deepEqual([...grouped(items, '1').keys()], ['a1']);
  assert.deepEqual([...grouped(items, '2').keys()], ['a2']);
});
