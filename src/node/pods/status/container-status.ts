// One container's line in its pod's status: waiting, running or terminated, and what it was before. Pure.
import type { Container, ContainerState, ContainerStatus } from '../../../kube/objects/core.ts';
import { outcomeOf } from '../decide.ts';
import { type ContainerRun, type Exit, initContainersOf, isSidecar, type PodState, printPod, printTime } from '../pod-state.ts';

function printExit(run: ContainerRun, exit: Exit): ContainerState {
  const terminated = {
    exitCode: exit.code,
    ...(exit.signal && { signal: exit.signal }),
    reason: exit.reason,
    ...(exit.message && { message: exit.message }),
    startedAt: printTime(exit.startedAt),
    finishedAt: printTime(exit.finishedAt),
    containerID: run.id,
  };
  return { terminated };
}

/** The container waits for its turn: for its sandbox, for the init containers, or for the end of a back-off. */
function waitingState(state: PodState, container: Container, run: ContainerRun): ContainerState {
  if (run.waiting) return { waiting: run.waiting };
  if (run.exit && run.retryAtMs !== undefined) {
    const pause = `${run.pauseMs / 1000}s`;
    const message = `back-off ${pause} restarting failed container=${run.name} pod=${printPod(state.pod)}`;
    return { waiting: { reason: 'CrashLoopBackOff', message } };
  }
  const isMain = state.pod.spec.containers.includes(container);
  const initializing = isMain && initContainersOf(state.pod).length > 0;
  return { waiting: { reason: initializing ? 'PodInitializing' : 'ContainerCreating' } };
}

function stateOf(state: PodState, container: Container, run: ContainerRun, now: Date): ContainerState {
  if (run.phase === 'running' || run.phase === 'stopping') return { running: { startedAt: printTime(run.startedAt ?? now) } };
  const waitsForRetry = run.retryAtMs !== undefined && now.getTime() < run.retryAtMs && !state.ended && outcomeOf(state) === undefined;
  if (run.phase === 'exited' && run.exit && !waitsForRetry) return printExit(run, run.exit);
  return waitingState(state, container, run);
}

const isAlive = (run: ContainerRun) => run.phase === 'running' || run.phase === 'stopping';

/** What it came to before what it is now. */
function lastStateOf(run: ContainerRun, current: ContainerState): ContainerState {
  const last = current.terminated ? run.previousExit : (run.exit ?? run.previousExit);
  return last ? printExit(run, last) : {};
}

export function containerStatus(state: PodState, container: Container, now: Date): ContainerStatus {
  const run = state.containers.get(container.name)!;
  const current = stateOf(state, container, run, now);
  const isTask = initContainersOf(state.pod).includes(container) && !isSidecar(container);
  const image = container.image ?? '';
  return {
    name: run.name,
    state: current,
    lastState: lastStateOf(run, current),
    // A task is ready when it is done; everything else while it answers.
    ready: isTask ? run.phase === 'exited' && run.exit?.code === 0 : isAlive(run) && run.ready,
    restartCount: run.restarts,
    image,
    imageID: run.id === '' ? '' : `fairlead://${image}`,
    ...(run.id !== '' && { containerID: run.id }),
    started: run.started && isAlive(run),
  };
}
