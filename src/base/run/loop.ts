// The one retry loop of the program: every part that makes a wish come true runs its turns in one of these.
// Wakes coalesce (at most one turn runs, at most one more is owed); a failed turn is repeated with growing, spread pauses.
import { type Cancel, type Clock } from './clock.ts';
import type { Pace } from './pace.ts';

export interface TurnResult {
  /** Everything up to this revision has been dealt with. */
  revision: number;
  /** Ask for another turn after so long, although nothing woke us. */
  againAfterMs?: number;
}

export interface LoopOptions {
  /** Looks, decides, acts. Must look afresh each time. Throwing asks for a retry. */
  turn(stop: AbortSignal): Promise<TurnResult>;
  clock: Clock;
  /** 0 ≤ x < 1: spreads the retries of many loops that fail together. */
  random?: () => number;
  /** Turns wait for it; absent: as soon as they are asked for. */
  pace?: Pace;
  firstPauseMs?: number;
  longestPauseMs?: number;
  onFailure?(error: unknown, failures: number): void;
}

/** Doubles from first to longest; the second half of each pause is random, so that equals drift apart. */
export function backoffMs(failures: number, random: () => number, firstMs = 50, longestMs = 5_000): number {
  const whole = Math.min(firstMs * 2 ** Math.min(failures - 1, 30), longestMs);
  return whole / 2 + (whole / 2) * random();
}

interface Waiter {
  revision: number;
  resolve(): void;
  reject(error: Error): void;
}

export class Loop {
  readonly #options: LoopOptions;
  readonly #stop = new AbortController();
  #owed = false;
  #running: Promise<void> | undefined;
  #pause: Cancel | undefined;
  #again: Cancel | undefined;
  #failures = 0;
  #reached = -1;
  #waiters: Waiter[] = [];

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  /** Something changed: a turn that begins after this call will happen. During a retry pause it waits for the pause. */
  wake(): void {
    if (this.#stop.signal.aborted) return;
    this.#owed = true;
    if (!this.#running && !this.#pause) this.#running = this.#run();
  }

  /** Resolves once a turn has dealt with this revision; rejects when the loop is closed first. */
  settled(revision: number): Promise<void> {
    if (this.#reached >= revision) return Promise.resolve();
    if (this.#stop.signal.aborted) return Promise.reject(new Error('the loop is closed'));
    return new Promise((resolve, reject) => this.#waiters.push({ revision, resolve, reject }));
  }

  /** No further turn; resolves when the running one is over. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#pause?.();
    this.#again?.();
    await this.#running;
    for (const waiter of this.#waiters.splice(0)) waiter.reject(new Error('the loop was closed'));
  }

  async #run(): Promise<void> {
    while (this.#owed && !this.#stop.signal.aborted) {
      // All wakes of one round of the event loop make one turn: a store commits many writes at once, and tells them singly.
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#stop.signal.aborted || this.#mustWait()) break;
      this.#owed = false;
      this.#again?.();
      try {
        this.#succeeded(await this.#options.turn(this.#stop.signal));
      } catch (error) {
        // The error is reported and the turn owed again: that is the retry.
        this.#failed(error);
        break;
      }
    }
    this.#running = undefined;
  }

  /** Still owed: what comes meanwhile is part of the same turn. */
  #mustWait(): boolean {
    const { clock, pace } = this.#options;
    const waitMs = pace?.take() ?? 0;
    if (waitMs > 0) this.#pauseFor(waitMs, clock);
    return waitMs > 0;
  }

  #pauseFor(ms: number, clock: Clock): void {
    this.#pause = clock.after(ms, () => {
      this.#pause = undefined;
      this.wake();
    });
  }

  #succeeded({ revision, againAfterMs }: TurnResult): void {
    this.#failures = 0;
    this.#reached = Math.max(this.#reached, revision);
    const met = this.#waiters.filter((waiter) => waiter.revision <= this.#reached);
    this.#waiters = this.#waiters.filter((waiter) => waiter.revision > this.#reached);
    for (const waiter of met) waiter.resolve();
    if (againAfterMs !== undefined && !this.#stop.signal.aborted) this.#again = this.#options.clock.after(againAfterMs, () => this.wake());
  }

  #failed(error: unknown): void {
    if (this.#stop.signal.aborted) return;
    this.#failures++;
    this.#owed = true;
    const { clock, random = Math.random, firstPauseMs, longestPauseMs, onFailure } = this.#options;
    onFailure?.(error, this.#failures);
    this.#pauseFor(backoffMs(this.#failures, random, firstPauseMs, longestPauseMs), clock);
  }
}
