// The ReplicaSets of one Deployment: which one is its present template, how they are numbered, what is written on them.
import { deepEqual } from '../../../base/data/memo.ts';
import { scaledValue } from '../../../kube/meaning/int-or-string.ts';
import { controllerReference } from '../../../kube/meaning/owner-references.ts';
import type { Deployment, ReplicaSet } from '../../../kube/objects/apps.ts';
import type { PodTemplateSpec } from '../../../kube/objects/core.ts';
import { canonicalText, hashText, safeEncode } from '../hash.ts';

export const hashLabel = 'pod-template-hash';
export const revisionNote = 'deployment.kubernetes.io/revision';
const historyNote = 'deployment.kubernetes.io/revision-history';
const desiredNote = 'deployment.kubernetes.io/desired-replicas';
const maxNote = 'deployment.kubernetes.io/max-replicas';

/** Not copied from the Deployment to its ReplicaSets. */
const ownNotes: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionNote,
  historyNote,
  desiredNote,
  maxNote,
  'deprecated.deployment.rollback.to',
]);

const byAge = (a: ReplicaSet, b: ReplicaSet): number =>
  (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? '') || (a.metadata.name < b.metadata.name ? -1 : 1);

function withoutHash(template: PodTemplateSpec | undefined): PodTemplateSpec | undefined {
  if (!template?.metadata?.labels) return template;
  const { [hashLabel]: _, ...labels } = template.metadata.labels;
  return { ...template, metadata: { ...template.metadata, labels } };
}

export interface Family {
  /** Made from the present template; the oldest if several are. */
  readonly fresh: ReplicaSet | undefined;
  /** All others, oldest first. */
  readonly old: readonly ReplicaSet[];
}

export function familyOf({ spec }: Deployment, owned: readonly ReplicaSet[]): Family {
  const template = withoutHash(spec.template);
  const sorted = owned.toSorted(byAge);
  const fresh = sorted.find((set) => deepEqual(withoutHash(set.spec.template), template));
  return { fresh, old: sorted.filter((set) => set !== fresh) };
}

export const replicasOf = (set: ReplicaSet | undefined): number => set?.spec.replicas ?? (set ? 1 : 0);

export const wantedReplicas = ({ spec }: Deployment): number => spec.replicas ?? 1;

export interface Slack {
  readonly surge: number;
  readonly unavailable: number;
}

/** How far a roll-out may stray from the wanted number; never nowhere at all. */
export function slackOf(deployment: Deployment): Slack {
  if (deployment.spec.strategy?.type === 'Recreate') return { surge: 0, unavailable: 0 };
  const { maxSurge = '25%', maxUnavailable = '25%' } = deployment.spec.strategy?.rollingUpdate ?? {};
  const total = wantedReplicas(deployment);
  const surge = scaledValue(maxSurge, total, 'up') ?? 0;
  const unavailable = Math.min(scaledValue(maxUnavailable, total, 'down') ?? 0, total);
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
}

export const revisionOf = (set: ReplicaSet): number => Number(set.metadata.annotations?.[revisionNote] ?? 0) || 0;

/** One above every old one; the present set keeps a number that is above them already. */
export function nextRevision({ fresh, old }: Family): number {
  const next = Math.max(0, ...old.map(revisionOf)) + 1;
  return fresh ? Math.max(next, revisionOf(fresh)) : next;
}

export const desiredIn = (set: ReplicaSet): number | undefined => numberIn(set.metadata.annotations?.[desiredNote]);
export const maxIn = (set: ReplicaSet): number | undefined => numberIn(set.metadata.annotations?.[maxNote]);
const numberIn = (text: string | undefined): number | undefined => (text === undefined || !/^\d+$/.test(text) ? undefined : Number(text));

const sizeNotes = (deployment: Deployment): Record<string, string> => ({
  [desiredNote]: String(wantedReplicas(deployment)),
  [maxNote]: String(wantedReplicas(deployment) + slackOf(deployment).surge),
});

function copiedNotes({ metadata }: Deployment): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([key]) => !ownNotes.has(key)));
}

/** The set scaled; what it says about the Deployment's size follows. */
export function scaled(set: ReplicaSet, replicas: number, deployment: Deployment): ReplicaSet {
  const annotations = { ...set.metadata.annotations, ...sizeNotes(deployment) };
  return { ...set, metadata: { ...set.metadata, annotations }, spec: { ...set.spec, replicas } };
}

/** The present set with its number and the Deployment's annotations; a number it had before is remembered. */
export function renumbered(set: ReplicaSet, deployment: Deployment, revision: number): ReplicaSet {
  const { annotations = {} } = set.metadata;
  const before = annotations[revisionNote];
  const history = before !== undefined && before !== String(revision) ? [annotations[historyNote], before].filter(Boolean).join(',') : annotations[historyNote];
  const noted = { ...annotations, ...copiedNotes(deployment), [revisionNote]: String(revision), ...(history && { [historyNote]: history }) };
  return { ...set, metadata: { ...set.metadata, annotations: noted }, spec: { ...set.spec, minReadySeconds: deployment.spec.minReadySeconds ?? set.spec.minReadySeconds } };
}

export const templateHash = ({ spec, status }: Deployment): string =>
  safeEncode(hashText(canonicalText(spec.template) + (status?.collisionCount ?? '')));

export function newReplicaSet(deployment: Deployment, replicas: number, revision: number): ReplicaSet {
  const { name, namespace } = deployment.metadata;
  const { template, selector, minReadySeconds } = deployment.spec;
  const hash = templateHash(deployment);
  const labels = { ...template.metadata?.labels, [hashLabel]: hash };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${name}-${hash}`,
      namespace: namespace!,
      labels,
      annotations: { ...copiedNotes(deployment), ...sizeNotes(deployment), [revisionNote]: String(revision) },
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas,
      ...(minReadySeconds !== undefined && { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}
