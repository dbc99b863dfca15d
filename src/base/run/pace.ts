// How often something may happen: so many at once, and then one each time a period is over. Serves loops whose turns must not
// follow each other as fast as their causes do.
import type { Clock } from './clock.ts';

export interface Pace {
  /** Takes one, or answers after how many milliseconds to ask again. */
  take(): number;
}

export function createPace(clock: Pick<Clock, 'now'>, { everyMs, burst }: { everyMs: number; burst: number }): Pace {
  let left = burst;
  let sinceMs = clock.now().getTime();
  return {
    take() {
      const passedMs = clock.now().getTime() - sinceMs;
      const earned = Math.floor(passedMs / everyMs);
      left = Math.min(burst, left + earned);
      sinceMs += earned * everyMs;
      if (left === 0) return sinceMs + everyMs - clock.now().getTime();
      if (left === burst) sinceMs = clock.now().getTime();
      left--;
      return 0;
    },
  };
}
