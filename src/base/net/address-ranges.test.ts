import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mergeRanges, printRange, rangeOf, subtractRanges } from './address-ranges.ts';

const merged = (...texts: string[]) => mergeRanges(texts.map(rangeOf)).map(printRange);
const without = (from: string, ...holes: string[]) => subtractRanges(rangeOf(from), holes.map(rangeOf)).map(printRange);

test('overlapping and neighbouring blocks become one', () => {
  assert.deepEqual(merged('10.0.1.0/24', '10.0.0.0/24', '10.0.0.7'), ['10.0.0.0/23']);
  assert.deepEqual(merged('10.0.0.1', '10.0.0.2', '10.0.0.4'), ['10.0.0.1-10.0.0.2', '10.0.0.4']);
  assert.deepEqual(merged('fd00::/64', 'fd00:0:0:1::/64'), ['fd00::/63']);
});

test('a block without holes inside, at its edges and across them', () => {
  assert.deepEqual(without('10.0.0.0/24', '10.0.0.0/26'), ['10.0.0.64-10.0.0.255']);
  assert.deepEqual(without('10.0.0.0/24', '10.0.0.128/25', '10.0.0.5'), ['10.0.0.0-10.0.0.4', '10.0.0.6-10.0.0.127']);
  assert.deepEqual(without('10.0.0.0/24', '10.0.0.0/8'), []);
  assert.deepEqual(without('10.0.0.0/24', '10.0.1.0/24'), ['10.0.0.0/24']);
});

test('the whole of a family prints as its prefix', () => {
  assert.equal(printRange(rangeOf('0.0.0.0/0')), '0.0.0.0/0');
  assert.deepEqual(without('::/0', '::1'), ['::', '::2-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff']);
});
