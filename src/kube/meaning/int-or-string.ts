// Numbers that may be written as percentages: `1`, `"25%"`.
import type { IntOrString } from '../objects/meta.ts';

const percent = /^(\d+)%$/;

export const isPercent = (value: IntOrString): boolean => typeof value === 'string' && percent.test(value);

/** A number as it stands, a percentage of the total; undefined for any other text. */
export function scaledValue(value: IntOrString, total: number, round: 'up' | 'down'): number | undefined {
  if (typeof value === 'number') return value;
  const share = percent.exec(value)?.[1];
  if (share === undefined) return undefined;
  const exact = (Number(share) * total) / 100;
  return round === 'up' ? Math.ceil(exact) : Math.floor(exact);
}
