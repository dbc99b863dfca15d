// Ranges of addresses as sets: union, difference, text. Serves everything that must turn "these blocks, except those"
// into disjoint pieces. All lists are of one family unless said otherwise.
import { type Address, addressOf, bitsOf, printAddress } from './address.ts';
import { prefixOf, sizeOf } from './prefix.ts';

export interface AddressRange {
  readonly family: 4 | 6;
  readonly first: bigint;
  /** Included. */
  readonly last: bigint;
}

/** `10.0.0.0/8` or a single address. Throws RangeError naming the text. */
export function rangeOf(text: string): AddressRange {
  if (!text.includes('/')) {
    const { family, value } = addressOf(text);
    return { family, first: value, last: value };
  }
  const prefix = prefixOf(text);
  return { family: prefix.family, first: prefix.first, last: prefix.first + sizeOf(prefix) - 1n };
}

const byFirst = (a: AddressRange, b: AddressRange): number => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0);

/** The same addresses in ascending order, without overlap, neighbours joined. */
export function mergeRanges(ranges: readonly AddressRange[]): AddressRange[] {
  const merged: AddressRange[] = [];
  for (const range of [...ranges].sort(byFirst)) {
    const before = merged.at(-1);
    if (!before || range.first > before.last + 1n) merged.push(range);
    else if (range.last > before.last) merged[merged.length - 1] = { ...before, last: range.last };
  }
  return merged;
}

/** What is left of one range without the others: ascending and disjoint. */
export function subtractRanges(from: AddressRange, without: readonly AddressRange[]): AddressRange[] {
  const left: AddressRange[] = [];
  let first = from.first;
  for (const hole of mergeRanges(without)) {
    if (hole.last < first || hole.first > from.last) continue;
    if (hole.first > first) left.push({ ...from, first, last: hole.first - 1n });
    first = hole.last + 1n;
  }
  if (first <= from.last) left.push({ ...from, first });
  return left;
}

/** A single address, a prefix where the range is one, else `first-last`. */
export function printRange({ family, first, last }: AddressRange): string {
  const text = (value: bigint) => printAddress({ family, value } satisfies Address);
  const size = last - first + 1n;
  if (size === 1n) return text(first);
  const isPrefix = (size & (size - 1n)) === 0n && (first & (size - 1n)) === 0n;
  return isPrefix ? `${text(first)}/${bitsOf(family) - (size.toString(2).length - 1)}` : `${text(first)}-${text(last)}`;
}
