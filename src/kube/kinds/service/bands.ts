// Choosing a free number from a range that has two bands: asked-for values live low, handed-out ones high
// (KEP-3070, KEP-3668). The choice is a function of the seed: spread out like a random one, yet the same
// Service gets the same number back after it was deleted, and a test needs no luck.

export interface Bands {
  /** First and last usable number. */
  readonly first: bigint;
  readonly last: bigint;
  /** Where handing out begins; equal to `first` when there is no static band. */
  readonly dynamic: bigint;
}

const clamp = (value: bigint, low: bigint, high: bigint): bigint => (value < low ? low : value > high ? high : value);

/** Size of the static band of a Service range with this many addresses (SVC-53, IPAM-04). */
export const staticAddresses = (size: bigint): bigint => (size <= 16n ? 0n : clamp(size / 16n, 16n, 256n));

/** Size of the static band of a node-port range (SVC-66). */
export const staticPorts = (size: bigint): bigint => (size <= 16n ? 0n : clamp(size / 32n, 16n, 128n));

/** FNV-1a, 64 bits: spreads names evenly, no more is asked of it. */
function hash(text: string): bigint {
  let state = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(text)) state = ((state ^ BigInt(byte)) * 0x100000001b3n) & 0xffff_ffff_ffff_ffffn;
  return state;
}

/** First free number of first…last, round from a start that the seed decides. */
function pickWithin(first: bigint, last: bigint, seed: string, isFree: (number: bigint) => boolean): bigint | undefined {
  const size = last - first + 1n;
  if (size <= 0n) return undefined;
  const start = hash(seed) % size;
  for (let step = 0n; step < size; step++) {
    const number = first + ((start + step) % size);
    if (isFree(number)) return number;
  }
  return undefined;
}

/** Upper band first, the lower only when it is full; undefined when all is taken. */
export const pickFree = ({ first, last, dynamic }: Bands, seed: string, isFree: (number: bigint) => boolean): bigint | undefined =>
  pickWithin(dynamic, last, seed, isFree) ?? pickWithin(first, dynamic - 1n, seed, isFree);
