// Schedules of five fields (minute hour day month weekday), and when they next or last came due. Times of a zone are
// found through the zone's distance to UTC in each hour: an hour that summer time skips has no minutes, one that it
// repeats has them twice.

export interface Schedule {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly days: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly weekdays: ReadonlySet<number>;
  /** When both are limited, a day of either will do. */
  readonly eitherDay: boolean;
}

const named: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *', '@annually': '0 0 1 1 *', '@monthly': '0 0 1 * *', '@weekly': '0 0 * * 0', '@daily': '0 0 * * *', '@midnight': '0 0 * * *', '@hourly': '0 * * * *',
};
const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** Undefined when the text is no schedule. */
export function parseSchedule(text: string): Schedule | undefined {
  const fields = (named[text.trim()] ?? text).trim().split(/\s+/);
  if (fields.length !== 5) return undefined;
  const sets = fields.map((field, i) => parseField(field, bounds[i]!));
  if (sets.includes(undefined)) return undefined;
  const [minutes, hours, days, months, weekdays] = sets as [Set<number>, Set<number>, Set<number>, Set<number>, Set<number>];
  if (weekdays.has(7)) weekdays.add(0);
  return { minutes, hours, days, months, weekdays, eitherDay: [fields[2]!, fields[4]!].every((field) => !/^[*?]/.test(field)) };
}

interface Bounds {
  first: number;
  last: number;
  names?: readonly string[];
}

const bounds: readonly Bounds[] = [
  { first: 0, last: 59 },
  { first: 0, last: 23 },
  { first: 1, last: 31 },
  { first: 1, last: 12, names: monthNames },
  { first: 0, last: 7, names: dayNames },
];

function parseField(text: string, bounds: Bounds): Set<number> | undefined {
  const found = new Set<number>();
  for (const part of text.toLowerCase().split(',')) {
    const [, range = '', step = '1'] = /^([^/]+)(?:\/(\d+))?$/.exec(part) ?? [];
    const ends = endsOf(range, bounds, part.includes('/'));
    if (!ends || Number(step) === 0) return undefined;
    for (let number = ends[0]; number <= ends[1]; number += Number(step)) found.add(number);
  }
  return found;
}

function endsOf(range: string, bounds: Bounds, isStepped: boolean): [number, number] | undefined {
  if (range === '*' || range === '?') return [bounds.first, bounds.last];
  const numbers = range.split('-').map((word) => numberOf(word, bounds));
  const [from, to = isStepped ? bounds.last : from] = numbers;
  if (numbers.length > 2 || from === undefined || to === undefined || numbers.includes(undefined)) return undefined;
  return from >= bounds.first && to <= bounds.last && from <= to ? [from, to] : undefined;
}

function numberOf(word: string, { names, first }: Bounds): number | undefined {
  const at = names?.indexOf(word) ?? -1;
  if (at !== -1) return at + first;
  return /^\d{1,2}$/.test(word) ? Number(word) : undefined;
}

const minute = 60_000;
const hour = 60 * minute;
/** The rarest schedule comes every eight years (29 February around 2100); who asks for more waits for nothing. */
const farthest = 8 * 366 * 24;

export const isZone = (zone: string): boolean => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    // The only way to ask whether a zone is known.
    return false;
  }
};

const formats = new Map<string, Intl.DateTimeFormat>();

/** What must be added to UTC to read the zone's clock. */
function offsetMs(at: number, zone: string | undefined): number {
  if (!zone || zone === 'UTC' || zone === 'Etc/UTC') return 0;
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat('en', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' });
    formats.set(zone, format);
  }
  const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(part['year']!, part['month']! - 1, part['day']!, part['hour']!, part['minute']!) - at;
}

function isDayDue({ months, days, weekdays, eitherDay }: Schedule, local: Date): boolean {
  if (!months.has(local.getUTCMonth() + 1)) return false;
  const day = days.has(local.getUTCDate());
  const weekday = weekdays.has(local.getUTCDay());
  return eitherDay ? day || weekday : day && weekday;
}

/** The due minutes of the hour of UTC that begins at `start`, earliest first. */
function dueInHour(schedule: Schedule, start: number, zone: string | undefined): number[] {
  const offset = offsetMs(start, zone);
  const due: number[] = [];
  for (let at = start; at < start + hour; at += minute) {
    const local = new Date(at + offset);
    if (schedule.minutes.has(local.getUTCMinutes()) && schedule.hours.has(local.getUTCHours()) && isDayDue(schedule, local)) due.push(at);
  }
  return due;
}

/** A day to either side, whatever the zone: days that cannot be due are passed over at once. */
const mayBeDue = (schedule: Schedule, at: number): boolean => [-24, 0, 24].some((hours) => isDayDue(schedule, new Date(at + hours * hour)));

/** The first due minute after `after`; undefined when none comes. */
export function nextDue(schedule: Schedule, after: number, zone?: string): number | undefined {
  const from = Math.floor(after / hour) * hour;
  for (let start = from; start <= from + farthest * hour; start += hour) {
    if (!mayBeDue(schedule, start)) continue;
    const found = dueInHour(schedule, start, zone).find((at) => at > after);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The last due minute in (after, until]. */
export function lastDue(schedule: Schedule, after: number, until: number, zone?: string): number | undefined {
  for (let start = Math.floor(until / hour) * hour; start + hour > after; start -= hour) {
    if (!mayBeDue(schedule, start)) continue;
    const found = dueInHour(schedule, start, zone).findLast((at) => at > after && at <= until);
    if (found !== undefined) return found;
  }
  return undefined;
}
