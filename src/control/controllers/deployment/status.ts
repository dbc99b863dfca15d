// What a Deployment reports: counts, Available, and Progressing with its deadline.
import { findCondition, removeCondition, timestamp } from '../../../kube/meaning/conditions.ts';
import type { Deployment, ReplicaSet } from '../../../kube/objects/apps.ts';
import type { Condition } from '../../../kube/objects/meta.ts';
import { withoutAbsent } from '../writes.ts';
import { type Family, replicasOf, slackOf, wantedReplicas } from './replica-sets.ts';

type Status = NonNullable<Deployment['status']>;
type Count = 'replicas' | 'readyReplicas' | 'availableReplicas';

/** Upstream's word for "no deadline". */
const never = 2_147_483_647;

const total = (sets: readonly ReplicaSet[], count: Count): number => sets.reduce((sum, { status }) => sum + (status?.[count] ?? 0), 0);
const some = (count: number): number | undefined => (count > 0 ? count : undefined);

export interface Told {
  readonly family: Family;
  /** The present set was only just made: its name, and that it is new. */
  readonly made?: string;
  readonly now: Date;
}

export function deploymentStatus(deployment: Deployment, { family, made, now }: Told): Status {
  const { fresh, old } = family;
  const all = fresh ? [...old, fresh] : old;
  const available = total(all, 'availableReplicas');
  const counts: Status = withoutAbsent({
    ...deployment.status,
    observedGeneration: deployment.metadata.generation,
    replicas: some(total(all, 'replicas')),
    updatedReplicas: some(fresh?.status?.replicas ?? 0),
    readyReplicas: some(total(all, 'readyReplicas')),
    availableReplicas: some(available),
    unavailableReplicas: some(all.reduce((sum, set) => sum + replicasOf(set), 0) - available),
  });
  const conditions = withCondition(deployment.status?.conditions, availability(deployment, available), now);
  return { ...counts, conditions: progress(deployment, { counts, conditions, fresh, made, now }) };
}

/** lastUpdateTime moves with every change of reason or text, lastTransitionTime only with the status. */
function withCondition(conditions: readonly Condition[] = [], next: Condition, now: Date, touch = false): Condition[] {
  const old = findCondition(conditions, next.type);
  const same = old && old.status === next.status && old.reason === next.reason && old.message === next.message;
  if (same && !touch) return [...conditions];
  const time = timestamp(now);
  const lastTransitionTime = old?.status === next.status ? (old.lastTransitionTime ?? time) : time;
  const fresh = { ...next, lastUpdateTime: time, lastTransitionTime };
  return old ? conditions.map((condition) => (condition === old ? fresh : condition)) : [...conditions, fresh];
}

function availability(deployment: Deployment, available: number): Condition {
  const isEnough = available >= wantedReplicas(deployment) - slackOf(deployment).unavailable;
  return isEnough
    ? { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' }
    : { type: 'Available', status: 'False', reason: 'MinimumReplicasUnavailable', message: 'Deployment does not have minimum availability.' };
}

interface Scene {
  readonly counts: Status;
  readonly conditions: readonly Condition[];
  readonly fresh: ReplicaSet | undefined;
  readonly made: string | undefined;
  readonly now: Date;
}

type Said = [status: Condition['status'], reason: string, message: string];

function progress(deployment: Deployment, scene: Scene): Condition[] {
  const { conditions, now } = scene;
  if ((deployment.spec.progressDeadlineSeconds ?? never) === never) return [...(removeCondition(conditions, 'Progressing') ?? [])];
  const old = findCondition(conditions, 'Progressing');
  const said = planned(deployment, scene, old) ?? observed(deployment, scene, old);
  if (!said) return [...conditions];
  const [status, reason, message] = said;
  // Every step forward starts the deadline anew.
  return withCondition(conditions, { type: 'Progressing', status, reason, message }, now, reason === 'ReplicaSetUpdated');
}

/** What follows from wishes alone. */
function planned({ spec }: Deployment, { made }: Scene, old: Condition | undefined): Said | undefined {
  if (spec.paused) return ['Unknown', 'DeploymentPaused', 'Deployment is paused'];
  if (old?.reason === 'DeploymentPaused') return ['Unknown', 'DeploymentResumed', 'Deployment is resumed'];
  return made ? ['True', 'NewReplicaSetCreated', `Created new replica set "${made}"`] : undefined;
}

/** What the pods show. */
function observed(deployment: Deployment, { counts, fresh, now }: Scene, old: Condition | undefined): Said | undefined {
  // Once complete, a pod that restarts is no roll-out.
  if (old?.reason === 'NewReplicaSetAvailable' && counts.replicas === counts.updatedReplicas) return undefined;
  const subject = fresh ? `ReplicaSet "${fresh.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
  if (isComplete(deployment, counts)) return ['True', 'NewReplicaSetAvailable', `${subject} has successfully progressed.`];
  if (hasMoved(deployment.status ?? {}, counts)) return ['True', 'ReplicaSetUpdated', `${subject} is progressing.`];
  if (deadlineMs(deployment, now) === 0) return ['False', 'ProgressDeadlineExceeded', `${subject} has timed out progressing.`];
  return !old && fresh ? ['True', 'FoundNewReplicaSet', `Found new replica set "${fresh.metadata.name}"`] : undefined;
}

export function isComplete(deployment: Deployment, { replicas = 0, updatedReplicas = 0, availableReplicas = 0 }: Status): boolean {
  const wanted = wantedReplicas(deployment);
  return updatedReplicas === wanted && replicas === wanted && availableReplicas === wanted;
}

const oldOnes = ({ replicas = 0, updatedReplicas = 0 }: Status): number => replicas - updatedReplicas;

function hasMoved(before: Status, now: Status): boolean {
  const grew = (key: 'updatedReplicas' | 'readyReplicas' | 'availableReplicas') => (now[key] ?? 0) > (before[key] ?? 0);
  return grew('updatedReplicas') || grew('readyReplicas') || grew('availableReplicas') || oldOnes(now) < oldOnes(before);
}

/** Milliseconds until the roll-out counts as stuck, 0 when it does; undefined when none is under way. */
export function deadlineMs({ spec, status }: Deployment, now: Date): number | undefined {
  const { paused, progressDeadlineSeconds: deadline = never } = spec;
  const old = findCondition(status?.conditions, 'Progressing');
  if (paused || deadline === never || !old || old.reason === 'NewReplicaSetAvailable' || old.reason === 'DeploymentPaused') return undefined;
  const since = Date.parse(old.lastUpdateTime ?? old.lastTransitionTime ?? '') || now.getTime();
  return Math.max(0, since + deadline * 1000 - now.getTime());
}
