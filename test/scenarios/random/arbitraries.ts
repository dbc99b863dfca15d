// What the generators of random worlds are made of.
import fc from 'fast-check';

export const pick = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

/** `value` in about one case of `oneIn`, else nothing. */
export const rarely = <T>(oneIn: number, value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: oneIn - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });

export const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => rarely(2, value);

/** Between `min` and `max` of them, each told its number. */
export const several = <T>(min: number, max: number, make: (index: number) => fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.integer({ min, max }).chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => make(index))));

/** Keys without a value are left out, as in the files that people write. */
export const lean = <T extends object>(object: T): T =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
