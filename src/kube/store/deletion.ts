// Deletion in two steps: mark, then remove when nothing holds the object any more.
// Holders: finalizers (any kind), spec.finalizers (namespaces), the grace period (pods).
import type { Namespace, Pod } from '../objects/core.ts';
import type { Kind } from '../kinds/kind.ts';
import type { KubeObject } from '../objects/meta.ts';
import type { Write } from './store.ts';

type Delete = Extract<Write, { verb: 'delete' }>;

/** Seconds a pod may still run; 0 where nobody runs it (unscheduled or finished). */
function gracePeriod(object: KubeObject, wish: Delete): number {
  if (object.kind !== 'Pod' || object.apiVersion !== 'v1') return 0;
  const { spec, status } = object as Pod;
  if (!spec.nodeName || status?.phase === 'Succeeded' || status?.phase === 'Failed') return 0;
  const asked = wish.gracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30;
  return asked < 0 ? 1 : asked;
}

const propagationFinalizer = { Foreground: 'foregroundDeletion', Orphan: 'orphan', Background: undefined } as const;

/** Propagation decides which of the garbage collector's two finalizers the object carries. */
function withPropagation(finalizers: readonly string[], policy: Delete['propagationPolicy']): string[] {
  if (!policy) return [...finalizers];
  const others = finalizers.filter((name) => name !== 'foregroundDeletion' && name !== 'orphan');
  const added = propagationFinalizer[policy];
  return added ? [...others, added] : others;
}

const isNamespace = (object: KubeObject): object is Namespace => object.kind === 'Namespace' && object.apiVersion === 'v1';

const withOwn = ({ finalizerOnDelete: own }: Kind, finalizers: string[]): string[] => (own && !finalizers.includes(own) ? [...finalizers, own] : finalizers);

/** The object as a DELETE leaves it: unchanged if it is already marked and the wish adds nothing. */
export function markDeleted(kind: Kind, object: KubeObject, { wish, now }: { wish: Delete; now: Date }): KubeObject {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers: held = [], generation } = object.metadata;
  const finalizers = deletionTimestamp ? [...held] : withOwn(kind, withPropagation(held, wish.propagationPolicy));
  const grace = gracePeriod(object, wish);
  const shortens = deletionTimestamp !== undefined && wish.gracePeriodSeconds !== undefined && grace < deletionGracePeriodSeconds;
  if (deletionTimestamp && !shortens) return object;
  const ends = `${new Date(now.getTime() + grace * 1000).toISOString().slice(0, 19)}Z`;
  const metadata = {
    ...object.metadata,
    deletionTimestamp: ends,
    deletionGracePeriodSeconds: grace,
    finalizers: finalizers.length > 0 ? finalizers : undefined,
    ...(generation !== undefined && !deletionTimestamp && { generation: generation + 1 }),
  };
  const marked: KubeObject = { ...object, metadata };
  return isNamespace(marked) ? terminating(marked) : marked;
}

const terminating = (namespace: Namespace): Namespace => ({ ...namespace, status: { ...namespace.status, phase: 'Terminating' } });

/** True when a marked object has no holder left; a pod's node ends its grace period by a second DELETE with 0 seconds. */
export function mayGo(object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = object.metadata;
  if (!deletionTimestamp || finalizers.length > 0 || deletionGracePeriodSeconds > 0) return false;
  return !isNamespace(object) || (object.spec?.finalizers ?? []).length === 0;
}
