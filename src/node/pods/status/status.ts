// What `kubectl get pod` may know of a pod: its state in the API's words. Pure.
import type { Pod, PodStatus } from '../../../kube/objects/core.ts';
import { containerStatus } from './container-status.ts';
import { outcomeOf } from '../decide.ts';
import { podConditions } from './pod-conditions.ts';
import { initContainersOf, type PodState, printTime } from '../pod-state.ts';

export interface StatusSource {
  now: Date;
  hostIPs: readonly string[];
}

/** The addresses of a pod that is over stay in its status although they may already belong to another. */
const addressesOf = ({ pod, sandbox }: PodState): readonly string[] => sandbox?.addresses ?? (pod.status?.podIPs ?? []).map(({ ip }) => ip);

export function podStatus(state: PodState, { now, hostIPs }: StatusSource): PodStatus {
  const { pod } = state;
  const inits = initContainersOf(pod).map((container) => containerStatus(state, container, now));
  const containers = pod.spec.containers.map((container) => containerStatus(state, container, now));
  const addresses = addressesOf(state);
  const phase = phaseOf(state);
  return {
    ...pod.status,
    phase,
    conditions: podConditions(state, [...inits, ...containers], phase, now),
    hostIP: hostIPs[0],
    hostIPs: hostIPs.map((ip) => ({ ip })),
    ...(addresses.length > 0 && { podIP: addresses[0], podIPs: addresses.map((ip) => ({ ip })) }),
    startTime: printTime(state.startedAt),
    ...(inits.length > 0 && { initContainerStatuses: inits }),
    containerStatuses: containers,
    qosClass: pod.status?.qosClass ?? qosClassOf(pod),
  };
}

function phaseOf(state: PodState): NonNullable<PodStatus['phase']> {
  const outcome = outcomeOf(state);
  if (outcome) return outcome;
  const main = state.pod.spec.containers.map((container) => state.containers.get(container.name)!);
  const deleting = state.pod.metadata.deletionTimestamp !== undefined;
  if (deleting && main.every((run) => run.phase === 'exited')) return main.every((run) => run.exit?.code === 0) ? 'Succeeded' : 'Failed';
  return main.some((run) => run.phase !== 'waiting' || run.exit) ? 'Running' : 'Pending';
}

/** Guaranteed: every container limits cpu and memory and asks for no less; BestEffort: none says anything. */
function qosClassOf(pod: Pod): string {
  const resources = [...initContainersOf(pod), ...pod.spec.containers].map((container) => container.resources ?? {});
  const says = (wish: { [name: string]: unknown } | undefined) => Object.keys(wish ?? {}).some((name) => name === 'cpu' || name === 'memory');
  if (!resources.some(({ limits, requests }) => says(limits) || says(requests))) return 'BestEffort';
  const pinned = resources.every(({ limits, requests }) =>
    ['cpu', 'memory'].every((name) => limits?.[name] !== undefined && (requests?.[name] ?? limits[name]) === limits[name]),
  );
  return pinned ? 'Guaranteed' : 'Burstable';
}
