// Time as an argument: the real clock for the program, a manual one for tests. Nothing else asks for the time or sets timers.

export type Cancel = () => void;

export interface Clock {
  now(): Date;
  /** Runs once after so many milliseconds, unless cancelled. */
  after(ms: number, run: () => void): Cancel;
}

/** setTimeout counts in 31 bits; a longer wait would fire at once. */
const longestTimerMs = 2 ** 31 - 1;

export const realClock: Clock = {
  now: () => new Date(),
  after(ms, run) {
    const timer = setTimeout(run, Math.min(Math.max(ms, 0), longestTimerMs));
    return () => clearTimeout(timer);
  },
};

/** Resolves after the time, or early (without an error) when `stop` is aborted. */
export function sleep(clock: Clock, ms: number, stop?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop?.aborted) return resolve();
    const done = () => {
      cancel();
      stop?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    stop?.addEventListener('abort', done);
  });
}

export interface ManualClock extends Clock {
  /** Moves time on, running what falls due in order; between two timers everything promised so far gets to run. */
  advance(ms: number): Promise<void>;
  /** How many timers wait: a test of clean stopping. */
  pending(): number;
}

/** Several rounds, because one finished promise starts the next, and some of them wait for a little I/O. */
async function letPromisesRun(): Promise<void> {
  for (let round = 0; round < 5; round++) await new Promise((resolve) => setImmediate(resolve));
}

export function createManualClock(start = new Date('2024-01-01T00:00:00Z')): ManualClock {
  let nowMs = start.getTime();
  let order = 0;
  const timers = new Map<number, { dueMs: number; run: () => void }>();
  const nextDue = (untilMs: number) =>
    [...timers].filter(([, timer]) => timer.dueMs <= untilMs).toSorted(([a, x], [b, y]) => x.dueMs - y.dueMs || a - b)[0];

  return {
    now: () => new Date(nowMs),
    pending: () => timers.size,
    after(ms, run) {
      const id = order++;
      timers.set(id, { dueMs: nowMs + Math.max(ms, 0), run });
      return () => timers.delete(id);
    },
    async advance(ms) {
      const untilMs = nowMs + ms;
      await letPromisesRun();
      for (let due = nextDue(untilMs); due; due = nextDue(untilMs)) {
        const [id, timer] = due;
        timers.delete(id);
        nowMs = Math.max(nowMs, timer.dueMs);
        timer.run();
        await letPromisesRun();
      }
      nowMs = untilMs;
      await letPromisesRun();
    },
  };
}
