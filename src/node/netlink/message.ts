// The netlink codec: messages made of a fixed header and attributes (type, length, value, padded to 4 bytes).
// Numbers are in host order, which is little-endian on every machine Node runs on; nf_tables alone wants its
// attribute numbers big-endian (man 7 netlink; linux/netlink.h).

export const REQUEST = 0x1;
export const ACK = 0x4;
export const DUMP = 0x300;
/** On a new thing: replace it, refuse when it exists, make it when it does not. */
export const REPLACE = 0x100;
export const EXCLUSIVE = 0x200;
export const CREATE = 0x400;

export const MESSAGE_ERROR = 2;
export const MESSAGE_DONE = 3;

const NESTED = 0x8000;
const ATTRIBUTE_TYPE = 0x3fff;
export const HEADER_BYTES = 16;

const aligned = (size: number) => (size + 3) & ~3;

/** A growing buffer; `length` is how much of it is written. */
export interface MessageWriter {
  bytes: Buffer;
  length: number;
}

export const newWriter = (size = 4096): MessageWriter => ({ bytes: Buffer.alloc(size), length: 0 });

/** Makes room for `size` more bytes and returns where they begin. The caller writes them. */
export function reserve(writer: MessageWriter, size: number): number {
  const at = writer.length;
  if (at + size > writer.bytes.length) {
    const larger = Buffer.alloc(Math.max(writer.bytes.length * 2, at + size));
    writer.bytes.copy(larger, 0, 0, at);
    writer.bytes = larger;
  }
  writer.length = at + size;
  return at;
}

export interface MessageHeader {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
}

/** Returns the mark that endMessage needs to fill in the length. */
export function beginMessage(writer: MessageWriter, header: MessageHeader, familyHeader: Uint8Array): number {
  const at = reserve(writer, HEADER_BYTES + aligned(familyHeader.length));
  writer.bytes.writeUInt16LE(header.type, at + 4);
  writer.bytes.writeUInt16LE(header.flags, at + 6);
  writer.bytes.writeUInt32LE(header.sequence, at + 8);
  writer.bytes.writeUInt32LE(0, at + 12);
  writer.bytes.set(familyHeader, at + HEADER_BYTES);
  return at;
}

export const endMessage = (writer: MessageWriter, mark: number): void =>
  void writer.bytes.writeUInt32LE(writer.length - mark, mark);

/** Writes the head of an attribute and zeroes its padding; returns where its `size` bytes of value begin. Byte by byte: a load has 600,000 heads. */
export function putAttributeHead(writer: MessageWriter, type: number, size: number): number {
  const at = reserve(writer, 4 + aligned(size));
  const { bytes } = writer;
  putTwo(bytes, at, 4 + size);
  putTwo(bytes, at + 2, type);
  for (let padding = at + 4 + size; padding < writer.length; padding++) bytes[padding] = 0;
  return at + 4;
}

function putTwo(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value & 0xff;
  bytes[at + 1] = value >>> 8;
}

export function openNest(writer: MessageWriter, type: number): number {
  return putAttributeHead(writer, type | NESTED, 0) - 4;
}

/** An attribute's length has 16 bits: whoever fills a nest must stop below 64 KB. */
export const closeNest = (writer: MessageWriter, mark: number): void =>
  putTwo(writer.bytes, mark, writer.length - mark);

export function putBytes(writer: MessageWriter, type: number, value: Uint8Array): void {
  const at = putAttributeHead(writer, type, value.length);
  writer.bytes.set(value, at);
}

/** Zero-terminated. */
export function putText(writer: MessageWriter, type: number, value: string): void {
  const size = Buffer.byteLength(value);
  const at = putAttributeHead(writer, type, size + 1);
  writer.bytes.write(value, at);
  writer.bytes[at + size] = 0;
}

/** The place first: making room may replace the writer's bytes. */
function putNumber(writer: MessageWriter, type: number, value: number): void {
  const at = putAttributeHead(writer, type, 4);
  writer.bytes.writeUInt32LE(value >>> 0, at);
}

/** A value: host-order 32-bit number, zero-terminated text, bytes as they are, or attributes inside. */
export type AttributeValue =
  | number
  | string
  | Uint8Array
  | readonly Attribute[]
  | { readonly header: Uint8Array; readonly attributes: readonly Attribute[] };

export type Attribute = readonly [type: number, value: AttributeValue | undefined];

/** Attributes whose value is undefined are left out. */
export function putAttributes(writer: MessageWriter, attributes: readonly Attribute[]): void {
  for (const [type, value] of attributes) if (value !== undefined) putAttribute(writer, type, value);
}

function putAttribute(writer: MessageWriter, type: number, value: AttributeValue): void {
  if (typeof value === 'number') putNumber(writer, type, value);
  else if (typeof value === 'string') putText(writer, type, value);
  else if (value instanceof Uint8Array) putBytes(writer, type, value);
  else {
    const mark = openNest(writer, type);
    if ('header' in value) {
      const at = reserve(writer, aligned(value.header.length));
      writer.bytes.set(value.header, at);
    }
    putAttributes(writer, 'header' in value ? value.attributes : value);
    closeNest(writer, mark);
  }
}

export interface Message extends MessageHeader {
  /** Family header and attributes; a view into the receive buffer, valid until the next receive. */
  readonly body: Buffer;
}

/** The messages in one received datagram. */
export function readMessages(datagram: Buffer): Message[] {
  const messages: Message[] = [];
  for (let at = 0; at + HEADER_BYTES <= datagram.length; ) {
    const length = datagram.readUInt32LE(at);
    if (length < HEADER_BYTES) break;
    messages.push({
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      body: datagram.subarray(at + HEADER_BYTES, at + length),
    });
    at += aligned(length);
  }
  return messages;
}

/** Attributes by type, from an offset on; of repeated types the last one stays. */
export function readAttributes(body: Buffer, from = 0): Map<number, Buffer> {
  const attributes = new Map<number, Buffer>();
  for (const [type, value] of eachAttribute(body, from)) attributes.set(type, value);
  return attributes;
}

export function* eachAttribute(body: Buffer, from = 0): Generator<[type: number, value: Buffer]> {
  for (let at = from; at + 4 <= body.length; ) {
    const length = body.readUInt16LE(at);
    if (length < 4) return;
    yield [body.readUInt16LE(at + 2) & ATTRIBUTE_TYPE, body.subarray(at + 4, at + length)];
    at += aligned(length);
  }
}

/** Zero-terminated text. */
export function textOf(value: Buffer): string {
  const end = value.indexOf(0);
  return value.toString('utf8', 0, end < 0 ? value.length : end);
}
