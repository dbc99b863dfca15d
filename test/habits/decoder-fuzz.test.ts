// Whatever bytes a stranger sends, decoders answer: a value or a refusal, within time and memory, never a crash.
// FUZZ_RUNS sets how many inputs each gets (`npm run soak` gives more); SEED repeats a run.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ApiError } from '../../src/kube/meaning/api-error.ts';
import { parseFieldSelector } from '../../src/kube/meaning/field-selectors.ts';
import { parseLabelSelector } from '../../src/kube/meaning/label-selector-text.ts';
import { jsonPatch } from '../../src/kube/meaning/patch/json-patch.ts';
import { mergePatch } from '../../src/kube/meaning/patch/merge-patch.ts';
import { parseJsonText } from '../../src/kube/wire/json-text.ts';
import { decodeProtobuf, encodeProtobuf } from '../../src/kube/wire/protobuf.ts';
import { parseYamlText } from '../../src/kube/wire/yaml-text.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 400);
const seed = process.env['SEED'] ? Number(process.env['SEED']) : undefined;

const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80 }] }] } };
const whole = encodeProtobuf(pod)!;

/** A right body with some bytes changed, taken out or put in. */
const damaged = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255), fc.constantFrom('set', 'cut', 'add')), { minLength: 1, maxLength: 8 }).map((changes) => {
  const bytes = [...whole];
  for (const [at, value, how] of changes) bytes.splice(at, how === 'add' ? 0 : 1, ...(how === 'cut' ? [] : [value]));
  return Uint8Array.from(bytes);
});
const headed = fc.uint8Array({ maxLength: 2000 }).map((bytes) => Uint8Array.from([0x6b, 0x38, 0x73, 0, ...bytes]));

const selectorText = fc.array(fc.constantFrom('a', 'app', '=', '==', '!=', ',', ' in ', ' notin ', '(', ')', '!', ' ', 'x/y', '-', '.', '\\', '\n', 'ü'), { maxLength: 40 }).map((parts) => parts.join(''));
const yamlText = fc.array(fc.constantFrom('a', ': ', '- ', '\n', '  ', '&x ', '*x', '{', '}', '[', ']', '"', "'", '|', '>', '!!', '#', ',', '? ', '<<: ', '---\n', '\t', '1e9', '~'), { maxLength: 200 }).map((parts) => parts.join(''));
const pointer = fc.array(fc.constantFrom('/metadata', '/spec', '/containers', '/0', '/-', '/~0', '/~1', '/name', '/', '', '/99999999', '/__proto__', '/constructor'), { maxLength: 6 }).map((parts) => parts.join(''));
const operations = fc.array(fc.record({ op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'x'), path: pointer, from: pointer, value: fc.jsonValue() }, { requiredKeys: ['op'] }), { maxLength: 8 });

const decoders: Readonly<Record<string, { inputs: fc.Arbitrary<unknown>; decode(input: never): unknown }>> = {
  'protobuf from damaged bodies': { inputs: damaged, decode: (bytes: Uint8Array) => decodeProtobuf(bytes) },
  'protobuf from noise': { inputs: headed, decode: (bytes: Uint8Array) => decodeProtobuf(bytes) },
  'label selectors': { inputs: fc.oneof(selectorText, fc.string({ maxLength: 300 })), decode: (text: string) => parseLabelSelector(text) },
  'field selectors': { inputs: fc.oneof(selectorText, fc.string({ maxLength: 300 })), decode: (text: string) => parseFieldSelector(text) },
  YAML: { inputs: fc.oneof(yamlText, fc.string({ maxLength: 500 })), decode: (text: string) => parseYamlText(text) },
  JSON: { inputs: fc.oneof(fc.json(), fc.string({ maxLength: 500 })), decode: (text: string) => parseJsonText(text) },
  'JSON patches': { inputs: operations, decode: (patch: unknown) => jsonPatch(pod, patch) },
  'merge patches': { inputs: fc.jsonValue(), decode: (patch: unknown) => mergePatch(pod, patch) },
};

const refusals = (error: unknown): boolean => error instanceof ApiError || error instanceof SyntaxError;

for (const [name, { inputs, decode }] of Object.entries(decoders)) {
  test(`${name}: ${numRuns} inputs are read or refused`, () => {
    const before = JSON.stringify(pod);
    const property = fc.property(inputs, (input) => {
      try {
        decode(input as never);
      } catch (error) {
        if (!refusals(error)) throw error;
      }
      assert.equal(JSON.stringify(pod), before, 'what is patched is never changed in place');
      assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
    });
    // A hang ends the run with the input that caused it.
    fc.assert(property, { numRuns, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: true, ...(seed !== undefined && { seed }) });
  });
}

const bombs: readonly [what: string, act: () => unknown][] = [
  ['YAML aliases that multiply', () => parseYamlText(Array.from({ length: 30 }, (_, i) => `a${i}: &a${i} [${Array.from({ length: 9 }, () => (i === 0 ? 'x' : `*a${i - 1}`)).join(', ')}]`).join('\n'))],
  ['JSON nested a hundred thousand deep', () => parseJsonText('['.repeat(100_000))],
  ['YAML nested ten thousand deep', () => parseYamlText('['.repeat(10_000))],
  ['protobuf that claims a length of gigabytes', () => decodeProtobuf(Uint8Array.from([0x6b, 0x38, 0x73, 0, 0x12, 0xff, 0xff, 0xff, 0xff, 0x7f]))],
];
for (const [what, act] of bombs) {
  test(`${what}: refused, or kept small`, () => {
    const before = process.memoryUsage().heapUsed;
    try {
      act();
    } catch (error) {
      assert.ok(refusals(error), String(error));
    }
    assert.ok(process.memoryUsage().heapUsed - before < 200 * 1024 * 1024);
  });
}
