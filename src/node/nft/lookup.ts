// How a packet's fields meet the values in rules and sets: reading, equality, prefixes and ranges.
// Serves evaluate.ts. A field that the packet does not have (a v4 address of a v6 packet, a port of an ICMP packet)
// makes the whole rule not match, also when the comparison is negated: nft adds that dependency itself.
import { addressOf } from '../../base/net/address.ts';
import { prefixOf, sizeOf } from '../../base/net/prefix.ts';
import type { Packet } from '../../model/packet.ts';
import { allElements, findElement, printKey, type Element, type Field, type FieldValue, type NftSet } from './ruleset.ts';

export interface Readable {
  readonly packet: Packet;
  readonly mark: number;
  readonly iifname?: string | undefined;
}

const l4proto = ({ protocol, family }: Packet): string =>
  protocol !== 'ICMP' ? protocol.toLowerCase() : family === 4 ? 'icmp' : 'ipv6-icmp';

const reading: { readonly [F in Field]: (from: Readable) => FieldValue | undefined } = {
  'ip saddr': ({ packet }) => (packet.family === 4 ? packet.source : undefined),
  'ip daddr': ({ packet }) => (packet.family === 4 ? packet.destination : undefined),
  'ip6 saddr': ({ packet }) => (packet.family === 6 ? packet.source : undefined),
  'ip6 daddr': ({ packet }) => (packet.family === 6 ? packet.destination : undefined),
  'meta l4proto': ({ packet }) => l4proto(packet),
  'th sport': ({ packet }) => (packet.protocol === 'ICMP' ? undefined : packet.sourcePort),
  'th dport': ({ packet }) => (packet.protocol === 'ICMP' ? undefined : packet.destinationPort),
  'meta mark': ({ mark }) => mark,
  iifname: ({ iifname }) => iifname,
};

export const readField = (field: Field, from: Readable): FieldValue | undefined => reading[field](from);

export function readFields(fields: readonly Field[], from: Readable): FieldValue[] | undefined {
  const values: FieldValue[] = [];
  for (const field of fields) {
    const value = readField(field, from);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}

interface Span {
  readonly first: bigint;
  readonly last: bigint;
}

const isAddress = (text: string): boolean => text.includes('.') || text.includes(':');

/** Numbers of a single value, `a-b` or a prefix; undefined for words (`tcp`, interface names). */
function spanOf(value: FieldValue): Span | undefined {
  if (typeof value === 'number') return { first: BigInt(value), last: BigInt(value) };
  if (value.includes('/') && isAddress(value)) {
    const prefix = prefixOf(value);
    return { first: prefix.first, last: prefix.first + sizeOf(prefix) - 1n };
  }
  const range = /^(\d+|[0-9a-f.:]*[.:][0-9a-f.:]*)-(\d+|[0-9a-f.:]*[.:][0-9a-f.:]*)$/.exec(value);
  const number = (text: string) => (isAddress(text) ? addressOf(text).value : BigInt(text));
  if (range) return { first: number(range[1]!), last: number(range[2]!) };
  return /^\d+$/.test(value) || isAddress(value) ? { first: number(value), last: number(value) } : undefined;
}

/** True when the packet's value is the wished one, or within its prefix or range. */
export function holds(wished: FieldValue, actual: FieldValue): boolean {
  if (wished === actual) return true;
  const span = spanOf(wished);
  const at = span && spanOf(actual);
  return at !== undefined && span !== undefined && span.first <= at.first && at.last <= span.last;
}

/** The element a packet's values fall on, exactly or, in interval sets, by containment. */
export function elementFor(set: NftSet, values: readonly FieldValue[]): Element | undefined {
  const exact = findElement(set, printKey(values));
  if (exact || !set.interval) return exact;
  for (const element of allElements(set).values()) {
    if (element.key.every((wished, i) => holds(wished, values[i]!))) return element;
  }
  return undefined;
}
