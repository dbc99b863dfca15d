// "Is this address in one of these ranges?", asked often of lists that seldom change: parsed once per list.
// IPv4 by plain numbers: every endpoint of the cluster is asked about at start.
import { parseAddress, parseV4Number } from './address.ts';
import { type Prefix, contains, prefixOf } from './prefix.ts';

interface Parsed {
  readonly prefixes: readonly Prefix[];
  readonly v4: readonly { readonly first: number; readonly last: number }[];
}

const parsed = new WeakMap<readonly string[], Parsed>();

function prefixesOf(cidrs: readonly string[]): Parsed {
  const known = parsed.get(cidrs);
  if (known) return known;
  const prefixes = cidrs.map(prefixOf);
  const v4 = prefixes.filter(({ family }) => family === 4).map(({ first, length }) => ({ first: Number(first), last: Number(first) + 2 ** (32 - length) - 1 }));
  const fresh = { prefixes, v4 };
  parsed.set(cidrs, fresh);
  return fresh;
}

/** Remembers by identity: the list must not change afterwards. What is no address is in no range. */
export function inRanges(address: string, cidrs: readonly string[]): boolean {
  const { prefixes, v4 } = prefixesOf(cidrs);
  const number = parseV4Number(address);
  if (number !== undefined) {
    for (const { first, last } of v4) if (number >= first && number <= last) return true;
    return false;
  }
  const value = parseAddress(address);
  return value !== undefined && prefixes.some((prefix) => contains(prefix, value));
}
