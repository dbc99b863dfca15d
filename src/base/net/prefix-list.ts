// "Is this address in one of these ranges?", asked often of lists that seldom change: parsed once per list.
import { parseAddress } from './address.ts';
import { type Prefix, contains, prefixOf } from './prefix.ts';

const parsed = new WeakMap<readonly string[], readonly Prefix[]>();

function prefixesOf(cidrs: readonly string[]): readonly Prefix[] {
  const known = parsed.get(cidrs);
  if (known) return known;
  const prefixes = cidrs.map(prefixOf);
  parsed.set(cidrs, prefixes);
  return prefixes;
}

/** Remembers by identity: the list must not change afterwards. What is no address is in no range. */
export function inRanges(address: string, cidrs: readonly string[]): boolean {
  const value = parseAddress(address);
  return value !== undefined && prefixesOf(cidrs).some((prefix) => contains(prefix, value));
}
