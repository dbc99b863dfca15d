// One coarse timer for all connections of a proxy: a deadline is a number on the thing it bounds, moved for free on
// every read and write, and looked at once a tick. Late by at most one tick, never early.

export interface Timed {
  /** Milliseconds of performance.now(); Infinity = none. */
  deadline: number;
  /** Called at the deadline, again at each tick until it is moved or removed. */
  expired(): void;
}

export class Deadlines {
  readonly #watched = new Set<Timed>();
  readonly #timer: NodeJS.Timeout;

  constructor(tickMs: number) {
    this.#timer = setInterval(() => this.#tick(), tickMs).unref();
  }

  add(timed: Timed): void {
    this.#watched.add(timed);
  }

  delete(timed: Timed): void {
    this.#watched.delete(timed);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#watched.clear();
  }

  #tick(): void {
    const now = performance.now();
    for (const timed of this.#watched) if (timed.deadline <= now) timed.expired();
  }
}

/** Milliseconds. Read and send run between two operations, not over the whole body (as nginx counts them). */
export interface Timeouts {
  /** From the first byte of a request head to its last. */
  headMs: number;
  /** A client connection without a request. */
  idleMs: number;
  /** Between two pieces of a request body, and while a client does not read its response. */
  clientMs: number;
  connectMs: number;
  readMs: number;
  sendMs: number;
  /** An upstream connection kept for the next request; its Keep-Alive header may shorten it. */
  upstreamIdleMs: number;
  /** How long a connection stays open for a client to read an early answer to a body we do not want. */
  lingerMs: number;
  /** After close(): how long requests in flight may take. */
  drainMs: number;
}

export const defaultTimeouts: Timeouts = {
  headMs: 30_000,
  idleMs: 75_000,
  clientMs: 60_000,
  connectMs: 5_000,
  readMs: 60_000,
  sendMs: 60_000,
  upstreamIdleMs: 30_000,
  lingerMs: 5_000,
  drainMs: 30_000,
};
