// When time alone may change an answer: the soonest of several moments.

/** The smallest of the waits that are known; undefined when there are none. */
export function earliest(waits: readonly (number | undefined)[]): number | undefined {
  let soonest: number | undefined;
  for (const wait of waits) if (wait !== undefined && (soonest === undefined || wait < soonest)) soonest = wait;
  return soonest;
}
