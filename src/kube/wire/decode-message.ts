// Reads one protobuf message into the JSON form of its type (proto2 as gogo writes it for Kubernetes).
// Whatever the bytes say, it ends: depth and the number of values are bounded, and every refusal is an ApiError 400.
import { setOwn } from '../../base/data/json-value.ts';
import { badRequest } from '../meaning/api-error.ts';
import { type Field, type Message, messageNamed } from '../schema/schema.ts';
import { schemaUnions } from './schema-unions.ts';
import { specialValues } from './special-values.ts';
import type { WireField } from './special-values.ts';

const maxDepth = 100;
// Two bytes on the wire can become an object of a hundred; an honest 3 MiB body holds far fewer values than this.
const maxValues = 400_000;

type Json = Record<string, unknown>;

interface Input {
  readonly bytes: Uint8Array;
  at: number;
  values: number;
}

/** The JSON object of a message. Zero values that Go would not print are left out. */
export function decodeMessage(bytes: Uint8Array, message: Message): Json {
  const object: Json = {};
  readMessage({ bytes, at: 0, values: 0 }, bytes.length, { message, into: object, depth: 0 });
  return object;
}

interface Target {
  message: Message;
  into: Json;
  depth: number;
}

function readMessage(input: Input, end: number, target: Target): void {
  if (target.depth > maxDepth) throw badRequest('proto: message nested too deeply');
  while (input.at < end) {
    const [number, wireType] = readTag(input);
    const field = target.message.byNumber.get(number);
    if (!field) skip(input, wireType, end);
    else readField(input, { field, wireType, end }, target);
  }
  if (input.at !== end) throw badRequest('unexpected EOF');
}

interface Place {
  field: Field;
  wireType: number;
  end: number;
}

function readField(input: Input, place: Place, target: Target): void {
  const { field } = place;
  if (field.inlined) {
    const end = readEnd(input, place);
    return readMessage(input, end, { message: mustBeMessage(field), into: target.into, depth: target.depth + 1 });
  }
  if (field.holds === 'map') return readEntry(input, place, target);
  if (field.holds === 'list') return readItems(input, place, target);
  const old = target.into[field.name];
  const value = readValue(input, place, { depth: target.depth, old });
  if (value === undefined || (isZero(value) && !field.pointer && !field.always)) delete target.into[field.name];
  else target.into[field.name] = value;
}

const mustBeMessage = (field: Field): Message => field.message as Message;

function isZero(value: unknown): boolean {
  if (typeof value === 'object') return value !== null && Object.keys(value).length === 0;
  return value === 0 || value === '' || value === false;
}

function readItems(input: Input, place: Place, target: Target): void {
  const list = (target.into[place.field.name] ??= []) as unknown[];
  const { scalar } = place.field;
  if (place.wireType !== 2 || !(scalar === 'int32' || scalar === 'int64' || scalar === 'bool' || scalar === 'double')) {
    list.push(readValue(input, place, { depth: target.depth }));
    return;
  }
  const end = readEnd(input, place);
  const wireType = scalar === 'double' ? 1 : 0;
  while (input.at < end) list.push(readValue(input, { ...place, wireType, end }, { depth: target.depth }));
}

// A map entry is a message {key=1, value=2}; either may be missing and is then zero.
function readEntry(input: Input, place: Place, target: Target): void {
  const end = readEnd(input, place);
  const into = (target.into[place.field.name] ??= {}) as Json;
  let key = '';
  let value: unknown;
  while (input.at < end) {
    const [number, wireType] = readTag(input);
    const entry = { field: place.field, wireType, end };
    if (number === 1) key = Buffer.from(readBytes(input, entry)).toString('utf8');
    else if (number === 2) value = readValue(input, entry, { depth: target.depth });
    else skip(input, wireType, end);
  }
  if (input.at !== end) throw badRequest('unexpected EOF');
  setOwn(into, key, value ?? zeroOf(place.field));
}


function zeroOf(field: Field): unknown {
  if (!field.scalar) return {};
  const special = specialValues[field.scalar];
  if (special) return special.zero;
  return field.scalar === 'string' || field.scalar === 'bytes' ? '' : field.scalar === 'bool' ? false : 0;
}

/** undefined = a special value that is zero and is not printed even so. */
function readValue(input: Input, place: Place, context: { depth: number; old?: unknown }): unknown {
  input.values += 1;
  if (input.values > maxValues) throw badRequest(`proto: more than ${maxValues} values in one message`);
  const { field } = place;
  switch (field.scalar) {
    case undefined:
      return readNested(input, place, context);
    case 'string':
      return Buffer.from(readBytes(input, place)).toString('utf8');
    case 'bytes':
      return Buffer.from(readBytes(input, place)).toString('base64');
    case 'bool':
      return readVarintField(input, place) !== 0n;
    case 'int32':
      return Number(BigInt.asIntN(32, readVarintField(input, place)));
    case 'int64':
      return Number(BigInt.asIntN(64, readVarintField(input, place)));
    case 'double':
      return readDouble(input, place);
    default:
      return schemaUnions[field.scalar] ? readUnion(input, place, context.depth) : readSpecial(input, place);
  }
}

// A message given twice is merged, as protobuf demands.
function readNested(input: Input, place: Place, context: { depth: number; old?: unknown }): Json {
  const end = readEnd(input, place);
  const into = (context.old ?? {}) as Json;
  readMessage(input, end, { message: mustBeMessage(place.field), into, depth: context.depth + 1 });
  return into;
}

function readUnion(input: Input, place: Place, depth: number): unknown {
  const { message, toJson } = schemaUnions[place.field.scalar!]!;
  const into: Json = {};
  readMessage(input, readEnd(input, place), { message: messageNamed(message)!, into, depth: depth + 1 });
  return toJson(into);
}

function readSpecial(input: Input, place: Place): unknown {
  const end = readEnd(input, place);
  const fields: WireField[] = [];
  while (input.at < end) {
    const [number, wireType] = readTag(input);
    input.values += 1;
    if (wireType === 0) fields.push([number, readVarint(input)]);
    else if (wireType === 2) fields.push([number, readBytes(input, { ...place, wireType, end })]);
    else skip(input, wireType, end);
  }
  if (input.at !== end) throw badRequest('unexpected EOF');
  const special = specialValues[place.field.scalar as keyof typeof specialValues];
  const value = special?.fromWire(fields);
  return value === undefined && (place.field.holds !== 'one' || place.field.pointer || place.field.always) ? special?.zero : value;
}

function readTag(input: Input): [number: number, wireType: number] {
  const tag = Number(readVarint(input));
  const number = Math.floor(tag / 8);
  if (number < 1 || number > 536_870_911) throw badRequest(`proto: illegal tag ${number}`);
  return [number, tag % 8];
}

function readVarint(input: Input): bigint {
  let small = 0;
  let shift = 1;
  for (let i = 0; i < 7; i += 1) {
    const byte = nextByte(input);
    small += (byte & 127) * shift;
    if (byte < 128) return BigInt(small);
    shift *= 128;
  }
  let big = BigInt(small);
  for (let bits = 49n; bits <= 63n; bits += 7n) {
    const byte = nextByte(input);
    big |= BigInt(byte & 127) << bits;
    if (byte < 128) return BigInt.asUintN(64, big);
  }
  throw badRequest('proto: integer overflow');
}

function nextByte(input: Input): number {
  const byte = input.bytes[input.at];
  if (byte === undefined) throw badRequest('unexpected EOF');
  input.at += 1;
  return byte;
}

function wrongWireType(place: Place): never {
  throw badRequest(`proto: wrong wireType = ${place.wireType} for field ${place.field.name}`);
}

function readVarintField(input: Input, place: Place): bigint {
  return place.wireType === 0 ? readVarint(input) : wrongWireType(place);
}

function readDouble(input: Input, place: Place): number {
  if (place.wireType !== 1) wrongWireType(place);
  if (input.at + 8 > place.end) throw badRequest('unexpected EOF');
  const value = new DataView(input.bytes.buffer, input.bytes.byteOffset + input.at, 8).getFloat64(0, true);
  input.at += 8;
  return value;
}

/** Reads a length and says where the value that follows ends. */
function readEnd(input: Input, place: Place): number {
  if (place.wireType !== 2) wrongWireType(place);
  const end = Number(readVarint(input)) + input.at;
  if (end > place.end) throw badRequest('unexpected EOF');
  return end;
}

function readBytes(input: Input, place: Place): Uint8Array {
  const end = readEnd(input, place);
  const found = input.bytes.subarray(input.at, end);
  input.at = end;
  return found;
}

// Unknown fields of newer clients are passed over, as upstream does.
function skip(input: Input, wireType: number, end: number): void {
  if (wireType === 0) readVarint(input);
  else if (wireType === 1) input.at += 8;
  else if (wireType === 2) input.at += Number(readVarint(input));
  else if (wireType === 5) input.at += 4;
  else throw badRequest(`proto: illegal wireType ${wireType}`);
  if (input.at > end) throw badRequest('unexpected EOF');
}
