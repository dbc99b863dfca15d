// Whatever a stranger sends, what reads it answers: a value or a refusal, within bounds of work and memory, never a crash.
// FUZZ_RUNS sets how many inputs each gets (`npm run soak` gives more, and looks at the time); SEED repeats a run.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { deepFreeze } from '../../src/base/data/freeze.ts';
import { compileExpression } from '../../src/kube/custom/cel.ts';
import { Budget } from '../../src/kube/custom/cel/environment.ts';
import { CompileError } from '../../src/kube/custom/cel/syntax.ts';
import { dyn } from '../../src/kube/custom/cel/types.ts';
import { EvalError, OutOfBudget } from '../../src/kube/custom/cel/values.ts';
import { podKind } from '../../src/kube/kinds/pod.ts';
import { ApiError } from '../../src/kube/meaning/api-error.ts';
import { fieldMatcher, parseFieldSelector } from '../../src/kube/meaning/field-selectors.ts';
import { matchesSelector } from '../../src/kube/meaning/label-selector.ts';
import { parseLabelSelector } from '../../src/kube/meaning/label-selector-text.ts';
import { jsonPatch } from '../../src/kube/meaning/patch/json-patch.ts';
import { mergePatch } from '../../src/kube/meaning/patch/merge-patch.ts';
import { applyPatch, trackUpdate } from '../../src/kube/meaning/patch/server-side-apply.ts';
import { strategicMergePatch } from '../../src/kube/meaning/patch/strategic-merge.ts';
import type { Pod } from '../../src/kube/objects/core.ts';
import type { ManagedFieldsEntry } from '../../src/kube/objects/meta.ts';
import { checkTypes } from '../../src/kube/wire/check-fields.ts';
import { duplicateKeys } from '../../src/kube/wire/json-keys.ts';
import { parseJsonText } from '../../src/kube/wire/json-text.ts';
import { decodeProtobuf, encodeProtobuf } from '../../src/kube/wire/protobuf.ts';
import { parseYamlText } from '../../src/kube/wire/yaml-text.ts';
import { createMeter, fuzzRuns, fuzzSeed as seed } from './fuzz-run.ts';

const numRuns = fuzzRuns(400);

const container = { name: 'c', image: 'i', ports: [{ containerPort: 80, protocol: 'TCP' }], env: [{ name: 'A', value: 'b' }] };
const pod = deepFreeze({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', labels: { app: 'web' }, finalizers: ['x/y'] }, spec: { containers: [container] } }) as unknown as Pod;
const whole = encodeProtobuf(pod)!;

/** A right body with some bytes changed, taken out or put in. */
const damaged = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255), fc.constantFrom('set', 'set', 'set', 'cut', 'add')), { minLength: 1, maxLength: 4 }).map((changes) => {
  const bytes = [...whole];
  for (const [at, value, how] of changes) bytes.splice(at, how === 'add' ? 0 : 1, ...(how === 'cut' ? [] : [value]));
  return Uint8Array.from(bytes);
});
const headed = fc.uint8Array({ maxLength: 2000 }).map((bytes) => Uint8Array.from([0x6b, 0x38, 0x73, 0, ...bytes]));

const wordsOf = (words: readonly string[], most: number) => fc.array(fc.constantFrom(...words), { maxLength: most }).map((parts) => parts.join(''));
const selectorText = wordsOf(['a', 'app', '=', '==', '!=', ',', ' in ', ' notin ', '(', ')', '!', ' ', 'x/y', '-', '.', '\\', '\n', 'ü', 'metadata.name', 'spec.nodeName', 'constructor'], 40);
const yamlText = wordsOf(['a', ': ', '- ', '\n', '  ', '&x ', '*x', '{', '}', '[', ']', '"', "'", '|', '>', '!!', '#', ',', '? ', '<<: ', '---\n', '\t', '1e9', '~'], 200);
const manifest = JSON.stringify(pod, undefined, 1);
/** A manifest with pieces of YAML put in the place of others. */
const yamlBody = fc.array(fc.tuple(fc.nat(manifest.length), fc.nat(12), yamlText), { minLength: 1, maxLength: 4 })
  .map((edits) => edits.reduce((text, [at, length, piece]) => text.slice(0, at) + piece.slice(0, 20) + text.slice(at + length), manifest));

const pointer = wordsOf(['/metadata', '/spec', '/containers', '/0', '/-', '/~0', '/~1', '/name', '/', '', '/99999999', '/__proto__', '/constructor'], 6);
const operations = fc.array(fc.record({ op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'x'), path: pointer, from: pointer, value: fc.jsonValue() }, { requiredKeys: ['op'] }), { maxLength: 8 });

// What merges by the schema: fields and items that the pod has, directives among them, anything as values.
const directive = fc.constantFrom('$patch', '$retainKeys', '$setElementOrder/containers', '$setElementOrder/ports', '$deleteFromPrimitiveList/finalizers', '$setElementOrder/finalizers');
const field = fc.oneof({ weight: 5, arbitrary: fc.constantFrom('metadata', 'spec', 'containers', 'ports', 'env', 'labels', 'finalizers', 'name', 'containerPort', 'protocol', 'volumes', 'value', 'image', '__proto__') }, { weight: 2, arbitrary: directive });
const small = fc.constantFrom<unknown>(null, 'c', 'A', 'web', 'delete', 'replace', 'merge', 'TCP', 80, 81, true, {}, []);
const { partial } = fc.letrec<{ partial: unknown }>((tie) => ({
  partial: fc.oneof({ maxDepth: 5, depthSize: 'medium' }, small, fc.dictionary(field, tie('partial'), { maxKeys: 4, noNullPrototype: true }), fc.array(tie('partial'), { maxLength: 3 })),
}));
const patchOfPod = fc.record({ metadata: partial, spec: fc.record({ containers: fc.array(fc.dictionary(field, partial, { maxKeys: 4, noNullPrototype: true }), { maxLength: 3 }), '$setElementOrder/containers': partial, x: partial }, { requiredKeys: [] }), $patch: small }, { requiredKeys: [] });

const step = fc.oneof(fc.constantFrom('.', 'f:spec', 'f:containers', 'k:{"name":"c"}', 'f:image', 'f:metadata', 'f:finalizers', 'v:"x/y"', 'i:0', 'k:{', 'v:', 'f:', 'x'), fc.string({ maxLength: 4 }));
const { fieldSet } = fc.letrec<{ fieldSet: object }>((tie) => ({ fieldSet: fc.dictionary(step, fc.oneof({ maxDepth: 5 }, fc.constant({}), tie('fieldSet')), { maxKeys: 3, noNullPrototype: true }) }));
const owner = fc.record({ manager: fc.constantFrom('one', 'two'), operation: fc.constantFrom('Apply', 'Update'), apiVersion: fc.constantFrom('v1', ''), fieldsType: fc.constant('FieldsV1'), fieldsV1: fieldSet }, { requiredKeys: ['manager', 'operation', 'fieldsType'] });
const applies = fc.tuple(fc.array(owner, { maxLength: 4 }), patchOfPod, fc.boolean());
const writer = { manager: 'one', apiVersion: 'v1', now: new Date(0) };

/** As the server does: what does not fit its type is refused before anything is merged. */
function applied([managedFields, partialPod, force]: [ManagedFieldsEntry[], Partial<Pod>, boolean]): unknown {
  const wanted = { ...partialPod, apiVersion: 'v1', kind: 'Pod', metadata: { ...partialPod.metadata, name: 'a' } } as Pod;
  checkTypes(wanted, wanted);
  const live = { ...pod, metadata: { ...pod.metadata, managedFields } } as Pod;
  const once = applyPatch(live, wanted, { ...writer, force });
  assert.deepEqual(applyPatch(once, wanted, { ...writer, force: true }), applyPatch(once, wanted, { ...writer, force }), 'what is owned is applied without conflict');
  return trackUpdate(once, { ...pod, metadata: { ...pod.metadata, managedFields } } as Pod, { ...writer, manager: 'two' });
}

const expressions = ["self.all(x, x.name == 'a' && has(x.b) ? x.c > 1 : true)", "[1, 2u, 3.0].map(a, {'k': a}).filter(m, 'k' in m)[0].k == 1", "'%s %d'.format(['a', 1]) + self[0].name.replace('a', 'bb').substring(1, 2)", "self.map(x, self.map(y, [x, y] + self)).size() > 0 || self[0].name.matches('^(a|b)*$')"];
const celText = fc.tuple(fc.constantFrom(...expressions), fc.array(fc.tuple(fc.nat(80), fc.nat(6), fc.constantFrom('(', ')', '[', ']', '{', '}', '.', '?', ':', ',', '-', '!', '&&', '||', "'", '"""', '\\', '`', '0x', '1e', 'u', ' in ', 'self', 'has(', '.all(x, ', '.map(x, x', ' ? ', '\n', '😀', '\u0000')), { maxLength: 6 }))
  .map(([text, edits]) => edits.reduce((now, [at, length, piece]) => now.slice(0, at) + piece + now.slice(at + length), text));
const self = Array.from({ length: 50 }, (_, i) => new Map<string, unknown>([['name', 'ab'.repeat(i)]]));

interface Decoder {
  inputs: fc.Arbitrary<unknown>;
  decode(input: never): unknown;
}

const decoders: Readonly<Record<string, Decoder>> = {
  'protobuf from damaged bodies': { inputs: damaged, decode: (bytes: Uint8Array) => decodeProtobuf(bytes) },
  'protobuf from noise': { inputs: headed, decode: (bytes: Uint8Array) => decodeProtobuf(bytes) },
  'label selectors': { inputs: fc.oneof(selectorText, fc.string({ maxLength: 300 })), decode: (text: string) => matchesSelector(parseLabelSelector(text), pod.metadata.labels) },
  'field selectors': { inputs: fc.oneof(selectorText, fc.string({ maxLength: 300 })), decode: (text: string) => fieldMatcher(podKind, parseFieldSelector(text))(pod) },
  YAML: { inputs: fc.oneof(yamlText, fc.string({ maxLength: 500 })), decode: (text: string) => parseYamlText(text) },
  'YAML bodies': { inputs: yamlBody, decode: (text: string) => [duplicateKeys(text), checkTypes(pod, parseYamlText(text))] },
  JSON: { inputs: fc.oneof(fc.json(), fc.string({ maxLength: 500 }), yamlBody), decode: (text: string) => [duplicateKeys(text), parseJsonText(text)] },
  'JSON patches': { inputs: operations, decode: (patch: unknown) => jsonPatch(pod, patch) },
  'merge patches': { inputs: fc.oneof(fc.jsonValue(), patchOfPod), decode: (patch: unknown) => mergePatch(pod, patch) },
  'strategic merge patches': { inputs: fc.oneof(patchOfPod, patchOfPod, fc.jsonValue()), decode: (patch: unknown) => strategicMergePatch(pod, pod, patch) },
  'server-side apply': { inputs: applies, decode: applied },
  'CEL, compiled and run': { inputs: celText, decode: (text: string) => compileExpression(text, new Map([['self', dyn]])).run({ self }, new Budget(100_000)) },
};

const refusals = [ApiError, SyntaxError, CompileError, EvalError, OutOfBudget];
const isRefusal = (error: unknown): boolean => refusals.some((one) => error instanceof one);

for (const [name, { inputs, decode }] of Object.entries(decoders)) {
  test(`${name}: ${numRuns} inputs are read or refused (seed ${seed})`, () => {
    const before = JSON.stringify(pod);
    const meter = createMeter();
    let taken = 0;
    const property = fc.property(inputs, (input) => {
      meter.start();
      try {
        decode(input as never);
        taken += 1;
      } catch (error) {
        if (!isRefusal(error)) throw error;
      }
      meter.stop(input);
      assert.equal(JSON.stringify(pod), before, 'what is patched is never changed in place');
      assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
    });
    fc.assert(property, { numRuns, seed });
    meter.check();
    assert.ok(name.includes('noise') || taken > numRuns / 100, `only ${taken} inputs were read: the rest proves little`);
  });
}

const many = (count: number, one: (i: number) => string): string => Array.from({ length: count }, (_, i) => one(i)).join('');
/** Texts of a megabyte and more, made so that a second walk over each part of them would take hours. */
const bombs: readonly [what: string, act: () => unknown][] = [
  ['YAML aliases that multiply', () => parseYamlText(many(30, (i) => `a${i}: &a${i} [${many(9, () => (i === 0 ? 'x, ' : `*a${i - 1}, `))}]\n`))],
  ['JSON nested a hundred thousand deep', () => parseJsonText('['.repeat(100_000))],
  ['YAML nested ten thousand deep', () => parseYamlText('['.repeat(10_000))],
  ['YAML of a million empty lines in a string', () => parseYamlText(`"${'x\n\n '.repeat(300_000)}"`)],
  ['YAML of three hundred thousand documents', () => parseYamlText('---\n'.repeat(300_000))],
  ['YAML with merge keys of merge keys', () => parseYamlText(`a: &a {${many(2000, (i) => `k${i}: 1, `)}}\n${many(2000, (i) => `b${i}: {<<: *a}\n`)}`)],
  ['protobuf that claims a length of gigabytes', () => decodeProtobuf(Uint8Array.from([0x6b, 0x38, 0x73, 0, 0x12, 0xff, 0xff, 0xff, 0xff, 0x7f]))],
  ['JSON that is one string without end', () => parseJsonText(`["${'\\"'.repeat(1_000_000)}`)],
  ['a selector of thirty thousand terms', () => parseLabelSelector(many(30_000, (i) => `a${i}=b,`))],
  ['a field selector of a hundred thousand backslashes', () => parseFieldSelector('\\'.repeat(100_001))],
  ['an expression of a million brackets', () => compileExpression('('.repeat(1_000_000), new Map())],
  ['ten thousand moves over a megabyte', () => jsonPatch({ ...pod, x: ['x'.repeat(1_000_000)], y: Array.from({ length: 10_000 }, () => 0) } as unknown as Pod, Array.from({ length: 10_000 }, (_, i) => ({ op: 'move', from: '/y/0', path: `/x/${i}` })))],
  ['copies that double', () => jsonPatch(pod, Array.from({ length: 60 }, () => ({ op: 'copy', from: '/spec', path: '/spec/x' })))],
];
for (const [what, act] of bombs) {
  test(`${what}: refused, or kept small`, () => {
    const before = process.memoryUsage().heapUsed;
    try {
      act();
    } catch (error) {
      assert.ok(isRefusal(error), String(error));
    }
    assert.ok(process.memoryUsage().heapUsed - before < 200 * 1024 * 1024);
  });
}
