// When to ask a container how it is, and how many answers it takes to believe it. Who asks how: probe-check.ts.
// A startup probe holds back the other two until it has passed.
import { type Clock, sleep } from '../../../base/run/clock.ts';
import type { Container, Probe } from '../../../kube/objects/core.ts';

export type ProbeKind = 'startup' | 'readiness' | 'liveness';

export interface ProbeAnswer {
  passed: boolean;
  /** What went wrong, for the Unhealthy event. */
  output: string;
}

export interface ProbeReport {
  /** The startup probe has passed. */
  started(): void;
  ready(isReady: boolean): void;
  /** Liveness or startup failed for the last time: the container must be restarted. */
  gaveUp(kind: ProbeKind): void;
  /** One failed answer, whether it changes anything or not. */
  failed(kind: ProbeKind, output: string): void;
}

export interface ProbeOptions {
  container: Container;
  clock: Clock;
  check(probe: Probe, timeoutMs: number): Promise<ProbeAnswer>;
  report: ProbeReport;
}

const seconds = (value: number | undefined, otherwise: number) => (value ?? otherwise) * 1000;

/** Asks until nothing more is to be learnt or the container stops. */
async function askRegularly(options: ProbeOptions, kind: ProbeKind, probe: Probe, run: { stop: AbortSignal; startedMs: number }): Promise<void> {
  const { clock, check, report } = options;
  const alreadyWaitedMs = clock.now().getTime() - run.startedMs;
  await sleep(clock, seconds(probe.initialDelaySeconds, 0) - alreadyWaitedMs, run.stop);
  let inRow = 0;
  let last: boolean | undefined;
  while (!run.stop.aborted) {
    const answer = await check(probe, seconds(probe.timeoutSeconds, 1));
    if (run.stop.aborted) return;
    if (!answer.passed) report.failed(kind, answer.output);
    inRow = answer.passed === last ? inRow + 1 : 1;
    last = answer.passed;
    const enough = inRow >= (answer.passed ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3));
    if (enough && conclude(report, kind, answer.passed)) return;
    await sleep(clock, seconds(probe.periodSeconds, 10), run.stop);
  }
}

/** Reports a belief; true when there is nothing more to ask. */
function conclude(report: ProbeReport, kind: ProbeKind, passed: boolean): boolean {
  if (kind === 'readiness') {
    report.ready(passed);
    return false;
  }
  if (!passed) report.gaveUp(kind);
  else if (kind === 'startup') report.started();
  return !passed || kind === 'startup';
}

/** From the start of a container to its end. Returns how to stop asking. */
export function startProbes(options: ProbeOptions): () => void {
  const { container, clock, report } = options;
  const abort = new AbortController();
  const run = { stop: abort.signal, startedMs: clock.now().getTime() };
  const whenStarted = () => {
    if (abort.signal.aborted) return;
    if (container.livenessProbe) void askRegularly(options, 'liveness', container.livenessProbe, run);
    if (container.readinessProbe) void askRegularly(options, 'readiness', container.readinessProbe, run);
    else report.ready(true);
  };
  if (container.startupProbe) {
    const started = () => {
      report.started();
      whenStarted();
    };
    void askRegularly({ ...options, report: { ...report, started } }, 'startup', container.startupProbe, run);
  } else {
    report.started();
    whenStarted();
  }
  return () => abort.abort();
}
