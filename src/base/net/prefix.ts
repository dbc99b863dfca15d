// Address prefixes (CIDR): parse, print, containment, subdivision.
import { type Address, addressOf, bitsOf, parseAddress, printAddress } from './address.ts';

export interface Prefix {
  readonly family: 4 | 6;
  /** Host bits are zero. */
  readonly first: bigint;
  readonly length: number;
}

const mask = (family: 4 | 6, length: number): bigint => {
  const bits = BigInt(bitsOf(family));
  return ((1n << BigInt(length)) - 1n) << (bits - BigInt(length));
};

/** `10.0.0.0/8`; host bits are cleared. Undefined when it is no prefix. */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/');
  if (slash < 0 || !/^(?:0|[1-9]\d{0,2})$/.test(text.slice(slash + 1))) return undefined;
  const address = parseAddress(text.slice(0, slash));
  const length = Number(text.slice(slash + 1));
  if (!address || length > bitsOf(address.family)) return undefined;
  return { family: address.family, first: address.value & mask(address.family, length), length };
}

/** Like parsePrefix, for text that the program made itself. Throws RangeError naming the text. */
export function prefixOf(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (!prefix) throw new RangeError(`not an address prefix: ${JSON.stringify(text)}`);
  return prefix;
}

export const printPrefix = (prefix: Prefix): string =>
  `${printAddress({ family: prefix.family, value: prefix.first })}/${prefix.length}`;

/** The whole of one address: /32 or /128. */
export const hostPrefix = (address: string): string => `${address}/${bitsOf(addressOf(address).family)}`;

export const sizeOf = (prefix: Prefix): bigint => 1n << BigInt(bitsOf(prefix.family) - prefix.length);

export function contains(prefix: Prefix, address: Address): boolean {
  return address.family === prefix.family && (address.value & mask(prefix.family, prefix.length)) === prefix.first;
}

export function overlaps(a: Prefix, b: Prefix): boolean {
  const [wide, narrow] = a.length <= b.length ? [a, b] : [b, a];
  return contains(wide, { family: narrow.family, value: narrow.first });
}

/** The address at an offset from the first; RangeError outside the prefix. */
export function nthAddress(prefix: Prefix, offset: bigint | number): Address {
  const at = BigInt(offset);
  if (at < 0n || at >= sizeOf(prefix)) throw new RangeError(`${printPrefix(prefix)} has no address number ${at}`);
  return { family: prefix.family, value: prefix.first + at };
}

/** The n-th sub-prefix of the given length: nth(10.244.0.0/16, 24, 2) = 10.244.2.0/24. */
export function nthSubprefix(prefix: Prefix, length: number, n: number): Prefix {
  const step = 1n << BigInt(bitsOf(prefix.family) - length);
  const { value } = nthAddress(prefix, BigInt(n) * step);
  return { family: prefix.family, first: value, length };
}
