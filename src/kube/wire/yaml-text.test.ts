import assert from 'node:assert/strict';
import test from 'node:test';
import { ApiError } from '../meaning/api-error.ts';
import { parseYamlText } from './yaml-text.ts';

const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]', ...['b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name, i) => {
  const before = 'abcdefg'[i];
  return `${name}: &${name} [${Array.from({ length: 10 }, () => `*${before}`).join(', ')}]`;
})].join('\n');

const rows: [behaviour: string, text: string, value: unknown][] = [
  ['yes, no, on and off are booleans', 'a: yes\nb: off\nc: "no"', { a: true, b: false, c: 'no' }],
  ['a date stays a text', 'a: 2026-11-22', { a: '2026-11-22' }],
  ['JSON is YAML', '{"a": [1, null, "x"]}', { a: [1, null, 'x'] }],
  ['an alias repeats its anchor', 'a: &x {b: 1}\nc: *x', { a: { b: 1 }, c: { b: 1 } }],
  ['an empty text is null', ' \n', null],
];
for (const [behaviour, text, value] of rows) test(behaviour, () => assert.deepEqual(parseYamlText(text), value));

const refused: [behaviour: string, text: string][] = [
  ['aliases that multiply', bomb],
  ['an alias inside itself', 'a: &a [*a]'],
  ['a key given twice', 'a: 1\na: 2'],
  ['what is no YAML', 'a: [1'],
  ['nesting without end', '['.repeat(100_000)],
  ['two documents', 'a: 1\n---\nb: 2'],
];
for (const [behaviour, text] of refused) {
  test(`refused: ${behaviour}`, () => assert.throws(() => parseYamlText(text), (error) => error instanceof ApiError && error.code === 400));
}
