import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deepEqual, keepIdentity, memoByIdentity } from './memo.ts';

interface Item {
  readonly name: string;
}

const items = (...names: string[]): Item[] => names.map((name) => ({ name }));

test('a result is remembered while the key and everything beside it are the same objects', () => {
  let made = 0;
  const label = memoByIdentity((item: Item, suffix: string) => `${item.name}${suffix}${(made += 1)}`);
  const [a] = items('a') as [Item];
  assert.equal(label(a, '!'), 'a!1');
  assert.equal(label(a, '!'), 'a!1');
  assert.equal(label(a, '?'), 'a?2');
  assert.equal(label({ ...a }, '?'), 'a?3');
});

test('equal entries keep the old identity, and an equal map is the old map', () => {
  const old = new Map([['a', { n: [1] }], ['b', { n: [2] }]]);
  assert.equal(keepIdentity(old, new Map([['b', { n: [2] }], ['a', { n: [1] }]])), old);
  const changed = keepIdentity(old, new Map([['a', { n: [1] }], ['b', { n: [3] }]]));
  assert.equal(changed.get('a'), old.get('a'));
  assert.deepEqual(changed.get('b'), { n: [3] });
  assert.equal(keepIdentity(old, new Map([['a', { n: [1] }]])).size, 1);
});

test('deep equality takes an undefined key for an absent one, and tells lists, maps and records apart', () => {
  assert.equal(deepEqual({ a: 1, b: undefined }, { a: 1 }), true);
  assert.equal(deepEqual([1], { 0: 1 }), false);
  assert.equal(deepEqual(new Map([['a', 1]]), new Map([['a', 2]])), false);
  assert.equal(deepEqual(new Set(['a']), new Set(['b'])), false);
  assert.equal(deepEqual(new Set(['a', 'b']), new Set(['b', 'a'])), true);
});
