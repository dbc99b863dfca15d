import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printAge, printDuration } from './duration.ts';

const minute = 60;
const hour = 3600;
const day = 24 * hour;
const rows: [seconds: number, text: string][] = [
  [0, '0s'],
  [119, '119s'],
  [120, '2m'],
  [9 * minute + 59, '9m59s'],
  [10 * minute + 5, '10m'],
  [179 * minute, '179m'],
  [3 * hour, '3h'],
  [7 * hour + 59 * minute, '7h59m'],
  [8 * hour + minute, '8h'],
  [47 * hour, '47h'],
  [48 * hour, '2d'],
  [7 * day + 23 * hour, '7d23h'],
  [8 * day, '8d'],
  [729 * day, '729d'],
  [730 * day, '2y'],
  [770 * day, '2y40d'],
  [8 * 365 * day, '8y'],
  [-1, '0s'],
  [-5, '<invalid>'],
];

for (const [seconds, text] of rows) test(`an age of ${seconds} s prints as ${text}`, () => assert.equal(printDuration(seconds * 1000), text));

test('an age without a timestamp is unknown', () => {
  assert.equal(printAge(undefined, new Date(0)), '<unknown>');
  assert.equal(printAge('1970-01-01T00:00:00Z', new Date(5000)), '5s');
});
