// Schemas, objects and expressions that nobody would write: judged or refused, never a crash and never for ever.
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { deepFreeze } from '../../base/data/freeze.ts';
import { compileExpression } from './cel.ts';
import { Budget } from './cel/environment.ts';
import { CompileError } from './cel/syntax.ts';
import { dyn } from './cel/types.ts';
import { EvalError, OutOfBudget } from './cel/values.ts';
import { schemaValue } from './cel/schema-type.ts';
import { customMessage } from './custom-message.ts';
import type { JsonSchema } from './json-schema.ts';
import { validateStructure } from './structural/structure.ts';
import { validateRules } from './structural/rule-check.ts';
import { fillDefaults } from './values/fill-defaults.ts';
import { prune } from './values/prune.ts';
import { validateLists } from './values/validate-lists.ts';
import { validateValue } from './values/validate-value.ts';

// FUZZ_RUNS, as in test/habits/fuzz-run.ts: what a test run allows, or as many as are wished.
const runs = (ordinary: number): number => Number(process.env['FUZZ_RUNS'] ?? ordinary);
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

const key = fc.constantFrom('a', 'b', 'spec', '__proto__', 'constructor', 'x-y', 'namespace');
const limits = fc.record({ minLength: fc.nat(3), maxLength: fc.nat(5), minimum: fc.integer(), pattern: fc.constantFrom('^a+$', '(', '(a|b)*c', '\\d'), format: fc.constantFrom('date-time', 'ipv4', 'odd'), nullable: fc.boolean(), default: fc.jsonValue({ maxDepth: 2 }) }, { requiredKeys: [] });

const { schema } = fc.letrec<{ schema: JsonSchema }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3 },
    fc.tuple(fc.constantFrom('string', 'integer', 'number', 'boolean'), limits).map(([type, more]) => ({ ...more, type }) as JsonSchema),
    fc.record({ type: fc.constant('array'), items: tie('schema'), maxItems: fc.nat(3), 'x-kubernetes-list-type': fc.constantFrom('set', 'atomic', 'map'), 'x-kubernetes-list-map-keys': fc.array(key, { maxLength: 2 }) }, { requiredKeys: ['type', 'items'] }),
    fc.record({ type: fc.constant('object'), properties: fc.dictionary(key, tie('schema'), { maxKeys: 3 }), required: fc.array(key, { maxLength: 2 }), 'x-kubernetes-preserve-unknown-fields': fc.constant(true) }, { requiredKeys: ['type'] }),
    fc.record({ type: fc.constant('object'), additionalProperties: tie('schema') }),
    fc.constant({ 'x-kubernetes-int-or-string': true } as JsonSchema),
  ) as fc.Arbitrary<JsonSchema>,
}));

const rootOf = (inner: JsonSchema): JsonSchema => deepFreeze({ type: 'object', properties: { spec: inner } });

test(`any structural schema prunes, completes and judges any object, and does so once and for all (seed ${seed})`, () => {
  let judged = 0;
  fc.assert(
    fc.property(schema, fc.jsonValue({ maxDepth: 4 }), (inner, spec) => {
      const root = rootOf(inner);
      if (validateStructure(root, 'schema').length > 0) return;
      judged += 1;
      const object = deepFreeze({ apiVersion: 'a/v1', kind: 'K', metadata: { name: 'x' }, spec });
      const pruned = prune(object, root).value;
      assert.deepEqual(prune(pruned, root).unknown, []);
      const complete = fillDefaults(pruned, root);
      assert.deepEqual(fillDefaults(complete, root), complete);
      validateLists(complete, root);
      validateValue(complete, root);
      assert.deepEqual(validateValue(complete, root, { path: '', old: structuredClone(complete) }), [], 'what did not change is not judged');
      customMessage('K', root).fields.get('spec');
    }),
    { numRuns: runs(2000), seed },
  );
  assert.ok(judged > 200, `only ${judged} schemas were structural`);
});

const expressions = [
  "self.all(x, x.name == 'a' && has(x.b) ? x.c > 1 : true)",
  "[1, 2u, 3.0].map(a, {'k': a}).filter(m, 'k' in m)[0].k == 1",
  "'%s %d %.3f'.format(['a', 1, 2.5]) + r'\\d'.replace('a', b'x' == b'y' ? '' : 'z')",
  'optional.of(self).?a[?0].orValue(-9223372036854775808) % 3 != 0 || !false',
  "duration('1h') < timestamp('2024-01-01T00:00:00Z') - timestamp(0) && cidr('::/0').containsIP('::1')",
];
const pieces = ['(', ')', '[', ']', '{', '}', '.', '?', ':', ',', '-', '!', '&&', '||', "'", '"', '"""', '\\', '`', '0x', '1e', 'u', ' in ', 'self', 'has(', '.all(x, ', '.map(x, x', ' ? ', '\n', '//', '😀', '\u0000'];
const mutated = fc.tuple(fc.constantFrom(...expressions), fc.array(fc.tuple(fc.nat(80), fc.nat(6), fc.constantFrom(...pieces)), { maxLength: 6 }))
  .map(([expression, edits]) => edits.reduce((text, [at, length, piece]) => text.slice(0, at) + piece + text.slice(at + length), expression));

const refusals = [CompileError, EvalError, OutOfBudget];

test(`any text is an expression that runs within its budget, or a refusal (seed ${seed})`, () => {
  fc.assert(
    fc.property(mutated, (text) => {
      try {
        compileExpression(text, new Map([['self', dyn]])).run({ self: [new Map([['name', 'a']])] }, new Budget(10_000));
      } catch (error) {
        assert.ok(refusals.some((kind) => error instanceof kind), `${text}: ${(error as Error).stack}`);
      }
    }),
    { numRuns: runs(3000), seed },
  );
});

test('expressions that nest or run on are refused before they exhaust anything', () => {
  const monsters = ['('.repeat(100_000), '['.repeat(50_000), '!'.repeat(50_000), '-'.repeat(50_000) + '1', 'a' + '.b'.repeat(40_000), '1' + '+1'.repeat(40_000), 'true ? '.repeat(10_000), "'".repeat(99_999), 'self' + '[0]'.repeat(30_000), 'x.map(x, '.repeat(5000)];
  for (const monster of monsters) assert.throws(() => compileExpression(monster, new Map([['self', dyn]])), CompileError, monster.slice(0, 20));
});

const large = new Map<string, unknown>([
  ['text', 'ab'.repeat(500_000)],
  ['bytes', new Uint8Array(1_000_000)],
  ['list', Array.from({ length: 100_000 }, (_, i) => BigInt(i))],
  ['turns', Array.from({ length: 1000 }, (_, i) => BigInt(i))],
]);
const walks = [
  'self.list.slice(0, 100000).size() > 0', 'self.list == self.list', 'self.list.reverse().size() > 0', 'self.list.indexOf(-1) < 0', 'self.list.sum() > 0', '(self.list + self.list).size() > 0', '!(-1 in self.list)', 'self.list.all(x, x >= 0)',
  'bytes(self.text).size() > 0', "string(self.bytes) != ''", "format.dns1123Label().validate(self.text).hasValue()", "self.text.substring(1) != ''", "self.text.reverse() != ''", "self.text.split('').size() > 0", "self.text.split('b').size() > 0", "self.text.indexOf('c') < 0", "strings.quote(self.text) != ''", "self.text.replace('a', 'bbb') != ''", "self.text.matches('^(a|b)*$')", "self.text.findAll('b').size() > 0", "'%s'.format([self.text]) != ''", 'self.text.size() > 0', "self.text.lowerAscii() != ''",
];
for (const walk of walks) {
  test(`what walks a large value is paid for by its size: ${walk}`, () => {
    const program = compileExpression(`self.turns.all(turn, ${walk})`, new Map([['self', dyn]]));
    assert.throws(() => program.run({ self: large }, new Budget(1_000_000)), OutOfBudget);
  });
}

test('sets and maps of twenty thousand items are compared and joined item by item, in any order', () => {
  const schema: JsonSchema = {
    type: 'object',
    properties: {
      set: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
      map: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['n'], items: { type: 'object', properties: { n: { type: 'integer' }, v: { type: 'string' } } } },
    },
  };
  const names = Array.from({ length: 20_000 }, (_, n) => n);
  const object = { set: names.map((n) => `s${n}`), map: names.map((n) => ({ n, v: 'x' })) };
  const values = { self: schemaValue(object, schema), oldSelf: schemaValue({ set: object.set.toReversed(), map: object.map.toReversed() }, schema) };
  const variables = new Map([['self', dyn], ['oldSelf', dyn]]);
  const run = (text: string): unknown => compileExpression(text, variables).run(values, new Budget(10_000_000));
  assert.equal(run('self.set == oldSelf.set && self.map == oldSelf.map'), true);
  assert.equal(run('(self.set + oldSelf.set).size() == 20000 && (self.map + oldSelf.map).size() == 20000'), true);
  assert.equal(run("self.set == ['a']"), false);
});

test(`rules over any structural schema compile or are refused (seed ${seed})`, () => {
  fc.assert(
    fc.property(schema, mutated, (inner, rule) => {
      const root = rootOf({ type: 'object', properties: { a: inner }, 'x-kubernetes-validations': [{ rule }] });
      if (validateStructure(root, 'schema').length === 0) validateRules(root, 'schema');
    }),
    { numRuns: runs(500), seed },
  );
});
