// IP addresses as numbers: parse, print, compare. Strict: what inet_pton refuses is refused here
// (no octal, no short forms), because a lenient parser in a policy is a hole.

export interface Address {
  readonly family: 4 | 6;
  /** 32 or 128 bits. */
  readonly value: bigint;
}

const group = /^[0-9a-fA-F]{1,4}$/;

const [dot, zero, nine] = ['.', '0', '9'].map((char) => char.charCodeAt(0)) as [number, number, number];

/** An IPv4 address as a plain number; undefined when it is none. By characters: every endpoint of the cluster passes here at start. */
export function parseV4Number(text: string): number | undefined {
  let value = 0;
  let dots = 0;
  let octet = -1;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === dot) {
      if (octet < 0) return undefined;
      value = value * 256 + octet;
      octet = -1;
      dots += 1;
    } else {
      // A digit after a leading zero would be octal to some readers: refused.
      if (code < zero || code > nine || octet === 0) return undefined;
      octet = Math.max(octet, 0) * 10 + code - zero;
      if (octet > 255) return undefined;
    }
  }
  return dots === 3 && octet >= 0 ? value * 256 + octet : undefined;
}

function parseV4(text: string): bigint | undefined {
  const value = parseV4Number(text);
  return value === undefined ? undefined : BigInt(value);
}

/** Hex groups of one side of `::`; an IPv4 tail counts as two, and stands only at the very end of an address. */
function parseGroups(text: string, isEnd: boolean): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (isEnd && part.includes('.') && index === parts.length - 1) {
      const tail = parseV4(part);
      if (tail === undefined) return undefined;
      groups.push(Number(tail >> 16n), Number(tail & 0xffffn));
    } else if (group.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

function parseV6(text: string): bigint | undefined {
  const sides = text.split('::');
  if (sides.length > 2) return undefined;
  const head = parseGroups(sides[0] ?? '', sides.length === 1);
  const tail = sides.length === 2 ? parseGroups(sides[1] ?? '', true) : [];
  if (!head || !tail) return undefined;
  const missing = 8 - head.length - tail.length;
  if (sides.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array<number>(missing).fill(0), ...tail];
  return groups.reduce((value, part) => (value << 16n) | BigInt(part), 0n);
}

/** `10.0.0.1` or `2001:db8::1`; undefined when it is neither. */
export function parseAddress(text: string): Address | undefined {
  const family = text.includes(':') ? 6 : 4;
  const value = family === 6 ? parseV6(text) : parseV4(text);
  return value === undefined ? undefined : { family, value };
}

/** Like parseAddress, for text that the program made itself. Throws RangeError naming the text. */
export function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (!address) throw new RangeError(`not an IP address: ${JSON.stringify(text)}`);
  return address;
}

/** 4 or 6 by the look of a text already known to be an address. */
export const familyOf = (text: string): 4 | 6 => (text.includes(':') ? 6 : 4);

/** First longest run of two or more zero groups, as [start, length]; RFC 5952, section 4.2. */
function longestZeroRun(groups: readonly number[]): [number, number] {
  let best: [number, number] = [-1, 1];
  let start = -1;
  for (const [index, part] of groups.entries()) {
    if (part !== 0) start = -1;
    else {
      if (start < 0) start = index;
      if (index - start + 1 > best[1]) best = [start, index - start + 1];
    }
  }
  return best;
}

/** Canonical text: dotted quad, or RFC 5952. */
export function printAddress({ family, value }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(112 - 16 * i)) & 0xffffn));
  const [start, length] = longestZeroRun(groups);
  const hex = (part: readonly number[]) => part.map((g) => g.toString(16)).join(':');
  if (start < 0) return hex(groups);
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

/** One address has one text: addresses that people spelt are compared in this form. Undefined when it is none. */
export function canonicalAddress(text: string): string | undefined {
  const address = parseAddress(text);
  // An IPv4 address has no second spelling that is accepted.
  return address?.family === 6 ? printAddress(address) : address && text;
}

export const bitsOf = (family: 4 | 6): 32 | 128 => (family === 4 ? 32 : 128);

/** Network byte order, 4 or 16 bytes. */
export function addressBytes({ family, value }: Address): Uint8Array {
  const bytes = new Uint8Array(bitsOf(family) / 8);
  // By words of 32 bits: plain numbers are far cheaper than bigints.
  for (let i = bytes.length - 4, rest = value; i >= 0; i -= 4, rest >>= 32n) {
    const word = Number(rest & 0xffff_ffffn);
    bytes[i] = word >>> 24;
    bytes[i + 1] = word >>> 16;
    bytes[i + 2] = word >>> 8;
    bytes[i + 3] = word;
  }
  return bytes;
}

export function addressFromBytes(bytes: Uint8Array): Address {
  const family = bytes.length === 4 ? 4 : 6;
  return { family, value: bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n) };
}

/** Orders IPv4 before IPv6, then by number. */
export function compareAddresses(a: Address, b: Address): number {
  if (a.family !== b.family) return a.family - b.family;
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
}
