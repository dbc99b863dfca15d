// Deployments: one ReplicaSet per template, and a measured walk from the old ones to the present one.
// Old sets stay (up to a limit), because going back is only choosing an old template again.
import { deepEqual } from '../../base/data/memo.ts';
import { deploymentKind } from '../../kube/kinds/deployment.ts';
import { podKind } from '../../kube/kinds/pod.ts';
import { replicaSetKind } from '../../kube/kinds/replica-set.ts';
import type { Deployment, ReplicaSet } from '../../kube/objects/apps.ts';
import type { KubeObject } from '../../kube/objects/meta.ts';
import type { Snapshot, Write } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';
import { type Family, familyOf, newReplicaSet, nextRevision, renumbered, replicasOf, revisionNote, revisionOf, scaled } from './deployment/replica-sets.ts';
import { freshSize, isResized, proportionalSizes, recreateSizes, rollingSizes, type Sizes } from './deployment/sizes.ts';
import { deadlineMs, deploymentStatus, isComplete } from './deployment/status.ts';
import { groupOf } from './keep-lists.ts';
import { rememberDecision } from './remember.ts';
import { earliest } from './wake.ts';
import { claim } from './workload/claim.ts';
import { byController, orphansOf, podsByController } from './workload/pod-groups.ts';
import { isFinished } from './workload/pod-state.ts';
import { create, createEvent, remove, update, updateStatus } from './writes.ts';

const component = 'deployment-controller';
const setsByController = byController<ReplicaSet>();
const orphanSets = orphansOf<ReplicaSet>();
const remembered = rememberDecision(decideDeployment);

export const deploymentController: Controller = {
  name: 'deployment',
  reads: [deploymentKind, replicaSetKind, podKind],
  decide(seen, now) {
    if (seen.list(deploymentKind).length === 0) return [];
    const sets = setsByController(seen.list(replicaSetKind));
    const free = orphanSets(seen.list(replicaSetKind));
    return seen.list(deploymentKind).flatMap((deployment) => {
      const held = groupOf(sets, deployment.metadata.uid);
      const isLate = deadlineMs(deployment, now) === 0;
      const decide = isLate ? decideDeployment : remembered;
      return decide(now, deployment, held, groupOf(free, deployment.metadata.namespace), oldPodsRemain(deployment, held, seen));
    });
  },
  wakeAfterMs: (seen, now) => earliest(seen.list(deploymentKind).map((deployment) => deadlineMs(deployment, now) || undefined)),
};

/** Only Recreate asks: are there pods of older templates that still run or are on their way out? */
function oldPodsRemain(deployment: Deployment, held: readonly ReplicaSet[], seen: Snapshot): boolean {
  if (deployment.spec.strategy?.type !== 'Recreate') return false;
  const pods = podsByController(seen.list(podKind));
  return familyOf(deployment, held).old.some((set) => groupOf(pods, set.metadata.uid).some((pod) => !isFinished(pod)));
}

type Around = [held: readonly ReplicaSet[], free: readonly ReplicaSet[], oldPodsRemain: boolean];

function decideDeployment(now: Date, deployment: Deployment, ...[held, free, remain]: Around): Write[] {
  if (deployment.metadata.deletionTimestamp) return [];
  const { owned, writes } = claim(deployment, held, free);
  const family = familyOf(deployment, owned);
  const made = needsNew(deployment, family, remain) ? newReplicaSet(deployment, freshSize(deployment, family), nextRevision(family)) : undefined;
  const sizes = made ? noSizes : sizesOf(deployment, family, remain);
  const revision = made ? revisionOf(made) : family.fresh ? nextRevision(family) : undefined;
  const annotations = revision === undefined ? deployment.metadata.annotations : { ...deployment.metadata.annotations, [revisionNote]: String(revision) };
  return [
    ...writes,
    ...(made ? [create(made), scalingEvent(now, deployment, made, 0)] : []),
    ...[...family.old, ...(family.fresh ? [family.fresh] : [])].flatMap((set) => resize(now, deployment, set, { family, sizes })),
    ...forgetOld(deployment, family),
    ...updateStatus(deployment, deploymentStatus(deployment, { family, ...(made && { made: made.metadata.name }), now }), annotations),
  ];
}

const noSizes: Sizes = new Map();

/** Recreate makes the present set only when the old pods are gone; a paused Deployment makes none. */
function needsNew({ spec }: Deployment, { fresh, old }: Family, remain: boolean): boolean {
  if (fresh || spec.paused) return false;
  return spec.strategy?.type !== 'Recreate' || (!remain && old.every((set) => replicasOf(set) === 0));
}

function sizesOf(deployment: Deployment, family: Family, remain: boolean): Sizes {
  const { paused, strategy } = deployment.spec;
  if (!paused && strategy?.type === 'Recreate') return recreateSizes(deployment, family, remain);
  return paused || isResized(deployment, family) ? proportionalSizes(deployment, family) : rollingSizes(deployment, family);
}

function resize(now: Date, deployment: Deployment, set: ReplicaSet, { family, sizes }: { family: Family; sizes: Sizes }): Write[] {
  const replicas = sizes.get(set) ?? replicasOf(set);
  const isPresent = set === family.fresh;
  const numbered = isPresent && !deployment.spec.paused ? renumbered(set, deployment, nextRevision(family)) : set;
  const isSized = isPresent || sizes.has(set);
  const next: KubeObject = isSized ? scaled(numbered, replicas, deployment) : numbered;
  if (deepEqual(next, set)) return [];
  const before = replicasOf(set);
  return [update(next), ...(replicas === before ? [] : [scalingEvent(now, deployment, next as ReplicaSet, before)])];
}

function scalingEvent(now: Date, deployment: Deployment, set: ReplicaSet, before: number): Write {
  const replicas = replicasOf(set);
  const direction = replicas > before ? 'up' : 'down';
  const message = `Scaled ${direction} replica set ${set.metadata.name} from ${before} to ${replicas}`;
  return createEvent({ about: deployment, reason: 'ScalingReplicaSet', message, component }, now);
}

/** After a finished roll-out, empty old sets beyond the limit go, oldest revision first. */
function forgetOld(deployment: Deployment, { old }: Family): Write[] {
  if (!isComplete(deployment, deployment.status ?? {})) return [];
  const idle = old.filter((set) => replicasOf(set) === 0 && (set.status?.replicas ?? 0) === 0 && !set.metadata.deletionTimestamp && isObserved(set));
  const surplus = old.length - (deployment.spec.revisionHistoryLimit ?? 10);
  return idle.toSorted((a, b) => revisionOf(a) - revisionOf(b)).slice(0, Math.max(0, surplus)).map((set) => remove(set));
}

const isObserved = ({ metadata, status }: ReplicaSet): boolean => (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
