// For tests: the published CEL conformance data (@bufbuild/cel-spec) as expressions, variables and expected values of ours.
import { tests } from '@bufbuild/cel-spec/testdata/conformance.js';
import { environmentWith } from '../cel.ts';
import { compile } from './compile.ts';
import { Budget } from './environment.ts';
import { CompileError } from './syntax.ts';
import { parseDuration, parseTimestamp } from './library/time.ts';
import { type CelType, dyn, listOf, mapOf, optionalOf, plain } from './types.ts';
import { equals, EvalError, keyFrom, type Key, typeName, TypeValue, Uint } from './values.ts';

// eslint-disable-next-line typescript/no-explicit-any -- protobuf JSON of every shape
type Json = any;

export interface Case {
  section: string;
  path: string;
  test: Json;
}

/** Thrown for values and types that Kubernetes' CEL does not have: protobuf messages. */
export class OutOfScope extends Error {}

function* walk(suite: Json, path: string[]): Generator<Case> {
  for (const { original } of suite.tests ?? []) yield { section: path[0] ?? '', path: [...path, original.name ?? original.expr].join('/'), test: original };
  for (const inner of suite.suites ?? []) yield* walk(inner, [...path, inner.name]);
}

export const conformanceCases = (): Case[] => [...walk(tests, [])];

const special: Readonly<Record<string, number>> = { NaN: Number.NaN, Infinity, '-Infinity': -Infinity };

const readers: Readonly<Record<string, (value: Json) => unknown>> = {
  int64Value: BigInt,
  uint64Value: (value) => new Uint(BigInt(value)),
  doubleValue: (value) => (typeof value === 'string' ? special[value] : value),
  stringValue: (value) => value,
  boolValue: (value) => value,
  nullValue: () => null,
  bytesValue: (value) => new Uint8Array(Buffer.from(value, 'base64')),
  listValue: ({ values = [] }) => values.map(valueOf),
  mapValue: ({ entries = [] }) => new Map<Key, unknown>(entries.map(({ key, value }: Json) => [keyFrom(valueOf(key)), valueOf(value)])),
  typeValue: (value) => new TypeValue(value),
  objectValue: wellKnown,
};

export function valueOf(json: Json): unknown {
  const [name = ''] = Object.keys(json);
  const read = readers[name];
  if (!read) throw new OutOfScope(name);
  return read(json[name]);
}

function wellKnown(json: Json): unknown {
  const type = String(json['@type']).replace(/^.*\//, '');
  if (type === 'google.protobuf.Timestamp') return parseTimestamp(json.value);
  if (type === 'google.protobuf.Duration') return parseDuration(json.value);
  throw new OutOfScope(type);
}

const primitives: Readonly<Record<string, 'bool' | 'int' | 'uint' | 'double' | 'string' | 'bytes'>> = { BOOL: 'bool', INT64: 'int', UINT64: 'uint', DOUBLE: 'double', STRING: 'string', BYTES: 'bytes' };

const typeReaders: Readonly<Record<string, (value: Json) => CelType | undefined>> = {
  primitive: (value) => plain(primitives[value]!),
  wellKnown: (value) => ({ TIMESTAMP: plain('timestamp'), DURATION: plain('duration') })[value as string],
  dyn: () => dyn,
  null: () => plain('null'),
  listType: ({ elemType }) => listOf(elemType ? typeOf(elemType) : dyn),
  mapType: ({ keyType, valueType }) => mapOf(keyType ? typeOf(keyType) : dyn, valueType ? typeOf(valueType) : dyn),
  abstractType: ({ name, parameterTypes }) => (name === 'optional_type' ? optionalOf(typeOf(parameterTypes[0])) : undefined),
};

export function typeOf(json: Json): CelType {
  const [name = ''] = Object.keys(json);
  const type = typeReaders[name]?.(json[name]);
  if (!type) throw new OutOfScope(name);
  return type;
}

/** undefined when the case passes, else what was wrong. Throws OutOfScope. */
export function runCase({ test }: Case): string | undefined {
  if (test.container) throw new OutOfScope('container');
  const { variables, values } = bindingsOf(test);
  const environment = environmentWith(variables, { mixedLiterals: true, unchecked: test.disableCheck === true });
  return compared(test, () => compile(test.expr, environment).run(values, new Budget(1e7)), expectedOf(test));
}

function expectedOf({ checkOnly, value, typedResult, evalError }: Json): unknown {
  const wanted = value ?? typedResult?.result;
  if (checkOnly) return undefined;
  return wanted ? valueOf(wanted) : evalError ? undefined : true;
}

function bindingsOf({ typeEnv = [], bindings = {} }: Json) {
  const variables = new Map<string, CelType>();
  const values: Record<string, unknown> = {};
  for (const { name, ident } of typeEnv) if (ident) variables.set(name, typeOf(ident.type));
  for (const [name, { value }] of Object.entries<Json>(bindings)) {
    values[name] = valueOf(value);
    if (!variables.has(name)) variables.set(name, dyn);
  }
  return { variables, values };
}

function compared(test: Json, run: () => unknown, expected: unknown): string | undefined {
  const found = valueOrError(run);
  const mayFail = test.evalError !== undefined || test.checkOnly === true;
  if (found instanceof Error) {
    // `Name{field: value}` makes a protobuf message; Kubernetes' rules have none.
    if (!mayFail && /undeclared reference to '[\w.]*[A-Z]\w*'/.test(found.message)) throw new OutOfScope('message');
    return mayFail ? undefined : found.message;
  }
  if (mayFail) return test.checkOnly ? undefined : `no error but ${String(found)}`;
  const isSame = (equals(found, expected) && typeName(found) === typeName(expected)) || (Number.isNaN(found) && Number.isNaN(expected));
  return isSame ? undefined : `${typeName(found)} ${String(found)} instead of ${String(expected)}`;
}

function valueOrError(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    if (error instanceof EvalError || error instanceof CompileError) return error;
    throw error;
  }
}
