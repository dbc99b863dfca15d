// What every keeper of objects promises: immutable snapshots, one growing revision, writes with preconditions, watches.
// Implementations: embedded.ts (memory made durable by SQLite) and mirror.ts (another API server over HTTP).
import type { Kind } from '../kinds/kind.ts';
import type { KubeObject } from '../objects/meta.ts';

/** All objects at one revision. Unchanged objects keep their identity from one snapshot to the next. */
export interface Snapshot {
  readonly revision: number;
  /** Ordered by namespace, then name. The same array while nothing of the kind changed. */
  list<T extends KubeObject>(kind: Kind<T>): readonly T[];
  get<T extends KubeObject>(kind: Kind<T>, name: string, namespace?: string): T | undefined;
}

/** Which object a delete means, and what must still be true of it. */
export interface DeleteTarget {
  apiVersion: string;
  kind: string;
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
}

/**
 * One wish. `update` with metadata.resourceVersion is conditional (409 when it moved on), without it unconditional.
 * A `status` write changes status and metadata (labels, annotations, finalizers …) and ignores the rest; a plain update
 * never changes the status of kinds that have the subresource. Writers inside the program spread the object they saw.
 */
export type Write =
  | { verb: 'create'; object: KubeObject; dryRun?: boolean }
  | { verb: 'update'; object: KubeObject; subresource?: 'status' | 'finalize' | 'binding'; dryRun?: boolean }
  | {
      verb: 'delete';
      target: DeleteTarget;
      /** Seconds; only pods wait. Absent: the object's own. */
      gracePeriodSeconds?: number;
      propagationPolicy?: 'Foreground' | 'Background' | 'Orphan';
      dryRun?: boolean;
    };

export interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  kind: Kind;
  object: KubeObject;
  /** The object before this change; absent for ADDED. */
  old?: KubeObject;
  revision: number;
}

export interface ObjectStore {
  /** Resolves with the stored (or, for delete, the removed or marked) object once it is durable. Rejects with ApiError. */
  write(change: Write): Promise<KubeObject>;
  snapshot(): Snapshot;
  /**
   * Every change after revision `since`, in order, until `stop`. Throws ApiError 410 when `since` is compacted away.
   * A reader that falls too far behind gets the same 410 and must start again from a snapshot.
   */
  watch(kinds: readonly Kind[], since: number, stop: AbortSignal): AsyncIterable<WatchEvent>;
}

/** Takes in changes as they are committed, in order. It is called amid a commit: it must not throw, write, or take long. */
export interface Follower {
  change(event: WatchEvent): void;
  /** Changes may be missing: whoever follows must start again from a snapshot. */
  lost(): void;
}

/** What those need who serve thousands of watchers: no queue and no promise for each. */
export interface ChangeFeed {
  /** All kinds' changes after a revision, oldest first; undefined when they are compacted away. */
  since(revision: number): readonly WatchEvent[] | undefined;
  /** From now on, until the function it returns is called. */
  follow(kind: Kind, follower: Follower): () => void;
}

/** `namespace/name`, or `name` for cluster-scoped objects: the one way keys are made. */
export const keyOf = (name: string, namespace?: string): string => (namespace ? `${namespace}/${name}` : name);

export const objectKey = (object: KubeObject): string => keyOf(object.metadata.name, object.metadata.namespace);

/** By what keyOf made. */
export function findByKey<T extends KubeObject>(seen: Snapshot, kind: Kind<T>, key: string): T | undefined {
  const slash = key.indexOf('/');
  return slash < 0 ? seen.get(kind, key) : seen.get(kind, key.slice(slash + 1), key.slice(0, slash));
}
