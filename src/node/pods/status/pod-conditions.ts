// The conditions of a pod, in the kubelet's order and words (clients wait for them, people read their messages). Pure.
import type { ContainerStatus, PodStatus } from '../../../kube/objects/core.ts';
import type { Condition } from '../../../kube/objects/meta.ts';
import { initContainersOf, isSidecar, type PodState, printTime } from '../pod-state.ts';

type Claim = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

const holds = (type: string, reason?: string): Claim => ({ type, status: 'True', ...(reason && { reason }) });
const fails = (type: string, reason?: string, message?: string): Claim => ({
  type,
  status: 'False',
  ...(reason && { reason }),
  ...(message && { message }),
});

interface Facts {
  state: PodState;
  /** Names of containers that are not ready, and of init containers that are not complete. */
  unready: readonly string[];
  incomplete: readonly string[];
  /** A pod that is over is not ready for this reason. */
  over?: 'PodCompleted' | 'PodFailed';
}

function gather(state: PodState, statuses: readonly ContainerStatus[], phase: PodStatus['phase']): Facts {
  const inits = new Set(initContainersOf(state.pod).filter((container) => !isSidecar(container)).map(({ name }) => name));
  const notReady = statuses.filter(({ ready }) => !ready).map(({ name }) => name);
  return {
    state,
    unready: notReady.filter((name) => !inits.has(name)),
    incomplete: notReady.filter((name) => inits.has(name)),
    over: phase === 'Succeeded' ? 'PodCompleted' : phase === 'Failed' ? 'PodFailed' : undefined,
  };
}

function initialized({ incomplete, over }: Facts): Claim {
  if (incomplete.length === 0) return holds('Initialized', over === 'PodCompleted' ? over : undefined);
  return fails('Initialized', 'ContainersNotInitialized', `containers with incomplete status: [${incomplete.join(' ')}]`);
}

function allReady(type: string, { unready, over }: Facts): Claim {
  if (over) return fails(type, over);
  if (unready.length === 0) return holds(type);
  return fails(type, 'ContainersNotReady', `containers with unready status: [${unready.join(' ')}]`);
}

/** Ready as a whole: all containers, and every gate that others open by a condition of their own. */
function podReady(facts: Facts): Claim {
  const { pod } = facts.state;
  const containers = allReady('Ready', facts);
  const open = new Set((pod.status?.conditions ?? []).filter(({ status }) => status === 'True').map(({ type }) => type));
  const closed = (pod.spec.readinessGates ?? []).map(({ conditionType }) => conditionType).filter((gate) => !open.has(gate));
  if (containers.status !== 'True' || closed.length === 0) return containers;
  const messages = closed.map((gate) => `corresponding condition of pod readiness gate "${gate}" does not exist or is not "True".`);
  return fails('Ready', 'ReadinessGatesNotReady', messages.join(', '));
}

/** Ours in fixed order, then those of others (readiness gates); a transition time changes only with its status. */
export function podConditions(state: PodState, statuses: readonly ContainerStatus[], phase: PodStatus['phase'], now: Date): Condition[] {
  const facts = gather(state, statuses, phase);
  const claims = [
    state.sandbox ? holds('PodReadyToStartContainers') : fails('PodReadyToStartContainers'),
    initialized(facts),
    podReady(facts),
    allReady('ContainersReady', facts),
    holds('PodScheduled'),
  ];
  const before = new Map((state.pod.status?.conditions ?? []).map((condition) => [condition.type, condition]));
  const ours = claims.map((found): Condition => {
    const old = before.get(found.type);
    return { ...found, lastTransitionTime: (old?.status === found.status && old.lastTransitionTime) || printTime(now) };
  });
  const names = new Set(ours.map(({ type }) => type));
  return [...ours, ...[...before.values()].filter(({ type }) => !names.has(type))];
}
