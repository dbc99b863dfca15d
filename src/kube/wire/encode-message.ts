// Writes the JSON form of an object as the protobuf bytes Kubernetes itself would write: fields by number, maps by
// key, and Go's non-pointer fields even when empty. It fills its buffer from the end, so that a length is known
// when it is written and nothing is measured twice.
import { type Field, type Message, messageNamed, type Scalar } from '../schema/schema.ts';
import { schemaUnions } from './schema-unions.ts';
import { specialValues } from './special-values.ts';

type Json = Readonly<Record<string, unknown>>;

interface Output {
  bytes: Buffer;
  /** Everything from here to the end is written. */
  start: number;
}

export function encodeMessage(object: Json, message: Message): Uint8Array {
  const output: Output = { bytes: Buffer.allocUnsafe(1024), start: 1024 };
  writeMessage(output, object, message);
  return output.bytes.subarray(output.start);
}

/** Counted from the end, as positions move when the buffer grows. */
const written = ({ bytes, start }: Output): number => bytes.length - start;

function writeMessage(output: Output, object: Json, message: Message): void {
  const { wireFields } = message;
  for (let i = wireFields.length - 1; i >= 0; i--) {
    const field = wireFields[i]!;
    const value = field.inlined ? object : (object[field.name] ?? undefined);
    if (field.holds === 'list') writeList(output, field, value);
    else if (field.holds === 'map') writeMap(output, field, value);
    else if (value !== undefined || !field.pointer) writeValue(output, field, value);
  }
}

function writeList(output: Output, field: Field, value: unknown): void {
  if (!Array.isArray(value)) return;
  for (const item of value.toReversed()) writeValue(output, field, item);
}

function writeMap(output: Output, field: Field, value: unknown): void {
  for (const key of Object.keys(value ?? {}).toSorted().toReversed()) {
    const before = written(output);
    writeValue(output, field, (value as Json)[key], 2);
    writeBytes(output, 1, Buffer.from(key, 'utf8'));
    closeMessage(output, field.number, before);
  }
}

type Write = (output: Output, number: number, value: unknown) => void;

const plainScalars: Partial<Record<Scalar, Write>> = {
  string: (output, number, value) => writeBytes(output, number, Buffer.from(typeof value === 'string' ? value : '', 'utf8')),
  // Empty bytes are nil in Go, and nil is not written.
  bytes: (output, number, value) => value && writeBytes(output, number, Buffer.from(String(value), 'base64')),
  bool: (output, number, value) => writeNumber(output, number, value === true ? 1 : 0),
  int32: writeInteger,
  int64: writeInteger,
  double: writeDouble,
};

// In a map the value has number 2, whatever the number of the map's field.
function writeValue(output: Output, field: Field, value: unknown, number = field.number): void {
  const write = field.scalar && plainScalars[field.scalar];
  if (write) return write(output, number, value);
  const before = written(output);
  const union = field.scalar && schemaUnions[field.scalar];
  if (union) writeMessage(output, union.fromJson(value), messageNamed(union.message)!);
  else if (field.message) writeMessage(output, (value ?? {}) as Json, field.message);
  else writeSpecial(output, field.scalar, value);
  closeMessage(output, number, before);
}

function writeSpecial(output: Output, scalar: Scalar | undefined, value: unknown): void {
  const parts = (scalar && specialValues[scalar]?.toWire(value)) ?? [];
  for (const [number, part] of parts.toReversed()) {
    if (typeof part === 'bigint') writeNumber(output, number, part);
    else writeBytes(output, number, part);
  }
}

/** Puts length and tag in front of what was written since. */
function closeMessage(output: Output, number: number, before: number): void {
  writeVarint(output, written(output) - before);
  writeVarint(output, number * 8 + 2);
}

function writeNumber(output: Output, number: number, value: number | bigint): void {
  writeVarint(output, value);
  writeVarint(output, number * 8);
}

function writeInteger(output: Output, number: number, value: unknown): void {
  writeNumber(output, number, typeof value === 'number' && Number.isFinite(value) ? Math.trunc(value) : 0);
}

function writeBytes(output: Output, number: number, value: Uint8Array): void {
  const before = written(output);
  reserve(output, value.length);
  output.start -= value.length;
  output.bytes.set(value, output.start);
  closeMessage(output, number, before);
}

function writeDouble(output: Output, number: number, value: unknown): void {
  reserve(output, 8);
  output.start -= 8;
  output.bytes.writeDoubleLE(Number(value ?? 0), output.start);
  writeVarint(output, number * 8 + 1);
}

function writeVarint(output: Output, value: number | bigint): void {
  reserve(output, 10);
  if (typeof value === 'number' && value >= 0 && value < 2 ** 31) return writeSmallVarint(output, value);
  let rest = BigInt.asUintN(64, BigInt(value));
  const digits: number[] = [];
  do {
    digits.push(Number(rest & 127n));
    rest >>= 7n;
  } while (rest > 0n);
  output.start -= digits.length;
  digits.forEach((digit, i) => (output.bytes[output.start + i] = i < digits.length - 1 ? digit | 128 : digit));
}

/** Nearly all are lengths, tags and ports: without big integers. */
function writeSmallVarint(output: Output, value: number): void {
  const digits = value < 128 ? 1 : value < 16_384 ? 2 : value < 2_097_152 ? 3 : value < 268_435_456 ? 4 : 5;
  output.start -= digits;
  let rest = value;
  for (let i = 0; i < digits - 1; i++, rest >>>= 7) output.bytes[output.start + i] = (rest & 127) | 128;
  output.bytes[output.start + digits - 1] = rest;
}

function reserve(output: Output, size: number): void {
  if (output.start >= size) return;
  const used = output.bytes.length - output.start;
  const grown = Buffer.allocUnsafe(Math.max(output.bytes.length * 2, used + size * 2));
  output.bytes.copy(grown, grown.length - used, output.start);
  output.bytes = grown;
  output.start = grown.length - used;
}
