// What Fairlead needs to understand of other servers' answers: their times to live, and their address records.
import { addressFromBytes, printAddress } from '../../base/net/address.ts';
import type { NameRecord } from '../../model/network-model.ts';
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

/** The records that say where a name leads: addresses and the CNAMEs on the way. */
export function readAddressRecords(packet: Buffer): NameRecord[] {
  return readForeignMessage(packet).answers.flatMap(({ name, type, ttlSeconds, dataAt, dataLength }): NameRecord[] => {
    const data = packet.subarray(dataAt, dataAt + dataLength);
    if (type === 1 && dataLength === 4) return [{ name, type: 'A', address: printAddress(addressFromBytes(data)), ttlSeconds }];
    if (type === 28 && dataLength === 16) return [{ name, type: 'AAAA', address: printAddress(addressFromBytes(data)), ttlSeconds }];
    if (type === 5) return [{ name, type: 'CNAME', target: readName(packet, dataAt).name, ttlSeconds }];
    return [];
  });
}
