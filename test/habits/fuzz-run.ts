// How many inputs a fuzz test gets, from which seed, and what one of them may cost. An ordinary test run takes a short
// share; `npm run soak` sets FUZZ_RUNS, and only then is time looked at: that of this thread's processor, not the clock's.
import assert from 'node:assert/strict';

/** Set by FUZZ_RUNS. */
export const isLong = process.env['FUZZ_RUNS'] !== undefined;
export const fuzzRuns = (ordinary: number, share = 1): number => (isLong ? Math.ceil(Number(process.env['FUZZ_RUNS']) * share) : ordinary);
/** SEED repeats a run. */
export const fuzzSeed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

const hangMs = 100;
const mostHeapMiB = 200;

export interface Meter {
  start(): void;
  stop(input: unknown): void;
  /** Fails when an input took longer than 100 ms of this thread's processor, or memory was kept. */
  check(): void;
}

/** Measures each input; what the collector and the compiler do in threads of their own does not count. */
export function createMeter(): Meter {
  let began = process.threadCpuUsage();
  let worst = { ms: 0, input: undefined as unknown };
  const heap = process.memoryUsage().heapUsed;
  return {
    start: () => void (began = process.threadCpuUsage()),
    stop(input) {
      const { user, system } = process.threadCpuUsage(began);
      const ms = (user + system) / 1000;
      if (ms > worst.ms) worst = { ms, input };
    },
    check() {
      const keptMiB = (process.memoryUsage().heapUsed - heap) / 2 ** 20;
      if (!isLong) return;
      assert.ok(worst.ms <= hangMs, `${worst.ms} ms for ${JSON.stringify(worst.input)?.slice(0, 2000)} (seed ${fuzzSeed})`);
      assert.ok(keptMiB < mostHeapMiB, `${keptMiB} MiB are kept (seed ${fuzzSeed})`);
    },
  };
}
