// One run of one container: from its start to its exit, with its log, its probes and its hooks.
// Writes the facts into its ContainerRun and calls `changed`; what follows from them is decided elsewhere (decide.ts).
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { sleep } from '../../base/run/clock.ts';
import type { Container, LifecycleHandler } from '../../kube/objects/core.ts';
import { ContainerLog } from './container-log.ts';
import { containerEnvironment } from './surroundings/environment.ts';
import type { PodHost } from './pod-host.ts';
import { type ContainerRun, podId, type PodState, printPod } from './pod-state.ts';
import { checkProbe } from './probes/probe-check.ts';
import { type ProbeKind, startProbes } from './probes/probes.ts';
import type { ProgramExit, RunningProgram } from './programs/program.ts';

export interface ContainerSource {
  host: PodHost;
  state: PodState;
  container: Container;
  changed(): void;
}

/** A run this long wipes out the memory of earlier crashes. */
const goodRunMs = 10 * 60_000;
const longestPauseMs = 300_000;

/** 0, 10, 20, 40 … 300 s: the first restart is free. */
export const restartPauseMs = (crashes: number): number => (crashes <= 1 ? 0 : Math.min(10_000 * 2 ** (crashes - 2), longestPauseMs));

const probeNames: Record<ProbeKind, string> = { startup: 'Startup', readiness: 'Readiness', liveness: 'Liveness' };

export class ContainerLife {
  readonly container: Container;
  readonly environment: ReadonlyMap<string, string>;
  readonly log: ContainerLog;
  readonly #source: ContainerSource;
  readonly #run: ContainerRun;
  readonly #program: RunningProgram;
  #stopProbes = () => {};
  /** Resolves with the exit code once the exit is written into the run. */
  readonly over: Promise<number>;

  private constructor(source: ContainerSource, program: RunningProgram, kept: { log: ContainerLog; environment: ReadonlyMap<string, string> }) {
    this.#source = source;
    this.container = source.container;
    this.log = kept.log;
    this.environment = kept.environment;
    this.#run = source.state.containers.get(source.container.name)!;
    this.#program = program;
    this.#begin();
    this.over = program.exited.then((exit) => {
      this.#ended(exit);
      return exit.code;
    });
  }

  /** Throws CannotStart, or whatever starting the program threw; the run is untouched then. */
  static async start(source: ContainerSource): Promise<ContainerLife> {
    const { host, state, container } = source;
    const run = state.containers.get(container.name)!;
    const sandbox = state.sandbox!;
    const podIPs = sandbox.addresses;
    const environment = containerEnvironment({ pod: state.pod, container, seen: host.store.snapshot(), podIPs, hostIPs: host.hostIPs });
    const restarts = run.exit ? run.restarts + 1 : run.restarts;
    const log = new ContainerLog(join(host.folderOf(state), container.name, `${restarts}.log`), host.clock);
    const context = { pod: state.pod, container, sandbox, nodeName: host.nodeName, environment, output: log };
    try {
      const program = await host.startProgram(context);
      return new ContainerLife(source, program, { log, environment });
    } catch (error) {
      log.close();
      throw error;
    }
  }

  /** preStop, then SIGTERM. Returns at once; decide.ts watches the time. */
  stop(graceSeconds: number, why: string): void {
    const { host } = this.#source;
    this.#run.phase = 'stopping';
    this.#run.stop = { sinceMs: host.clock.now().getTime(), graceSeconds, killed: false };
    this.#note('Normal', 'Killing', why);
    const hook = this.container.lifecycle?.preStop;
    if (!hook) this.#program.stop();
    else void this.#runHook(hook, 'FailedPreStopHook', graceSeconds * 1000).then(() => this.#program.stop());
  }

  kill(): void {
    if (this.#run.stop) this.#run.stop.killed = true;
    this.#program.kill();
  }

  #begin(): void {
    const { state, container, host } = this.#source;
    const run = this.#run;
    const image = container.image ?? '';
    if (run.exit) {
      run.previousExit = run.exit;
      run.restarts++;
    }
    const id = createHash('sha256').update(`${podId(state.pod)}/${run.name}/${run.restarts}`).digest('hex');
    Object.assign(run, { phase: 'running', image, id: `fairlead://${id}`, startedAt: host.clock.now(), ready: false, started: false });
    for (const key of ['exit', 'waiting', 'retryAtMs', 'unhealthy', 'stop'] as const) delete run[key];
    this.#note('Normal', 'Pulled', `Container image "${image}" already present on machine`);
    this.#note('Normal', 'Created', `Created container: ${run.name}`);
    this.#note('Normal', 'Started', `Started container ${run.name}`);
    const hook = container.lifecycle?.postStart;
    if (hook) void this.#runHook(hook, 'FailedPostStartHook', longestPauseMs).then((passed) => passed || this.kill());
    this.#startProbes();
  }

  #startProbes(): void {
    const run = this.#run;
    const { host, state, container, changed } = this.#source;
    const tell = (facts: Partial<ContainerRun>) => {
      const differs = Object.entries(facts).some(([key, value]) => run[key as keyof ContainerRun] !== value);
      Object.assign(run, facts);
      if (differs) changed();
    };
    this.#stopProbes = startProbes({
      container,
      clock: host.clock,
      check: (probe, timeoutMs) => checkProbe(this.#target(), probe, timeoutMs),
      report: {
        started: () => tell({ started: true }),
        ready: (ready) => tell({ ready }),
        gaveUp: (kind) => tell({ unhealthy: kind }),
        failed: (kind, output) => {
          if (!state.ended) this.#note('Warning', 'Unhealthy', `${probeNames[kind]} probe failed: ${output}`);
        },
      },
    });
  }

  #target() {
    const { host, state, container } = this.#source;
    const exec = (command: readonly string[]) => host.runCommand(state, container, command);
    return { container, address: state.sandbox?.addresses[0] ?? '127.0.0.1', sockets: host.nodeSockets, clock: host.clock, exec };
  }

  /** A hook is a probe that is asked once, or a pause. */
  async #runHook(hook: LifecycleHandler, reason: string, timeoutMs: number): Promise<boolean> {
    const { clock } = this.#source.host;
    if (hook.sleep) await sleep(clock, Math.min(hook.sleep.seconds * 1000, timeoutMs));
    if (!hook.exec && !hook.httpGet && !hook.tcpSocket) return true;
    const answer = await checkProbe(this.#target(), hook, timeoutMs);
    if (!answer.passed) this.#note('Warning', reason, `${reason.replace('Failed', '')} failed: ${answer.output}`);
    return answer.passed;
  }

  #ended(exit: ProgramExit): void {
    const run = this.#run;
    const { clock } = this.#source.host;
    const finishedAt = clock.now();
    const startedAt = run.startedAt ?? finishedAt;
    this.#stopProbes();
    this.log.close();
    run.phase = 'exited';
    run.ready = false;
    run.started = false;
    run.exit = { ...exit, startedAt, finishedAt, reason: exit.code === 0 ? 'Completed' : 'Error' };
    run.crashes = finishedAt.getTime() - startedAt.getTime() >= goodRunMs ? 1 : run.crashes + 1;
    run.pauseMs = restartPauseMs(run.crashes);
    run.retryAtMs = finishedAt.getTime() + run.pauseMs;
    if (run.pauseMs > 0 && !this.#source.state.pod.metadata.deletionTimestamp) {
      this.#note('Warning', 'BackOff', `Back-off restarting failed container ${run.name} in pod ${printPod(this.#source.state.pod)}`);
    }
    this.#source.changed();
  }

  #note(type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { host, state, container } = this.#source;
    host.record({ about: state.pod, type, reason, message, fieldPath: `spec.containers{${container.name}}` });
  }
}
