// The stored templates of DaemonSets and StatefulSets: one ControllerRevision per template, numbered in order of use.
// The newest number is the template in force; going back to an old template gives its revision a new number.
import { deepEqual } from '../../../base/data/memo.ts';
import { controllerReference } from '../../../kube/meaning/owner-references.ts';
import type { ControllerRevision } from '../../../kube/objects/apps.ts';
import type { PodTemplateSpec } from '../../../kube/objects/core.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import type { Write } from '../../../kube/store/store.ts';
import { canonicalText, hashText, safeEncode } from '../hash.ts';
import { create, remove, update } from '../writes.ts';

export const revisionLabel = 'controller-revision-hash';

export interface History {
  readonly current: ControllerRevision;
  /** By number; the current one last. */
  readonly all: readonly ControllerRevision[];
  readonly writes: readonly Write[];
}

type Owner = KubeObject & { spec: { template: PodTemplateSpec; revisionHistoryLimit?: number } };

/** What `kubectl rollout undo` patches the owner with. */
const dataOf = (template: PodTemplateSpec) => ({ spec: { template: { ...template, $patch: 'replace' } } });

export const hashOf = ({ metadata }: ControllerRevision): string => metadata.labels?.[revisionLabel] ?? metadata.name;

export function readHistory(owner: Owner, owned: readonly ControllerRevision[]): History {
  const all = owned.toSorted((a, b) => a.revision - b.revision || (a.metadata.name < b.metadata.name ? -1 : 1));
  const data = dataOf(owner.spec.template);
  const same = all.findLast((revision) => deepEqual(revision.data, data));
  const last = all.at(-1);
  if (same && same === last) return { current: same, all, writes: [] };
  const revision = (last?.revision ?? 0) + 1;
  if (same) {
    const current = { ...same, revision };
    return { current, all: [...all.filter((other) => other !== same), current], writes: [update(current)] };
  }
  const current = newRevision(owner, data, revision);
  return { current, all: [...all, current], writes: [create(current)] };
}

function newRevision(owner: Owner, data: ControllerRevision['data'], revision: number): ControllerRevision {
  const { name, namespace } = owner.metadata;
  const { collisionCount } = (owner as { status?: { collisionCount?: number } }).status ?? {};
  const hash = safeEncode(hashText(canonicalText(data) + (collisionCount ?? '')));
  const labels = { ...owner.spec.template.metadata?.labels, [revisionLabel]: hash };
  const metadata = { name: `${name}-${hash}`, namespace: namespace!, labels, ownerReferences: [controllerReference(owner)] };
  return { apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata, data, revision };
}

/** Old revisions beyond the limit go, oldest first, unless a pod still runs them. */
export function trimHistory({ spec }: Owner, { current, all }: History, inUse: ReadonlySet<string>): Write[] {
  const idle = all.filter((revision) => revision !== current && !inUse.has(hashOf(revision)));
  return idle.slice(0, Math.max(0, idle.length - (spec.revisionHistoryLimit ?? 10))).map((revision) => remove(revision));
}
