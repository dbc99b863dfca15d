// Remembering decisions: as long as the objects are the same, so is the answer, whatever the time.

/**
 * The last answer per first object, valid while the other arguments are `===` too. `now` only stamps what is written,
 * so it does not count; where time itself decides, call the function unremembered.
 */
export function rememberDecision<K extends object, A extends unknown[], R>(decide: (now: Date, key: K, ...rest: A) => R): (now: Date, key: K, ...rest: A) => R {
  const seen = new WeakMap<K, { rest: A; result: R }>();
  return (now, key, ...rest) => {
    const hit = seen.get(key);
    if (hit && hit.rest.every((value, i) => value === rest[i])) return hit.result;
    const result = decide(now, key, ...rest);
    seen.set(key, { rest, result });
    return result;
  };
}
