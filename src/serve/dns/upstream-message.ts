// What Fairlead says to other servers, and needs to understand of their answers: times to live, and where a name leads.
import { addressFromBytes, printAddress } from '../../base/net/address.ts';
import type { NameRecord } from '../../model/network-model.ts';
import { type Query, type ResponseCode, responseCodes } from './message.ts';
import { FormatError, readName } from './names.ts';

export interface ForeignRecord {
  name: string;
  type: number;
  ttlSeconds: number;
  /** Where in the packet the TTL stands, to count it down. */
  ttlAt: number;
  dataAt: number;
  dataLength: number;
}

export interface ForeignMessage {
  code: number;
  truncated: boolean;
  answers: ForeignRecord[];
  /** Answers, authority and additional; without EDNS's pseudo-record. */
  all: ForeignRecord[];
}

const typeSoa = 6;
const typeOpt = 41;

/** Throws FormatError. */
export function readForeignMessage(packet: Buffer): ForeignMessage {
  if (packet.length < 12) throw new FormatError('an answer without a header');
  const [questions, answers, authority, additional] = [4, 6, 8, 10].map((at) => packet.readUInt16BE(at)) as [number, number, number, number];
  let at = 12;
  for (let i = 0; i < questions; i++) at = readName(packet, at).next + 4;
  const all: ForeignRecord[] = [];
  for (let i = 0; i < answers + authority + additional; i++) {
    const record = readRecord(packet, at);
    at = record.dataAt + record.dataLength;
    all.push(record);
  }
  return {
    code: packet[3]! & 0xf,
    truncated: (packet[2]! & 2) !== 0,
    answers: all.slice(0, answers),
    all: all.filter(({ type }) => type !== typeOpt),
  };
}

function readRecord(packet: Buffer, start: number): ForeignRecord {
  const { name, next } = readName(packet, start);
  if (next + 10 > packet.length) throw new FormatError('a record ends early');
  const record = {
    name,
    type: packet.readUInt16BE(next),
    ttlSeconds: packet.readUInt32BE(next + 4),
    ttlAt: next + 4,
    dataAt: next + 10,
    dataLength: packet.readUInt16BE(next + 8),
  };
  if (record.dataAt + record.dataLength > packet.length) throw new FormatError('a record runs past the packet');
  return record;
}

/** What is asked of others. Nothing of the asker's own packet goes out but this: no cookies, no client addresses. */
export type ForeignQuestion = Pick<Query, 'name' | 'typeNumber' | 'question' | 'flags' | 'recursionDesired'> & {
  readonly edns?: { readonly udpSize: number; readonly dnssecOk: boolean };
};

export function writeForeignQuery({ question, flags, recursionDesired, edns }: ForeignQuestion): Buffer {
  const header = Buffer.from([0, 0, recursionDesired ? 1 : 0, flags, 0, 1, 0, 0, 0, 0, 0, edns ? 1 : 0]);
  const opt = edns ? [Buffer.from([0, 0, typeOpt, edns.udpSize >> 8, edns.udpSize & 0xff, 0, 0, edns.dnssecOk ? 0x80 : 0, 0, 0, 0])] : [];
  return Buffer.concat([header, question, ...opt]);
}

/** The question section for a name in text. */
export function encodeName(name: string, typeNumber: number): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')]));
  return Buffer.concat([...labels, Buffer.from([0, typeNumber >> 8, typeNumber & 0xff, 0, 1])]);
}

export const isTruncated = (packet: Buffer): boolean => (packet[2]! & 2) !== 0;

export interface AddressAnswer {
  code: ResponseCode;
  records: NameRecord[];
}

/**
 * The records on the way from the name to its addresses, in order. Others are left out: a server must not be able to put
 * names of the cluster into our mouth. What cannot be read is no answer.
 */
export function readAddressAnswer(packet: Buffer, name: string): AddressAnswer {
  try {
    const { code, answers } = readForeignMessage(packet);
    const records = answers.flatMap((record) => readRecordData(packet, record));
    return { code: code === responseCodes.nameError ? code : responseCodes.noError, records: chainFrom(name, records) };
  } catch (error) {
    if (error instanceof FormatError) return { code: responseCodes.noError, records: [] };
    throw error;
  }
}

function readRecordData(packet: Buffer, { name, type, ttlSeconds, dataAt, dataLength }: ForeignRecord): NameRecord[] {
  const data = packet.subarray(dataAt, dataAt + dataLength);
  if (type === 1 && dataLength === 4) return [{ name, type: 'A', address: printAddress(addressFromBytes(data)), ttlSeconds }];
  if (type === 28 && dataLength === 16) return [{ name, type: 'AAAA', address: printAddress(addressFromBytes(data)), ttlSeconds }];
  if (type === 5) return [{ name, type: 'CNAME', target: readName(packet, dataAt).name, ttlSeconds }];
  return [];
}

function chainFrom(start: string, records: readonly NameRecord[]): NameRecord[] {
  const chain: NameRecord[] = [];
  for (let name: string | undefined = start; name !== undefined; ) {
    const here: NameRecord[] = records.filter((record) => record.name === name && !chain.includes(record));
    chain.push(...here);
    const alias: NameRecord | undefined = here.find(({ type }) => type === 'CNAME');
    name = alias?.type === 'CNAME' ? alias.target : undefined;
  }
  return chain;
}

/** How long a negative answer holds: the start of authority says it twice (RFC 2308, section 5). */
export function negativeSeconds(packet: Buffer, records: readonly ForeignRecord[]): number | undefined {
  const authority = records.find(({ type, dataLength }) => type === typeSoa && dataLength >= 20);
  return authority && Math.min(authority.ttlSeconds, packet.readUInt32BE(authority.dataAt + authority.dataLength - 4));
}
