// Timestamps and durations: their texts, and the parts of a moment in a time zone.
import type { Library } from '../environment.ts';
import { Duration, EvalError, Timestamp } from '../values.ts';
import { duration, timestamp } from './arithmetic.ts';

const units: Readonly<Record<string, bigint>> = { ns: 1n, us: 1000n, µs: 1000n, μs: 1000n, ms: 1_000_000n, s: 1_000_000_000n, m: 60_000_000_000n, h: 3_600_000_000_000n };
const part = /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/y;

const fail = (message: string): never => {
  throw new EvalError(message);
};

/** `1h30m`, `-1.5s`, `0`. Throws EvalError. */
export function parseDuration(text: string): Duration {
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  const body = text.slice(sign.length);
  const ns = body === '0' ? 0n : sumOfParts(body);
  if (ns === undefined) return fail(`time: invalid duration "${text}"`);
  return duration(sign === '-' ? -ns : ns);
}

/** undefined when it is no sequence of numbers with units. */
function sumOfParts(body: string): bigint | undefined {
  const shape = new RegExp(part);
  let ns = 0n;
  while (shape.lastIndex < body.length) {
    const [, whole = '', fraction = '', unit] = shape.exec(body) ?? [];
    if (!unit || (whole === '' && fraction === '')) return undefined;
    const digits = fraction.slice(0, 18);
    ns += BigInt(whole || 0) * units[unit]! + (BigInt(digits || 0) * units[unit]!) / 10n ** BigInt(digits.length);
  }
  return body === '' ? undefined : ns;
}

/** In seconds, as CEL's JSON has it: `5400s`. */
export function printDuration({ ns }: Duration): string {
  const size = ns < 0n ? -ns : ns;
  const fraction = String(size % 1_000_000_000n).padStart(9, '0').replace(/0+$/, '');
  return `${ns < 0n ? '-' : ''}${size / 1_000_000_000n}${fraction && `.${fraction}`}s`;
}

const timestampShape = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/;

/** RFC 3339. Throws EvalError. */
export function parseTimestamp(text: string): Timestamp {
  const [, date, time, fraction = '', zone] = timestampShape.exec(text) ?? fail(`cannot parse "${text}" as timestamp`);
  const ms = Date.parse(`${date}T${time}${zone!.toUpperCase()}`);
  const isDay = Number.isNaN(ms) ? false : new Date(Date.parse(`${date}T00:00:00Z`)).toISOString().startsWith(date!);
  if (!isDay) fail(`cannot parse "${text}" as timestamp`);
  return timestamp(BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0')));
}

const floorDiv = (a: bigint, b: bigint): bigint => (a >= 0n ? a / b : -((-a + b - 1n) / b));

export function printTimestamp({ ns }: Timestamp): string {
  const seconds = floorDiv(ns, 1_000_000_000n);
  const fraction = String(ns - seconds * 1_000_000_000n).padStart(9, '0').replace(/0+$/, '');
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}${fraction && `.${fraction}`}Z`;
}

/** The moment as a clock in the zone shows it, as if that clock were UTC. */
function inZone({ ns }: Timestamp, zone: string): Date {
  const utc = new Date(Number(floorDiv(ns, 1_000_000n)));
  const fixed = /^([+-]?)(\d{1,2}):(\d{2})$/.exec(zone);
  if (fixed) {
    const minutes = Number(fixed[2]) * 60 + Number(fixed[3]);
    return new Date(utc.getTime() + (fixed[1] === '-' ? -minutes : minutes) * 60_000);
  }
  if (zone === '' || zone === 'UTC') return utc;
  return new Date(utc.getTime() + zoneOffset(utc, zone));
}

function zoneOffset(utc: Date, zone: string): number {
  try {
    const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' });
    const parts = Object.fromEntries(format.formatToParts(utc).map(({ type, value }) => [type, Number(value)])) as Record<string, number>;
    const shown = Date.UTC(parts['year']!, parts['month']! - 1, parts['day'], parts['hour'], parts['minute'], parts['second']);
    return shown - Math.floor(utc.getTime() / 1000) * 1000;
  } catch {
    // Intl throws for zones it does not know.
    return fail(`unknown time zone ${zone}`);
  }
}

const dayOfYear = (date: Date): number => Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000);

const parts: Readonly<Record<string, (date: Date) => number>> = {
  getFullYear: (date) => date.getUTCFullYear(),
  getMonth: (date) => date.getUTCMonth(),
  getDayOfYear: dayOfYear,
  getDayOfMonth: (date) => date.getUTCDate() - 1,
  getDate: (date) => date.getUTCDate(),
  getDayOfWeek: (date) => date.getUTCDay(),
  getHours: (date) => date.getUTCHours(),
  getMinutes: (date) => date.getUTCMinutes(),
  getSeconds: (date) => date.getUTCSeconds(),
  getMilliseconds: (date) => date.getUTCMilliseconds(),
};

const lengths: Readonly<Record<string, (ns: bigint) => bigint>> = {
  getHours: (ns) => ns / units['h']!,
  getMinutes: (ns) => ns / units['m']!,
  getSeconds: (ns) => ns / units['s']!,
  getMilliseconds: (ns) => (ns / units['ms']!) % 1000n,
};

export const time: Library = [
  ...Object.entries(parts).flatMap(([name, read]) => [
    [`timestamp.${name}(): int`, ([moment]: any) => BigInt(read(inZone(moment, '')))] as const,
    [`timestamp.${name}(string): int`, ([moment, zone]: any) => BigInt(read(inZone(moment, zone)))] as const,
  ]),
  ...Object.entries(lengths).map(([name, read]) => [`duration.${name}(): int`, ([length]: any) => read(length.ns)] as const),
];
