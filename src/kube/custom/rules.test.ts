import assert from 'node:assert/strict';
import test from 'node:test';
import type { KubeObject } from '../objects/meta.ts';
import type { JsonSchema, ValidationRule } from './json-schema.ts';
import { validateByRules } from './rules.ts';
import { validateRules } from './structural/rule-check.ts';

const text: JsonSchema = { type: 'string' };

const properties: Record<string, JsonSchema> = {
  name: text,
  namespace: text,
  'max-size': { type: 'integer' },
  size: { type: 'integer' },
  ratio: { type: 'number' },
  port: { 'x-kubernetes-int-or-string': true },
  until: { type: 'string', format: 'date-time' },
  wait: { type: 'string', format: 'duration' },
  words: { type: 'array', 'x-kubernetes-list-type': 'set', items: text },
  items: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['id'], items: { type: 'object', properties: { id: text, value: text } } },
  labels: { type: 'object', additionalProperties: text },
  list: { type: 'array', items: { type: 'integer' } },
};

const schemaWith = (...rules: (string | ValidationRule)[]): JsonSchema => ({
  type: 'object',
  properties: { spec: { type: 'object', properties, 'x-kubernetes-validations': rules.map((rule) => (typeof rule === 'string' ? { rule } : rule)) } },
});

const objectOf = (spec: object) => ({ apiVersion: 'a.b/v1', kind: 'K', metadata: { name: 'x' }, spec }) as KubeObject;
const complaints = (rule: string | ValidationRule, spec: object, old?: object): string[] =>
  validateByRules(objectOf(spec), schemaWith(rule), old && objectOf(old)).map(({ field, message }) => `${field}: ${message}`);

const holds: [what: string, rule: string, spec: object, old?: object][] = [
  ['integers are int', 'self.size % 2 == 0 && self.size / 4 == 2', { size: 8 }],
  ['numbers are double, also whole ones', 'self.ratio * 0.5 == 1.0', { ratio: 2 }],
  ['a field named like a keyword is escaped', "self.__namespace__ == 'n' && self.max__dash__size == 3", { namespace: 'n', 'max-size': 3 }],
  ['int-or-string is what it is', "type(self.port) == int ? self.port > 0 : self.port.endsWith('%')", { port: '10%' }],
  ['times compare as times', "self.until > timestamp('2024-01-01T00:00:00Z') && self.wait < duration('2m')", { until: '2024-01-01T01:00:00+00:30', wait: '90s' }],
  ['sets are equal in any order', 'self.words == oldSelf.words', { words: ['a', 'b'] }, { words: ['b', 'a'], size: 1 }],
  ['sets join without repeating', "(self.words + ['b']).size() == 2", { words: ['a', 'b'] }],
  ['maps of items are equal in any order', 'self.items == oldSelf.items', { items: [{ id: '1' }, { id: '2' }] }, { items: [{ id: '2' }, { id: '1' }], size: 1 }],
  ['additional properties are a map', "self.labels.all(key, self.labels[key] != '') && 'a' in self.labels", { labels: { a: 'x' } }],
  ['an absent field can be asked for', "!has(self.name) && self.?name.orValue('none') == 'none'", {}],
  ['two variables walk lists and maps', 'self.list.all(i, v, v == i) && self.labels.exists(k, v, k == v)', { list: [0, 1, 2], labels: { x: 'x' } }],
  ['regular expressions are RE2', "self.name.matches('^(?i)[a-z]+$')", { name: 'ABC' }],
  ['addresses', "ip('10.0.0.1').family() == 4 && cidr('10.0.0.0/8').containsIP(ip('10.1.2.3')) && isCIDR('::/0') && !isIP('010.0.0.1')", {}],
  ['URLs', "url('https://user@example.com:80/path?k=v').getHostname() == 'example.com' && url('https://a.b/c?k=v').getQuery()['k'] == ['v'] && !isURL('x')", {}],
  ['quantities', "quantity('1.5Gi').isGreaterThan(quantity('1500M')) && quantity('100m').add(quantity('1')).compareTo(quantity('1.1')) == 0", {}],
  ['formats', "!format.dns1123Label().validate('abc').hasValue() && format.named('uuid').hasValue()", {}],
  ['sorted, summed, least', 'self.list.isSorted() && self.list.sum() == 6 && self.list.min() == 1 && self.list.indexOf(2) == 1', { list: [1, 2, 3] }],
  ['sets of lists', 'sets.contains(self.list, [1]) && sets.equivalent(self.list, [2, 1, 1]) && !sets.intersects(self.list, [9])', { list: [1, 2] }],
  ['finding in texts', "self.name.find('[0-9]+') == '12' && self.name.findAll('[0-9]+') == ['12', '3']", { name: 'a12b3' }],
];
for (const [what, rule, spec, old] of holds) test(`CEL in rules: ${what}`, () => assert.deepEqual(complaints(rule, spec, old), []));

test('a rule about changes is silent at creation; with optionalOldSelf it is not', () => {
  assert.deepEqual(complaints('self.size >= oldSelf.size', { size: 1 }), []);
  assert.deepEqual(complaints('self.size >= oldSelf.size', { size: 1 }, { size: 2 }), ['spec: Invalid value: "object": failed rule: self.size >= oldSelf.size']);
  const rule = { rule: 'oldSelf.hasValue() || self.size == 1', optionalOldSelf: true };
  assert.deepEqual(complaints(rule, { size: 1 }), []);
  assert.equal(complaints(rule, { size: 2 }).length, 1);
  assert.deepEqual(complaints(rule, { size: 2 }, { size: 3 }), []);
});

test('what broke a rule before it was made may stay as it is', () => {
  assert.deepEqual(complaints('self.size > 5', { size: 1 }, { size: 1 }), []);
  assert.equal(complaints('self.size > 5', { size: 2 }, { size: 1 }).length, 1);
});

test('a rule that breaks down says how, under its message', () => {
  assert.deepEqual(complaints({ rule: 'self.name == "x"', message: 'must be x' }, {}), ['spec: Invalid value: "object": no such key: name evaluating rule: must be x']);
});

test('a rule that would run for ever is cut off', () => {
  const deep = 'self.list.all(a, self.list.all(b, self.list.all(c, self.list.all(d, self.list.all(e, a + b + c + d + e >= 0)))))';
  const [complaint] = complaints(deep, { list: Array.from({ length: 100 }, (_, i) => i) });
  assert.match(complaint!, /operation cancelled: actual cost limit exceeded/);
});

const wrongRules: [what: string, rule: ValidationRule, text: RegExp][] = [
  ['an unknown field', { rule: 'self.nope' }, /compilation failed: ERROR: <input>:1:5: undefined field 'nope'\n \| self\.nope\n \| \.\.\.\.\^/],
  ['types that do not go together', { rule: "self.size == 'x'" }, /found no matching overload for '_==_' applied to '\(int, string\)'/],
  ['an unknown function', { rule: 'frobnicate(self)' }, /undeclared reference to 'frobnicate' \(in container ''\)/],
  ['no bool', { rule: 'self.size' }, /cel expression must evaluate to a bool/],
  ['a message that is no text', { rule: 'true', messageExpression: '1' }, /messageExpression must evaluate to a string/],
  ['a field path that leads nowhere', { rule: 'true', fieldPath: '.nope' }, /fieldPath must be a valid path/],
  ['half an expression', { rule: 'self.size >' }, /Syntax error: mismatched input '<EOF>'/],
];
for (const [what, rule, wanted] of wrongRules) {
  test(`a rule with ${what} is refused with its definition`, () => {
    const errors = validateRules(schemaWith(rule), 'schema').map(({ field, message }) => `${field}: ${message}`);
    assert.match(errors.join('\n'), wanted);
    assert.match(errors[0]!, /^schema\.properties\[spec\]\.x-kubernetes-validations\[0\]\./);
  });
}

test('a rule cannot ask for the old item of a list that does not know its items', () => {
  const items = { type: 'object', properties: { a: text }, 'x-kubernetes-validations': [{ rule: 'self.a == oldSelf.a' }] } as const;
  const errors = validateRules({ type: 'object', properties: { list: { type: 'array', items } } }, 'schema');
  assert.match(errors[0]!.message, /oldSelf cannot be used on the uncorrelatable portion of the schema within schema\.properties\[list\]/);
});
