// DNS messages on the wire (RFC 1035, 2782, 6891): reads queries, writes answers.
// A query's question is kept as bytes and sent back as it came, so that its letter case survives (DNS-04).
import { addressBytes, addressOf } from '../../base/net/address.ts';
import type { NameRecord } from '../../model/network-model.ts';
import { FormatError, NameWriter, readName } from './names.ts';

export const responseCodes = { noError: 0, formatError: 1, serverFailure: 2, nameError: 3, notImplemented: 4, refused: 5, badVersion: 16 } as const;
export type ResponseCode = (typeof responseCodes)[keyof typeof responseCodes];

const typeNumbers = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, TXT: 16, AAAA: 28, SRV: 33 } as const;
const typeNames = new Map<number, NameRecord['type']>(Object.entries(typeNumbers).map(([name, number]) => [number, name as NameRecord['type']]));
export const zoneTransferTypes: ReadonlySet<number> = new Set([251, 252]);
export const classInternet = 1;
const typeOpt = 41;
const headerSize = 12;

/** Without EDNS a UDP answer holds 512 bytes; with it no more than we dare to send in one datagram. */
const plainUdpSize = 512;
export const largestUdpSize = 1232;

export interface Query {
  id: number;
  opcode: number;
  recursionDesired: boolean;
  /** The header's AD and CD bits, which other servers may heed. */
  flags: number;
  name: string;
  type: NameRecord['type'] | 'other';
  typeNumber: number;
  classNumber: number;
  /** From the header's end: name, type, class as they came. */
  question: Buffer;
  /** Present when the asker speaks EDNS: the largest UDP answer it takes. */
  edns?: { udpSize: number; dnssecOk: boolean; version: number };
}

/** Throws FormatError; packets shorter than a header, and answers, give undefined: nobody waits for a reply to them. */
export function readQuery(packet: Buffer): Query | undefined {
  if (packet.length < headerSize || (packet[2]! & 0x80) !== 0) return undefined;
  const opcode = (packet[2]! >> 3) & 0xf;
  const counts = [4, 6, 8, 10].map((at) => packet.readUInt16BE(at)) as [number, number, number, number];
  if (opcode === 0 && counts[0] !== 1) throw new FormatError(`${counts[0]} questions in one packet`);
  const { name, next } = readName(packet, headerSize);
  if (next + 4 > packet.length) throw new FormatError('the question ends early');
  // A pointer could only lead into the header: nobody writes that in good faith.
  if (next - headerSize !== (name === '' ? 1 : name.length + 2)) throw new FormatError('the question is compressed');
  const typeNumber = packet.readUInt16BE(next);
  const classNumber = packet.readUInt16BE(next + 2);
  const edns = counts[1] + counts[2] === 0 ? readEdns(packet, next + 4, counts[3]) : undefined;
  return {
    id: packet.readUInt16BE(0),
    opcode,
    recursionDesired: (packet[2]! & 1) !== 0,
    flags: packet[3]! & 0x30,
    name,
    type: typeNames.get(typeNumber) ?? 'other',
    typeNumber,
    classNumber,
    question: packet.subarray(headerSize, next + 4),
    ...(edns && { edns }),
  };
}

/** Throws FormatError also for a second one (RFC 6891, section 6.1.1). */
function readEdns(packet: Buffer, start: number, count: number): Query['edns'] {
  let at = start;
  let edns: Query['edns'];
  for (let i = 0; i < count; i++) {
    const { name, next } = readName(packet, at);
    if (next + 10 > packet.length) throw new FormatError('a record ends early');
    if (packet.readUInt16BE(next) === typeOpt) {
      if (edns || name !== '') throw new FormatError('more EDNS than one, or not at the root');
      edns = { udpSize: packet.readUInt16BE(next + 2), version: packet[next + 5]!, dnssecOk: (packet[next + 6]! & 0x80) !== 0 };
    }
    at = next + 10 + packet.readUInt16BE(next + 8);
    if (at > packet.length) throw new FormatError('a record runs past the packet');
  }
  return edns;
}

export interface Response {
  code: ResponseCode;
  authoritative: boolean;
  /** Something was left out already: the asker must come again over TCP. */
  truncated?: boolean;
  answers: readonly NameRecord[];
  authority: readonly NameRecord[];
  additional: readonly NameRecord[];
}

export const udpLimit = ({ edns }: Pick<Query, 'edns'>): number => (edns ? Math.min(Math.max(edns.udpSize, plainUdpSize), largestUdpSize) : plainUdpSize);
export const tcpLimit = 65_535;

const scratch = Buffer.allocUnsafe(tcpLimit + 1024);

/** What does not fit is left out: answers with the TC bit (ask again over TCP), additional records silently (DNS-65). */
export function writeResponse(query: Query, response: Response, limit: number): Buffer {
  const names = new NameWriter();
  const room = limit - (query.edns ? 11 : 0);
  let at = headerSize + query.question.copy(scratch, headerSize);
  names.remember(query.name, headerSize);
  const counts = [0, 0, 0];
  let truncated = response.truncated === true;
  for (const [section, records] of [response.answers, response.authority, response.additional].entries()) {
    for (const record of truncated ? [] : records) {
      const end = writeRecord(scratch, at, record, names);
      if (end > room) {
        truncated = section < 2;
        break;
      }
      at = end;
      counts[section]!++;
    }
  }
  if (query.edns) at = writeOpt(at, response.code, query.edns.dnssecOk);
  const flags = 0x8000 | (query.opcode << 11) | (response.authoritative ? 0x400 : 0) | (truncated ? 0x200 : 0) | (query.recursionDesired ? 0x100 : 0) | 0x80;
  for (const [i, value] of [query.id, flags | (response.code & 0xf), 1, counts[0]!, counts[1]!, counts[2]! + (query.edns ? 1 : 0)].entries()) {
    scratch.writeUInt16BE(value, i * 2);
  }
  return Buffer.from(scratch.subarray(0, at));
}

/** An answer to a packet whose question cannot even be read: the header alone. */
export function writeHeaderOnly(packet: Buffer, code: ResponseCode): Buffer {
  const header = Buffer.alloc(headerSize);
  header.writeUInt16BE(packet.readUInt16BE(0), 0);
  header.writeUInt16BE(0x8000 | (packet.readUInt16BE(2) & 0x7900) | 0x80 | code, 2);
  return header;
}

/** Holds what of the code does not fit in the header; the asker's DO bit comes back (RFC 3225). */
function writeOpt(start: number, code: ResponseCode, dnssecOk: boolean): number {
  let at = scratch.writeUInt8(0, start);
  at = scratch.writeUInt16BE(typeOpt, at);
  at = scratch.writeUInt16BE(largestUdpSize, at);
  at = scratch.writeUInt8(code >> 4, at);
  at = scratch.writeUInt8(0, at);
  at = scratch.writeUInt16BE(dnssecOk ? 0x8000 : 0, at);
  return scratch.writeUInt16BE(0, at);
}

function writeRecord(packet: Buffer, start: number, record: NameRecord, names: NameWriter): number {
  // A record that cannot fit even over TCP ends the packet: leave room for the longest fixed part and name.
  if (start > tcpLimit - 600) return Infinity;
  let at = names.write(packet, start, record.name);
  at = packet.writeUInt16BE(typeNumbers[record.type], at);
  at = packet.writeUInt16BE(classInternet, at);
  at = packet.writeUInt32BE(record.ttlSeconds, at);
  const end = writeData(packet, at + 2, record, names);
  packet.writeUInt16BE(end - at - 2, at);
  return end;
}

function writeData(packet: Buffer, at: number, record: NameRecord, names: NameWriter): number {
  switch (record.type) {
    case 'A':
    case 'AAAA': {
      const bytes = addressBytes(addressOf(record.address));
      packet.set(bytes, at);
      return at + bytes.length;
    }
    case 'SRV': {
      for (const value of [record.priority, record.weight, record.port]) at = packet.writeUInt16BE(value, at);
      // RFC 2782 forbids compression of the target.
      return new NameWriter().write(packet, at, record.target);
    }
    case 'TXT': {
      at = packet.writeUInt8(record.text.length, at);
      return at + packet.write(record.text, at, 'latin1');
    }
    case 'SOA': {
      at = names.write(packet, names.write(packet, at, record.primary), record.mailbox);
      for (const value of [record.serial, 7200, 1800, 86_400, record.minimumSeconds]) at = packet.writeUInt32BE(value, at);
      return at;
    }
    case 'CNAME':
    case 'PTR':
    case 'NS':
      return names.write(packet, at, record.target);
  }
}
