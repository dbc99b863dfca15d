// Durations on the command line, as Go's tools write them.
import { InvalidArgumentError } from 'commander';

const unitsMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** As parseDuration; `0s` as well. */
export const parseDurationOrNone = (text: string): number => (/^0(ms|s|m|h)$/.test(text) ? 0 : parseDuration(text));

/** `30s`, `1m30s`, `500ms` → milliseconds, more than none. */
export function parseDuration(text: string): number {
  const found = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  const totalMs = found.reduce((sum, [, number, unit]) => sum + Number(number) * unitsMs[unit as keyof typeof unitsMs], 0);
  if (found.map(([whole]) => whole).join('') !== text || totalMs <= 0) throw new InvalidArgumentError('must be a duration such as 30s.');
  return totalMs;
}
