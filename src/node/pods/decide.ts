// The life of a pod as one pure function: what is wished, what is true, what time it is → what to do next.
// pod-life.ts does it, and asks again after every change, so each answer names only the next steps.
//
//   (no sandbox) ─open-sandbox─▶ (network ready) ─start init 1─▶ … ─start init n─▶ ─start all─▶ running
//   running ─exit─▶ exited ─start, after a back-off, as restartPolicy says─▶ running
//   running ─deletion, probe gave up, other image─▶ stopping ─exit, or kill when patience ends─▶ exited
//   (all over) ─close-sandbox, if deleted after a moment─▶ (succeeded | failed), and if deleted ─finish-deletion─▶ gone
import type { Container, Pod } from '../../kube/objects/core.ts';
import { type ContainerRun, initContainersOf, isSidecar, podId, type PodState } from './pod-state.ts';

export type PodAction =
  | { do: 'open-sandbox' }
  | { do: 'await-network' }
  | { do: 'start'; container: Container }
  | { do: 'stop'; run: ContainerRun; graceSeconds: number; why: string }
  | { do: 'kill'; run: ContainerRun }
  | { do: 'end' }
  | { do: 'close-sandbox' }
  | { do: 'finish-deletion' };

export interface Decision {
  actions: PodAction[];
  /** When time alone could change the answer. */
  wakeAtMs?: number;
}

const nothing: Decision = { actions: [] };
const act = (...actions: PodAction[]): Decision => ({ actions });

function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length > 0 ? Math.min(...known) : undefined;
}

function together(decisions: readonly Decision[]): Decision {
  const wakeAtMs = earliest(decisions.map((decision) => decision.wakeAtMs));
  return { actions: decisions.flatMap((decision) => decision.actions), wakeAtMs };
}

export function decidePodActions(state: PodState, nowMs: number): Decision {
  const killing = together([...state.containers.values()].map((run) => endPatience(state, run, nowMs)));
  const wanted = state.gone || state.pod.metadata.deletionTimestamp ? windDown(state, nowMs) : carryOn(state, nowMs);
  return together([killing, wanted]);
}

const isAlive = (run: ContainerRun) => run.phase === 'running' || run.phase === 'stopping';

/** Seconds that containers get to end by themselves. A pod whose object is already gone gets none. */
const graceSeconds = ({ gone, pod }: PodState): number =>
  gone ? 0 : (pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30);

/** A stopping container is killed when its time is up; a second, shorter deletion brings that forward. */
function endPatience(state: PodState, run: ContainerRun, nowMs: number): Decision {
  if (run.phase !== 'stopping' || !run.stop || run.stop.killed) return nothing;
  const ordered = state.gone ? 0 : (state.pod.metadata.deletionGracePeriodSeconds ?? Infinity);
  const killAtMs = run.stop.sinceMs + Math.min(run.stop.graceSeconds, ordered) * 1000;
  return nowMs >= killAtMs ? act({ do: 'kill', run }) : { actions: [], wakeAtMs: killAtMs };
}

/** Deleted: stop all, sidecars after the others; then the network; then the object. */
function windDown(state: PodState, nowMs: number): Decision {
  const runs = [...state.containers.values()];
  const sidecars = new Set(initContainersOf(state.pod).filter(isSidecar).map((container) => container.name));
  const main = runs.filter((run) => !sidecars.has(run.name));
  const first = main.some(isAlive) && !state.gone ? main : runs;
  const stops = first.filter((run) => run.phase === 'running');
  const grace = graceSeconds(state);
  if (stops.length > 0) return act(...stops.map((run) => ({ do: 'stop' as const, run, graceSeconds: grace, why: `Stopping container ${run.name}` })));
  if (runs.some(isAlive)) return nothing;
  if (state.sandbox) return leaveNetwork(state, nowMs);
  return state.deleted ? nothing : act({ do: 'finish-deletion' });
}

/**
 * How long a pod's network outlives its last program. By then every node's rules have forgotten the pod; until then its
 * own kernel refuses who still comes, where packets to an address without a pod would be lost and sent again in vain.
 */
const farewellMs = 500;

function leaveNetwork({ pod, containers }: PodState, nowMs: number): Decision {
  const lastExitMs = Math.max(0, ...[...containers.values()].map(({ exit }) => exit?.finishedAt.getTime() ?? 0));
  const leavesAtMs = pod.spec.hostNetwork ? 0 : lastExitMs + farewellMs;
  return nowMs >= leavesAtMs ? act({ do: 'close-sandbox' }) : { actions: [], wakeAtMs: leavesAtMs };
}

function carryOn(state: PodState, nowMs: number): Decision {
  if (state.ended) return state.sandbox ? wrapUp(state) : nothing;
  if (!state.sandbox) {
    const waits = state.retrySandboxAtMs !== undefined && nowMs < state.retrySandboxAtMs;
    return waits ? { actions: [], wakeAtMs: state.retrySandboxAtMs } : act({ do: 'open-sandbox' });
  }
  if (state.network !== 'ready') return state.network === 'unknown' ? act({ do: 'await-network' }) : nothing;
  const init = runInitContainers(state, nowMs);
  if (!init.over) return init.decision;
  if (outcomeOf(state) !== undefined) return act({ do: 'end' });
  const steps = state.pod.spec.containers.map((container) => keepRunning(state, container, nowMs));
  return together([init.decision, ...steps]);
}

/** After the last main container: sidecars are stopped, then the addresses are given back. */
function wrapUp(state: PodState): Decision {
  const runs = [...state.containers.values()];
  const grace = state.pod.spec.terminationGracePeriodSeconds ?? 30;
  const running = runs.filter((run) => run.phase === 'running');
  if (running.length > 0) {
    return act(...running.map((run) => ({ do: 'stop' as const, run, graceSeconds: grace, why: `Stopping container ${run.name}` })));
  }
  return runs.some(isAlive) ? nothing : act({ do: 'close-sandbox' });
}

const restartPolicy = (pod: Pod) => pod.spec.restartPolicy ?? 'Always';

export type Outcome = 'Succeeded' | 'Failed';

/** What the pod as a whole came to; undefined while something runs or will run again. */
export function outcomeOf({ pod, containers }: PodState): Outcome | undefined {
  const failedInit = initContainersOf(pod).some((container) => {
    const run = containers.get(container.name);
    return !isSidecar(container) && run?.phase === 'exited' && run.exit?.code !== 0;
  });
  if (failedInit && restartPolicy(pod) === 'Never') return 'Failed';
  const exits = pod.spec.containers.map((container) => {
    const run = containers.get(container.name);
    return run?.phase === 'exited' ? run.exit : undefined;
  });
  if (restartPolicy(pod) === 'Always' || exits.some((exit) => exit === undefined)) return undefined;
  if (exits.every((exit) => exit?.code === 0)) return 'Succeeded';
  return restartPolicy(pod) === 'Never' ? 'Failed' : undefined;
}

/** One after the other; a sidecar need only have started. `over`: the main containers' turn has come. */
function runInitContainers(state: PodState, nowMs: number): { over: boolean; decision: Decision } {
  const kept: Decision[] = [];
  for (const container of initContainersOf(state.pod)) {
    const run = state.containers.get(container.name)!;
    if (isSidecar(container)) kept.push(keepRunning(state, container, nowMs));
    const done = isSidecar(container) ? isAlive(run) && run.started : run.phase === 'exited' && run.exit?.code === 0;
    if (done) continue;
    if (!isSidecar(container)) {
      if (outcomeOf(state) === 'Failed') return { over: true, decision: together(kept) };
      kept.push(keepRunning(state, container, nowMs));
    }
    return { over: false, decision: together(kept) };
  }
  return { over: true, decision: together(kept) };
}

function mayRestart(pod: Pod, container: Container, run: ContainerRun): boolean {
  if (isSidecar(container)) return true;
  const policy = restartPolicy(pod);
  const isInit = initContainersOf(pod).includes(container);
  return policy === 'OnFailure' || (policy === 'Always' && isInit) ? run.exit?.code !== 0 : policy === 'Always';
}

/** Why a running container has to go, in the words of its Killing event. */
function complaint(container: Container, run: ContainerRun): string | undefined {
  if (run.unhealthy) return `Container ${run.name} failed ${run.unhealthy} probe, will be restarted`;
  if (run.image !== (container.image ?? '')) return `Container ${run.name} definition changed, will be restarted`;
  return undefined;
}

function keepRunning(state: PodState, container: Container, nowMs: number): Decision {
  const run = state.containers.get(container.name)!;
  if (run.phase === 'stopping') return nothing;
  if (run.phase === 'running') {
    const why = complaint(container, run);
    const grace = state.pod.spec.terminationGracePeriodSeconds ?? 30;
    return why ? act({ do: 'stop', run, graceSeconds: grace, why }) : nothing;
  }
  if (run.phase === 'exited' && !mayRestart(state.pod, container, run)) return nothing;
  if (run.retryAtMs !== undefined && nowMs < run.retryAtMs) return { actions: [], wakeAtMs: run.retryAtMs };
  return act({ do: 'start', container });
}

/** Who begins, who goes on, and who was ours but is no longer wished for. Pods that are over are not begun again. */
export function comparePods(wished: readonly Pod[], running: ReadonlyMap<string, PodState>): { begin: Pod[]; goOn: Pod[]; gone: PodState[] } {
  const ids = new Set(wished.map(podId));
  return {
    begin: wished.filter((pod) => !running.has(podId(pod))),
    goOn: wished.filter((pod) => running.has(podId(pod))),
    gone: [...running.values()].filter((state) => !ids.has(podId(state.pod))),
  };
}
