// Does something only while this process leads: of several servers of one cluster one runs the controllers.
// It stops before another can begin: a leader that cannot renew gives up earlier than others stop waiting for it.
import { type Cancel, type Clock, sleep } from '../../../base/run/clock.ts';
import { logFor } from '../../../base/run/log.ts';
import { leaseKind } from '../../../kube/kinds/lease.ts';
import { ApiError } from '../../../kube/meaning/api-error.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import type { ObjectStore } from '../../../kube/store/store.ts';
import { type Candidate, decideLease, type LeaseTiming, type Observed, releaseLease, usualTiming } from './lease-decision.ts';

export interface LeadingOptions {
  store: ObjectStore;
  clock: Clock;
  identity: string;
  /** The Lease's. */
  name: string;
  namespace?: string;
  timing?: LeaseTiming;
  random?: () => number;
  /** Called each time that leading begins; what it starts is closed when leading ends. */
  start(): { close(): Promise<void> };
}

export interface Leading {
  leads(): boolean;
  /** Stops, and gives the Lease up. */
  close(): Promise<void>;
}

const log = logFor('leader');

export function startLeading(options: LeadingOptions): Leading {
  const { store, clock, identity, name, namespace = 'kube-system', timing = usualTiming, random = Math.random, start } = options;
  const candidate: Candidate = { identity, name, namespace, timing };
  const stop = new AbortController();
  let observed: Observed = { version: undefined, sinceMs: clock.now().getTime() };
  let running: { close(): Promise<void> } | undefined;
  let ending = Promise.resolve();
  let cancelDeadline: Cancel = () => {};

  const current = () => store.snapshot().get(leaseKind, name, namespace);

  function begin(patienceMs: number): void {
    cancelDeadline();
    cancelDeadline = clock.after(patienceMs, () => end('the lease could not be renewed in time'));
    if (running) return;
    log.info({ identity }, 'leading');
    running = start();
  }

  function end(why: string): void {
    cancelDeadline();
    if (!running) return;
    log.info({ identity, why }, 'no longer leading');
    const { close } = running;
    running = undefined;
    ending = ending.then(close).catch((err: unknown) => log.error({ err }, 'what the leader ran did not end well'));
  }

  async function look(): Promise<void> {
    const decision = decideLease(candidate, current(), observed, clock.now());
    observed = decision.observed;
    if (!decision.write) return end('another leads');
    // Counted from before the write: others count from when they see it, which is later.
    const deadlineMs = clock.now().getTime() + timing.renewDeadlineMs;
    const written = await store.write(decision.write).catch(notWritten);
    await ending;
    const patienceMs = deadlineMs - clock.now().getTime();
    if (written && patienceMs > 0 && !stop.signal.aborted) begin(patienceMs);
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      await look();
      await sleep(clock, timing.retryMs * (1 + 0.2 * random()), stop.signal);
    }
  }

  const done = run();
  return {
    leads: () => running !== undefined,
    async close() {
      stop.abort();
      await done;
      end('closing');
      await ending;
      const release = releaseLease(candidate, current(), clock.now());
      if (release) await store.write(release).catch(notWritten);
    },
  };
}

/** Somebody was faster, or the store is away: the next look decides again, and the deadline counts. */
function notWritten(error: unknown): KubeObject | undefined {
  const raced = error instanceof ApiError && (error.code === 409 || error.code === 404);
  if (!raced) log.warn({ why: (error as Error).message }, 'the lease was not written');
  return undefined;
}
