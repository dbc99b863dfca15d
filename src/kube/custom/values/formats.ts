// The formats of strings that custom resource schemas may ask for. An unknown format restricts nothing, as upstream.
import { isIPv4, isIPv6 } from 'node:net';

const dateTime = /^(\d{4}-\d{2}-\d{2})[Tt ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:[.,]\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;
const isDate = (text: string): boolean => /^\d{4}-\d{2}-\d{2}$/.test(text) && isCalendarDay(text);
// The Date constructor takes 30 February for 1 March; a real day prints as it was read.
const isCalendarDay = (text: string): boolean => {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
};

function isCidr(text: string): boolean {
  const [address = '', length = '', ...more] = text.split('/');
  if (more.length > 0 || !/^\d{1,3}$/.test(length)) return false;
  return isIPv4(address) ? Number(length) <= 32 : isIPv6(address) && !address.includes('%') && Number(length) <= 128;
}

const uuid = (version: string) => (text: string): boolean =>
  new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$`, 'i').test(text);

const isHostname = (text: string): boolean =>
  text.length <= 255 && text.split('.').every((part) => /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/.test(part));

const isBase64 = (text: string): boolean => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);

/** Go's durations (`1h30m`) and those with words that upstream also reads (`2 days`). */
export const goDuration = /^[+-]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/;
const wordDuration = /^\d+\s*(?:ns|us|µs|ms|s|m|h|d|w|nano|nanoseconds?|microseconds?|milliseconds?|seconds?|minutes?|hours?|days?|weeks?)$/i;

const checks: Readonly<Record<string, (text: string) => boolean>> = {
  date: isDate,
  'date-time': (text) => isDate(dateTime.exec(text)?.[1] ?? ''),
  datetime: (text) => isDate(dateTime.exec(text)?.[1] ?? ''),
  duration: (text) => goDuration.test(text) || wordDuration.test(text),
  byte: isBase64,
  ipv4: isIPv4,
  ipv6: (text) => isIPv6(text) && !text.includes('%'),
  cidr: isCidr,
  mac: (text) => /^(?:[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4})$/i.test(text),
  hostname: isHostname,
  email: (text) => /^[^\s@<>]+@[^\s@<>]+$/.test(text),
  uri: (text) => URL.canParse(text) || /^\/[^\s]*$/.test(text),
  uuid: uuid('[0-9a-f]'),
  uuid3: uuid('3'),
  uuid4: uuid('4'),
  uuid5: uuid('5'),
};

/** Whether a text has a format; true for formats nobody knows. */
export const hasFormat = (text: string, format: string): boolean => !Object.hasOwn(checks, format) || checks[format]!(text);
