// What is true of one pod on this machine right now. pod-life.ts alone writes it; decide.ts and status.ts read it.
import type { Container, Pod } from '../../kube/objects/core.ts';
import type { Netns } from '../netlink/namespaces.ts';

/** How a container ended. Times are the clock's. */
export interface Exit {
  code: number;
  signal?: number;
  startedAt: Date;
  finishedAt: Date;
  /** `Completed`, `Error`, … */
  reason: string;
  message?: string;
}

export interface ContainerRun {
  readonly name: string;
  /** waiting → running → (stopping →) exited → running …; `waiting` also after a start that failed. */
  phase: 'waiting' | 'running' | 'stopping' | 'exited';
  /** Why it waits, when that is not simply its turn: `CreateContainerConfigError`, … */
  waiting?: { reason: string; message: string };
  /** The image it was started with: another one in the pod asks for a restart. */
  image: string;
  id: string;
  startedAt?: Date;
  exit?: Exit;
  previousExit?: Exit;
  restarts: number;
  /** Not before this time; set after an exit or a failed start. */
  retryAtMs?: number;
  /** Exits in a row, none of them after a long good run; the pause before the next start grows with them. */
  crashes: number;
  pauseMs: number;
  /** Its startup probe has passed (or it has none). */
  started: boolean;
  ready: boolean;
  /** A liveness or startup probe gave up on it. */
  unhealthy?: string;
  /** While stopping: since when, and how long it may take. */
  stop?: { sinceMs: number; graceSeconds: number; killed: boolean };
}

export interface Sandbox {
  readonly namespace: Netns;
  readonly addresses: readonly string[];
}

export interface PodState {
  /** As last seen in the store; after its deletion, as it was then. */
  pod: Pod;
  /** The object is gone, or another pod has its name. */
  gone: boolean;
  startedAt: Date;
  sandbox?: Sandbox;
  /** Why there is no sandbox yet. */
  blocked?: { reason: string; message: string };
  retrySandboxAtMs?: number;
  sandboxFailures: number;
  /** `ready`: the data plane knows this pod's addresses and policies. Only then may containers run. */
  network: 'unknown' | 'asked' | 'ready';
  /** Nothing will run again: succeeded, failed, or deleted. */
  ended: boolean;
  deleted: boolean;
  containers: Map<string, ContainerRun>;
}

export const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always';

export const initContainersOf = (pod: Pod): readonly Container[] => pod.spec.initContainers ?? [];

export const allContainers = (pod: Pod): readonly Container[] => [...initContainersOf(pod), ...pod.spec.containers];

export const isTerminal = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';

export const podId = (pod: Pod): string => pod.metadata.uid ?? `${pod.metadata.namespace}/${pod.metadata.name}`;

/** As messages about back-offs print a pod: `web_default(4f0c…)`. */
export const printPod = (pod: Pod): string => `${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`;

function freshRun(pod: Pod, container: Container): ContainerRun {
  const known = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  const before = known.find((status) => status.name === container.name);
  // It ran under an earlier life of this program: what runs now is a restart.
  const ran = before?.state?.running !== undefined;
  return {
    name: container.name,
    phase: 'waiting',
    image: container.image ?? '',
    id: '',
    restarts: (before?.restartCount ?? 0) + (ran ? 1 : 0),
    crashes: 0,
    pauseMs: 0,
    started: false,
    ready: false,
  };
}

export function freshState(pod: Pod, now: Date): PodState {
  const startedAt = pod.status?.startTime ? new Date(pod.status.startTime) : now;
  const containers = new Map(allContainers(pod).map((container) => [container.name, freshRun(pod, container)]));
  return { pod, gone: false, startedAt, sandboxFailures: 0, network: 'unknown', ended: isTerminal(pod), deleted: false, containers };
}

/** Whole seconds, as the API prints times. */
export const printTime = (time: Date): string => `${time.toISOString().slice(0, 19)}Z`;
