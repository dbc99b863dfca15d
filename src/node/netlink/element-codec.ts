// Set elements as nf_tables takes them. The rules of the bytes (net/netfilter/nf_tables_api.c, nft's datatype.c):
// addresses, ports and protocols are big-endian, marks in host order; in a key of several fields
// each is padded to 4 bytes. A range in a set of one field is two elements, its first value and, flagged as an end,
// the value after its last; in a set of several fields it is one element with a second key.
import { addressBytes, bitsOf, parseAddress } from '../../base/net/address.ts';
import { prefixOf } from '../../base/net/prefix.ts';
import { printRef } from '../../kube/meaning/print-ref.ts';
import type { Element, FieldType, FieldValue, NftSet, VerdictAction } from '../nft/ruleset.ts';
import { closeNest, type MessageWriter, openNest, putAttributeHead, putText } from './message.ts';

/** What must be known of a set to write its elements. */
export type SetShape = Pick<NftSet, 'name' | 'key' | 'data' | 'interval'>;

const LIST_ELEMENT = 1;
const ELEMENT_KEY = 1;
const ELEMENT_DATA = 2;
const ELEMENT_FLAGS = 3;
const ELEMENT_USERDATA = 6;
const ELEMENT_KEY_END = 10;
const DATA_VALUE = 1;
const DATA_VERDICT = 2;
const VERDICT_CODE = 1;
const VERDICT_CHAIN = 2;
const INTERVAL_END = 1;

const protocols: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17, 'ipv6-icmp': 58, icmpv6: 58, sctp: 132 };
const sizes = { ipv4_addr: 4, ipv6_addr: 16, inet_proto: 1, inet_service: 2, ifname: 16, number: 4 } as const satisfies Record<FieldType, number>;
const verdicts = { accept: 1, drop: 0, jump: -3, goto: -4, return: -5 } as const satisfies Record<VerdictAction['do'], number>;

/** First and last value of a field, as bytes. */
interface Span {
  readonly first: Uint8Array;
  readonly last: Uint8Array;
}

function refuse(type: FieldType, value: FieldValue): never {
  throw new RangeError(`not a value of type ${type}: ${JSON.stringify(value)}`);
}

function numberBytes(type: FieldType, value: FieldValue): Buffer {
  const named = type === 'inet_proto' ? protocols[value] : undefined;
  const number = named ?? Number(value);
  const bytes = Buffer.alloc(sizes[type]);
  if (!Number.isInteger(number) || number < 0 || number >= 256 ** bytes.length) refuse(type, value);
  if (type === 'number') bytes.writeUInt32LE(number);
  else bytes.writeUIntBE(number, 0, bytes.length);
  return bytes;
}

const wide = (family: 4 | 6) => (family === 4 ? 'ipv4_addr' : 'ipv6_addr');

function addressSpan(type: FieldType, text: string): Span {
  if (!text.includes('/')) {
    const address = parseAddress(text);
    const bytes = address && wide(address.family) === type ? addressBytes(address) : refuse(type, text);
    return { first: bytes, last: bytes };
  }
  const { family, first, length } = prefixOf(text);
  if (wide(family) !== type) refuse(type, text);
  const rest = (1n << BigInt(bitsOf(family) - length)) - 1n;
  return { first: addressBytes({ family, value: first }), last: addressBytes({ family, value: first | rest }) };
}

function rangeSpan(text: string, bytesOf: (part: string) => Uint8Array): Span {
  const [first = '', last = first] = text.split('-');
  return { first: bytesOf(first), last: bytesOf(last) };
}

function spanOf(type: FieldType, value: FieldValue): Span {
  const text = String(value);
  switch (type) {
    case 'ipv4_addr':
    case 'ipv6_addr':
      return text.includes('-') ? rangeSpan(text, (part) => addressSpan(type, part).first) : addressSpan(type, text);
    case 'ifname': {
      const bytes = Buffer.alloc(sizes.ifname);
      if (bytes.write(text) >= sizes.ifname) refuse(type, value);
      return { first: bytes, last: bytes };
    }
    default:
      return /\d-\d/.test(text) ? rangeSpan(text, (part) => numberBytes(type, part)) : rangeSpan('', () => numberBytes(type, value));
  }
}

/** Parsing an address costs more than all the rest of an element, and the same ones come again and again. */
const remembered = new Map<FieldType, Map<FieldValue, Span>>();
const MOST_REMEMBERED = 50_000;

function span(type: FieldType, value: FieldValue): Span {
  let known = remembered.get(type);
  if (!known) remembered.set(type, (known = new Map()));
  let found = known.get(value);
  if (!found) {
    if (known.size >= MOST_REMEMBERED) known.clear();
    known.set(value, (found = spanOf(type, value)));
  }
  return found;
}

/**
 * The plain values, written from what they are: no address is parsed into anything else first, as there are 100,000 at start.
 * Padded to 4 bytes. False, with anything at all in these bytes: it is not plain, to be read with care or refused.
 */
function putPlainField(bytes: Uint8Array, at: number, type: FieldType, value: FieldValue): boolean {
  switch (type) {
    case 'ipv4_addr':
      return typeof value === 'string' && putDotted(bytes, at, value);
    case 'inet_proto':
      return putSmall(bytes, at, protocols[value]);
    case 'inet_service':
      return putPort(bytes, at, value);
    case 'number':
      return putMark(bytes, at, value);
    default:
      return false;
  }
}

function putSmall(bytes: Uint8Array, at: number, value: number | undefined): boolean {
  if (value === undefined) return false;
  bytes[at] = value;
  bytes[at + 1] = bytes[at + 2] = bytes[at + 3] = 0;
  return true;
}

function putPort(bytes: Uint8Array, at: number, value: FieldValue): boolean {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 0xffff) return false;
  bytes[at] = value >>> 8;
  bytes[at + 1] = value & 0xff;
  bytes[at + 2] = bytes[at + 3] = 0;
  return true;
}

/** In host order, which is little-endian wherever this runs. */
function putMark(bytes: Uint8Array, at: number, value: FieldValue): boolean {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 0xffff_ffff) return false;
  bytes[at] = value & 0xff;
  bytes[at + 1] = (value >>> 8) & 0xff;
  bytes[at + 2] = (value >>> 16) & 0xff;
  bytes[at + 3] = value >>> 24;
  return true;
}

const [dot, zero, nine] = ['.', '0', '9'].map((char) => char.charCodeAt(0)) as [number, number, number];

/** As strict as parseAddress: no leading zeros, no short forms. Prefixes and ranges are not plain. */
function putDotted(bytes: Uint8Array, at: number, text: string): boolean {
  let octet = -1;
  let place = at;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === dot) {
      if (octet < 0 || place - at > 2) return false;
      bytes[place++] = octet;
      octet = -1;
      continue;
    }
    if (code < zero || code > nine || octet === 0) return false;
    octet = Math.max(octet, 0) * 10 + code - zero;
    if (octet > 255) return false;
  }
  if (octet < 0 || place - at !== 3) return false;
  bytes[place] = octet;
  return true;
}

const spans = (types: readonly FieldType[], values: readonly FieldValue[]): Span[] => types.map((type, index) => span(type, values[index]!));

const padded = (size: number): number => (size + 3) & ~3;

/** Plain loops: a large cluster has 100,000 elements, and their bytes are too few for anything cleverer. */
function putSpans(writer: MessageWriter, attribute: number, fields: readonly Span[], side: keyof Span = 'first'): void {
  const mark = openNest(writer, attribute);
  let size = 0;
  for (const field of fields) size += padded(field[side].length);
  let at = putAttributeHead(writer, DATA_VALUE, fields.length === 1 ? fields[0]![side].length : size);
  const { bytes } = writer;
  for (const field of fields) {
    const value = field[side];
    const end = at + padded(value.length);
    for (let i = 0; at < end; i++, at++) bytes[at] = value[i] ?? 0;
  }
  closeNest(writer, mark);
}

/** Single values, straight from their texts where they are plain. */
function putValue(writer: MessageWriter, attribute: number, types: readonly FieldType[], values: readonly FieldValue[]): void {
  let size = 0;
  for (const type of types) size += padded(sizes[type]);
  const mark = openNest(writer, attribute);
  let at = putAttributeHead(writer, DATA_VALUE, types.length === 1 ? sizes[types[0]!] : size);
  const { bytes } = writer;
  for (let i = 0; i < types.length; i++) {
    const type = types[i]!;
    const value = values[i]!;
    const end = at + padded(sizes[type]);
    if (!putPlainField(bytes, at, type, value)) bytes.fill(0, at, end).set(span(type, value).first, at);
    at = end;
  }
  closeNest(writer, mark);
}

/** nf_tables wants its numbers big-endian. */
function putBigEndian(writer: MessageWriter, type: number, value: number): void {
  const at = putAttributeHead(writer, type, 4);
  writer.bytes.writeInt32BE(value, at);
}

function putVerdict(writer: MessageWriter, verdict: VerdictAction): void {
  const data = openNest(writer, ELEMENT_DATA);
  const nest = openNest(writer, DATA_VERDICT);
  putBigEndian(writer, VERDICT_CODE, verdicts[verdict.do]);
  if ('chain' in verdict) putText(writer, VERDICT_CHAIN, verdict.chain);
  closeNest(writer, nest);
  closeNest(writer, data);
}

/** nft's comment: a zero-terminated text behind its type (0) and length, each one byte; 128 bytes at most. */
function putComment(writer: MessageWriter, text: string): void {
  const size = Math.min(Buffer.byteLength(text), 127);
  const at = putAttributeHead(writer, ELEMENT_USERDATA, 3 + size);
  const { bytes } = writer;
  bytes[at] = 0;
  bytes[at + 1] = 1 + size;
  const end = at + 2 + size;
  // A character that does not fit as a whole is left out.
  bytes.fill(0, at + 2 + bytes.write(text, at + 2, size), end + 1);
}

/** The next value of a big-endian number; undefined after the largest, where a range needs no end. */
function successor(bytes: Uint8Array): Uint8Array | undefined {
  const next = Uint8Array.from(bytes);
  for (let i = next.length - 1; i >= 0; i--) {
    next[i] = (next[i]! + 1) & 0xff;
    if (next[i] !== 0) return next;
  }
  return undefined;
}

const isSimpleRange = ({ interval, key }: SetShape) => interval === true && key.length === 1;

/** One element, with its data when it is to be added. Its place in the list is one entry, or two for a simple range. */
export function putElement(writer: MessageWriter, set: SetShape, element: Element, withData: boolean): void {
  const nest = openNest(writer, LIST_ELEMENT);
  const fields = set.interval ? spans(set.key, element.key) : undefined;
  if (fields) putRange(writer, set, fields);
  else putValue(writer, ELEMENT_KEY, set.key, element.key);
  if (withData) putContent(writer, set, element);
  closeNest(writer, nest);
  const end = fields && isSimpleRange(set) ? successor(fields[0]!.last) : undefined;
  if (end) putRangeEnd(writer, end);
}

/** One element as it is asked for, in one entry: of a simple range its first value, which the whole range answers to. */
export function putElementKey(writer: MessageWriter, set: SetShape, { key }: Element): void {
  const nest = openNest(writer, LIST_ELEMENT);
  if (set.interval) putRange(writer, set, spans(set.key, key));
  else putValue(writer, ELEMENT_KEY, set.key, key);
  closeNest(writer, nest);
}

function putRange(writer: MessageWriter, set: SetShape, fields: readonly Span[]): void {
  putSpans(writer, ELEMENT_KEY, fields);
  if (!isSimpleRange(set)) putSpans(writer, ELEMENT_KEY_END, fields, 'last');
}

function putContent(writer: MessageWriter, set: SetShape, { verdict, data, origin }: Element): void {
  if (verdict) putVerdict(writer, verdict);
  else if (data) putValue(writer, ELEMENT_DATA, set.data!, data);
  if (origin) putComment(writer, printRef(origin));
}

function putRangeEnd(writer: MessageWriter, end: Uint8Array): void {
  const nest = openNest(writer, LIST_ELEMENT);
  putSpans(writer, ELEMENT_KEY, [{ first: end, last: end }]);
  putBigEndian(writer, ELEMENT_FLAGS, INTERVAL_END);
  closeNest(writer, nest);
}
