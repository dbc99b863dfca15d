import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonSchema } from '../json-schema.ts';
import { validateRules } from '../structural/rule-check.ts';

const text: JsonSchema = { type: 'string' };
const list = (items: JsonSchema, maxItems?: number): JsonSchema => ({ type: 'array', items, ...(maxItems !== undefined && { maxItems }) });
const map = (value: JsonSchema, maxProperties?: number): JsonSchema => ({ type: 'object', additionalProperties: value, ...(maxProperties !== undefined && { maxProperties }) });
const long = (maxLength: number): JsonSchema => ({ type: 'string', maxLength });
const ruled = (schema: JsonSchema, rule: string, more: object = {}): JsonSchema => ({ ...schema, 'x-kubernetes-validations': [{ rule, ...more }] });
const root = (spec: JsonSchema): JsonSchema => ({ type: 'object', properties: { spec } });

const complaints = (spec: JsonSchema): string[] => validateRules(root(spec), 'schema').map(({ field, message }) => `${field}: ${message}`);
const hint = '(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)';

/** How many items of so long texts a rule may look into: what kube-apiserver 1.36 accepts at most. */
const largest: readonly [maxLength: number, maxItems: number][] = [[16, 909_090], [63, 333_333], [253, 94_339], [1024, 24_154]];
for (const [maxLength, maxItems] of largest) {
  test(`${maxItems} texts of ${maxLength} letters may be searched, and one more may not`, () => {
    const searched = (items: number) => complaints(ruled(list(long(maxLength), items), "self.all(x, x.contains('gpu'))"));
    assert.deepEqual(searched(maxItems), []);
    assert.match(searched(maxItems + 1)[0]!, /estimated rule cost exceeds budget by factor of 1\.0000\d\dx/);
  });
}

test('a rule without bounds over a list of lists is refused three times: itself, as a part, and the whole', () => {
  assert.deepEqual(complaints(ruled(list(list(text)), "self.all(row, row.all(x, x.contains('a')))")), [
    `schema.properties[spec].x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x ${hint}`,
    'schema.properties[spec].x-kubernetes-validations[0].rule: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema',
    `schema: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x ${hint}`,
  ]);
});

test('a rule that stands in a list counts as often as the list is long', () => {
  const rule = 'self.a < self.b';
  const item = ruled({ type: 'object', properties: { a: { type: 'integer' }, b: { type: 'integer' } } }, rule);
  assert.deepEqual(complaints(list(item, 1000)), []);
  assert.match(complaints(list(list(list(item, 1000), 1000), 10)).join('\n'), /estimated rule cost exceeds budget by factor of 5\.0x/);
});

test('where a list above has no bound, a request’s size is the bound', () => {
  const costly = (shape: JsonSchema) => complaints(list(ruled(shape, "self.a.startsWith('abc')")));
  // 3 MiB hold fewer objects that must name their fields.
  assert.deepEqual(costly({ type: 'object', required: ['a', 'name'], properties: { a: text, name: text } }), []);
  assert.match(complaints(list(ruled({ type: 'object', properties: { a: text } }, 'self.a.size() + self.a.size() + self.a.size() + self.a.size() < 9'))).join('\n'), /estimated rule cost exceeds budget by factor of 1\.\d+x/);
});

test('many rules that are cheap enough one by one may be too much together; the most expensive are named', () => {
  const field = ruled(list(text, 400_000), "self.all(x, x == 'a')");
  const properties = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`f${i}`, field]));
  const said = complaints({ type: 'object', properties });
  assert.equal(said.length, 5);
  assert.equal(said.filter((one) => one.endsWith('contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema')).length, 4);
  assert.match(said[4]!, /^schema: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of 1\.\d{6}x/);
});

test('a message may cost too much as well', () => {
  const spec = ruled({ type: 'object', properties: { min: { type: 'integer' } } }, 'self.min > 0', { messageExpression: "'min (' + string(self.min) + ')'" });
  assert.match(complaints(spec)[0]!, /^schema\.properties\[spec\]\.x-kubernetes-validations\[0\]\.messageExpression: Forbidden: estimated messageExpression cost exceeds budget by factor of more than 100x/);
});

test('what was accepted once stays accepted: cost is no complaint about a schema that does not change', () => {
  const schema = root(ruled(list(list(text)), "self.all(row, row.all(x, x.contains('a')))"));
  assert.deepEqual(validateRules(schema, 'schema', { isOld: true }), []);
});

/** One bound or another makes each of these affordable, and none does not. */
const bounded: readonly [rule: string, free: JsonSchema, bound: JsonSchema][] = [
  ["self.exists(x, x.matches('^[a-z]+$'))", list(text), list(long(63), 100)],
  ["self.map(x, x + 'a').size() < 5", list(text), list(long(63), 100)],
  ['self.all(x, self.exists_one(y, y == x))', list(text), list(long(63), 200)],
  ['self.filter(x, isIP(x)).size() > 0', list(text), list(long(45), 100)],
  ["self.all(key, self[key].contains('abc'))", map(text), map(long(63), 100)],
  ["self.join(',').size() < 100", list(text), list(long(10), 100)],
  ["self.all(x, x.split('.').all(part, part.size() < 64))", list(text), list(long(253), 20)],
  ["self.all(i, x, i < 5 || x.contains('a'))", list(text), list(long(63), 100)],
  ['sets.contains(self, self)', list(text), list(long(63), 100)],
  ["self.all(x, quantity(x).isGreaterThan(quantity('0')))", list(text), list(long(20), 100)],
];
for (const [rule, free, bound] of bounded) {
  test(`${rule} needs a bound`, () => {
    assert.deepEqual(complaints(ruled(bound, rule)), []);
    assert.match(complaints(ruled(free, rule)).join('\n'), /estimated rule cost exceeds budget/);
  });
}
