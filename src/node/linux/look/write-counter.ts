// Tells our own transactions from those of others by counting: the kernel numbers all of a namespace.
// Serves the drivers' checks (KPX-25).

export interface WriteCounter {
  /** So many transactions of our own have been made; NaN: we do not know how many. */
  wrote(transactions: number): void;
  /** Whether somebody else has written since the last question, given the kernel's number now. At first: maybe, so yes. */
  isForeign(generation: number): boolean;
}

export function createWriteCounter(): WriteCounter {
  let seen = NaN;
  let ours = 0;
  return {
    wrote: (transactions) => void (ours += transactions),
    isForeign(generation) {
      if (generation === seen + ours) return false;
      seen = generation;
      ours = 0;
      return true;
    },
  };
}
