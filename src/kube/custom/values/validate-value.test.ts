import assert from 'node:assert/strict';
import test from 'node:test';
import { fillDefaults } from './fill-defaults.ts';
import type { JsonSchema } from '../json-schema.ts';
import { prune } from './prune.ts';
import { validateLists } from './validate-lists.ts';
import { validateValue } from './validate-value.ts';

const listener: JsonSchema = {
  type: 'object',
  required: ['name', 'port'],
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 5, pattern: '^[a-z]+$' },
    port: { type: 'integer', format: 'int32', minimum: 1, maximum: 65535 },
    mode: { type: 'string', enum: ['Terminate', 'Passthrough'], default: 'Terminate' },
  },
};
const schema: JsonSchema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        listeners: { type: 'array', minItems: 1, maxItems: 2, items: listener, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] },
        words: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
        labels: { type: 'object', additionalProperties: { type: 'string' }, maxProperties: 1 },
        either: { type: 'object', properties: { a: { type: 'string' }, b: { type: 'string' } }, oneOf: [{ required: ['a'] }, { required: ['b'] }] },
        size: { 'x-kubernetes-int-or-string': true },
        when: { type: 'string', format: 'date-time' },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { known: { type: 'object', properties: {} } } },
        maybe: { type: 'string', nullable: true },
      },
    },
  },
};

const complaints = (spec: unknown, old?: unknown): string[] =>
  [...validateValue({ spec }, schema, { path: '', ...(old !== undefined && { old: { spec: old } }) }), ...validateLists({ spec }, schema)].map(({ field, message }) => `${field}: ${message}`);

const refused: [what: string, spec: unknown, text: string][] = [
  ['a missing field', { listeners: [{ name: 'a' }] }, 'spec.listeners[0].port: Required value'],
  ['a number that is too large', { listeners: [{ name: 'a', port: 70000 }] }, 'spec.listeners[0].port: Invalid value: 70000: spec.listeners[0].port in body should be less than or equal to 65535'],
  ['a list that is too short', { listeners: [] }, 'spec.listeners: Invalid value: 0: spec.listeners in body should have at least 1 items'],
  ['a list that is too long', { listeners: [{ name: 'a', port: 1 }, { name: 'b', port: 1 }, { name: 'c', port: 1 }] }, 'spec.listeners: Too many: 3: must have at most 2 items'],
  ['a text that does not match', { listeners: [{ name: 'A_', port: 1 }] }, "spec.listeners[0].name: Invalid value: \"A_\": spec.listeners[0].name in body should match '^[a-z]+$'"],
  ['a text that is too long', { listeners: [{ name: 'abcdef', port: 1 }] }, 'spec.listeners[0].name: Too long: may not be more than 5 bytes'],
  ['a word that is not in the list', { listeners: [{ name: 'a', port: 1, mode: 'Foo' }] }, 'spec.listeners[0].mode: Unsupported value: "Foo": supported values: "Terminate", "Passthrough"'],
  ['a value of the wrong type', { listeners: [{ name: 'a', port: 'x' }] }, 'spec.listeners[0].port: Invalid value: "string": spec.listeners[0].port in body must be of type integer: "string"'],
  ['the same key twice', { listeners: [{ name: 'a', port: 1 }, { name: 'a', port: 2 }] }, 'spec.listeners[1]: Duplicate value: map[string]interface {}{"name":"a"}'],
  ['the same word twice in a set', { words: ['a', 'b', 'a'] }, 'spec.words[2]: Duplicate value: "a"'],
  ['more keys than allowed', { labels: { a: '1', b: '2' } }, 'spec.labels: Too many: 2: must have at most 1 items'],
  ['none of two alternatives', { either: {} }, '<nil>: Invalid value: "": "spec.either" must validate one and only one schema (oneOf). Found none valid'],
  ['a fraction for a number or text', { size: 1.5 }, 'spec.size: Invalid value: "number": spec.size in body must be of type integer,string: "number"'],
  ['30 February', { when: '2024-02-30T00:00:00Z' }, 'spec.when: Invalid value: "2024-02-30T00:00:00Z": spec.when in body must be of type date-time: "2024-02-30T00:00:00Z"'],
];
for (const [what, spec, text] of refused) {
  test(`P1-4: ${what} is refused in upstream's words`, () => assert.equal(complaints(spec)[0], text));
}

const accepted: [what: string, spec: unknown][] = [
  ['a number or a text, either', { size: '10%' }],
  ['null where it is allowed', { maybe: null }],
  ['a leap day', { when: '2024-02-29T23:59:59.5+01:00' }],
  ['one of two alternatives', { either: { b: 'x' } }],
];
for (const [what, spec] of accepted) test(`P1-4: ${what} is accepted`, () => assert.deepEqual(complaints(spec), []));

test('an update may keep what the schema no longer allows, but not bring in more of it', () => {
  const old = { listeners: [{ name: 'A_', port: 70000 }], labels: { a: '1' } };
  assert.deepEqual(complaints({ ...old, words: ['x'] }, old), []);
  assert.equal(complaints({ listeners: [{ name: 'A_', port: 70001 }] }, old).length, 1);
});

test('pruning drops and names what the schema does not know', () => {
  const value = { apiVersion: 'a/v1', kind: 'K', metadata: { name: 'x', odd: 1 }, extra: 1, spec: { listeners: [{ name: 'a', foo: 1 }], labels: { any: 'x' }, free: { other: { deep: 1 }, known: { gone: 1 } }, __proto__x: 2 } };
  const pruned = prune(value, schema);
  assert.deepEqual(pruned.unknown, ['extra', 'spec.listeners[0].foo', 'spec.free.known.gone', 'spec.__proto__x']);
  assert.deepEqual(pruned.value.spec, { listeners: [{ name: 'a' }], labels: { any: 'x' }, free: { other: { deep: 1 }, known: {} } });
});

test('names of the language itself are no fields', () => {
  const pruned = prune(JSON.parse('{"spec":{"constructor":1,"__proto__":{"a":1},"toString":2}}') as object, schema);
  assert.deepEqual(pruned.unknown, ['spec.constructor', 'spec.__proto__', 'spec.toString']);
});

test('defaults fill what is missing, one level at a time, and nulls that are no values go', () => {
  assert.deepEqual(fillDefaults({ spec: { listeners: [{ name: 'a', mode: null }], maybe: null, when: null } }, schema), { spec: { listeners: [{ name: 'a', mode: 'Terminate' }], maybe: null } });
  assert.deepEqual(fillDefaults({}, schema), {});
});

test('an object with all its defaults stays the same object', () => {
  const complete = { spec: { listeners: [{ name: 'a', port: 1, mode: 'Terminate' }] } };
  assert.equal(fillDefaults(complete, schema), complete);
});
