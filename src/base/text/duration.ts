// Durations and ages as people read them in tables: short, one or two units, never exact.
// The thresholds are the ones kubectl users know (apimachinery HumanDuration).

const secondsPer = { minute: 60, hour: 3600, day: 86_400, year: 365 * 86_400 };

/** `12`, `s`, `0`, `m` → `12s`; the smaller unit is left out when it is zero. */
const pair = (big: number, bigUnit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${big}${bigUnit}` : `${big}${bigUnit}${small}${smallUnit}`;

/** `90s`, `5m30s`, `3h5m`, `47h`, `5d3h`, `2y40d`; `<invalid>` for more than a second in the future. */
export function printDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  const minutes = Math.floor(seconds / secondsPer.minute);
  if (seconds < 120) return `${seconds}s`;
  if (minutes < 10) return pair(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  return printHours(Math.floor(seconds / secondsPer.hour), minutes);
}

function printHours(hours: number, minutes: number): string {
  if (hours < 8) return pair(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (hours < 24 * 8) return pair(days, 'd', hours % 24, 'h');
  if (days < 365 * 2) return `${days}d`;
  const years = Math.floor(days / 365);
  return days < 365 * 8 ? pair(years, 'y', days % 365, 'd') : `${years}y`;
}

/** Time since an RFC 3339 timestamp; `<unknown>` when there is none. */
export function printAge(timestamp: string | null | undefined, now: Date): string {
  const then = timestamp ? Date.parse(timestamp) : Number.NaN;
  return Number.isNaN(then) ? '<unknown>' : printDuration(now.getTime() - then);
}
