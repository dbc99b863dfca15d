// The published CEL conformance data, as far as rules of custom resources need it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { type Case, conformanceCases, OutOfScope, runCase } from './conformance-data.ts';

// Sections about what Kubernetes' CEL does not have.
const notOurs: Readonly<Record<string, string>> = {
  proto2: 'protobuf messages',
  proto2_ext: 'protobuf extensions',
  proto3: 'protobuf messages',
  enums: 'protobuf enumerations',
  wrappers: 'protobuf wrappers',
  dynamic: 'protobuf dynamic values',
  block_ext: 'an optimizer writes it, people do not',
  math_ext: 'Kubernetes 1.32 has no math library',
  encoders_ext: 'Kubernetes has no base64 library',
};

/** How many of a section run; fewer would mean that cases have been lost from sight. */
const wanted: Readonly<Record<string, number>> = {
  basic: 43, bindings_ext: 5, comparisons: 334, conversions: 109, fields: 60, fp_math: 30, integer_math: 64, lists: 39, logic: 30,
  macros: 44, macros2: 46, namespace: 1, optionals: 59, parse: 193, plumbing: 5, string: 51, string_ext: 209, timestamps: 75, type_deductions: 26,
};

const outcome = (one: Case): { skipped: string } | { failed: string } | undefined => {
  try {
    const failed = runCase(one);
    return failed === undefined ? undefined : { failed: `${one.path}: ${failed}` };
  } catch (error) {
    if (error instanceof OutOfScope) return { skipped: error.message };
    throw error;
  }
};

for (const [section, cases] of Map.groupBy(conformanceCases(), (one) => one.section)) {
  const reason = notOurs[section];
  if (reason) {
    test(`CEL ${section}: none of ${cases.length} cases apply: ${reason}`, () => assert.equal(wanted[section], undefined));
    continue;
  }
  const outcomes = cases.map(outcome);
  const skipped = outcomes.filter((one) => one && 'skipped' in one).length;
  const ran = cases.length - skipped;
  test(`CEL ${section}: ${ran} of ${cases.length} cases pass${skipped ? `; ${skipped} need protobuf messages or containers` : ''}`, () => {
    assert.deepEqual(outcomes.flatMap((one) => (one && 'failed' in one ? [one.failed] : [])), []);
    assert.equal(ran, wanted[section]);
  });
}
