import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LabelSelector } from '../objects/meta.ts';
import { matchesPairs, matchesSelector, selectorFault } from './label-selector.ts';

const labels = { app: 'web', tier: 'front' };

const rows: [sentence: string, selector: LabelSelector | undefined, expected: boolean][] = [
  ['an absent selector means nobody', undefined, false],
  ['NP-13: an empty selector means everybody', {}, true],
  ['matchLabels are all needed', { matchLabels: { app: 'web', tier: 'back' } }, false],
  ['matchLabels that are all there select', { matchLabels: { app: 'web', tier: 'front' } }, true],
  ['In wants one of the values', { matchExpressions: [{ key: 'app', operator: 'In', values: ['db', 'web'] }] }, true],
  ['In fails without the key', { matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] }, false],
  ['NotIn holds without the key', { matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['a'] }] }, true],
  ['NotIn fails on a listed value', { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] }, false],
  ['Exists wants the key', { matchExpressions: [{ key: 'app', operator: 'Exists' }] }, true],
  ['DoesNotExist fails on the key', { matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] }, false],
  ['labels and expressions are joined by and', { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'x', operator: 'Exists' }] }, false],
  ['an unknown operator selects nobody', { matchExpressions: [{ key: 'app', operator: 'Is' as 'In', values: ['web'] }] }, false],
];

for (const [sentence, selector, expected] of rows) {
  test(sentence, () => assert.equal(matchesSelector(selector, labels), expected));
}

test('SVC-27: a Service selector needs every pair, and an empty one selects nobody', () => {
  assert.equal(matchesPairs({ app: 'web' }, labels), true);
  assert.equal(matchesPairs({ app: 'web', x: 'y' }, labels), false);
  assert.equal(matchesPairs({}, labels), false);
  assert.equal(matchesPairs(undefined, labels), false);
});

test('NP-49: a faulty requirement is named', () => {
  assert.equal(selectorFault({ matchExpressions: [{ key: 'a', operator: 'In', values: [] }] }), 'operator In of key a needs values');
  assert.equal(selectorFault({ matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] }), 'operator Exists of key a takes no values');
  assert.equal(selectorFault({ matchLabels: { a: 'b' } }), undefined);
});
