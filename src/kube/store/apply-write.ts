// What one write does to the state: the semantics of the object store as a pure function.
// Every store calls it, so that memory, SQLite and etcd cannot differ (API conventions, "Optimistic concurrency",
// "Finalizers", "Graceful deletion").
import { deepEqual } from '../../base/data/memo.ts';
import { customKinds } from '../custom/custom-kinds.ts';
import type { Kind } from '../kinds/kind.ts';
import {
  alreadyExistsError,
  ApiError,
  badRequest,
  conflictError,
  invalidError,
  notFoundError,
  preconditionError,
  unknownResourceError,
} from '../meaning/api-error.ts';
import { invalid } from '../meaning/field-error.ts';
import type { KubeObject, ObjectMeta } from '../objects/meta.ts';
import { markDeleted, mayGo } from './deletion.ts';
import { findObject, snapshotOf, type StoreState, withObject } from './state.ts';
import { type DeleteTarget, keyOf, objectKey, type WatchEvent, type Write } from './store.ts';

export interface WriteContext {
  kindOf(apiVersion: string, kind: string): Kind | undefined;
  now: Date;
  newUid(): string;
}

export interface WriteResult {
  state: StoreState;
  /** Absent for a dry run and for a change that changes nothing. */
  event?: WatchEvent;
  object: KubeObject;
}

/** Throws ApiError when the write is refused; the state given is never changed. */
export function applyWrite(state: StoreState, write: Write, context: WriteContext): WriteResult {
  const named = write.verb === 'delete' ? write.target : write.object;
  const kind = context.kindOf(named.apiVersion, named.kind) ?? customKinds(snapshotOf(state)).find(named.apiVersion, named.kind);
  if (!kind) throw unknownResourceError();
  if (write.verb === 'create') return create(state, kind, write, context);
  if (write.verb === 'update') return update(state, kind, write, context);
  return remove(state, kind, write, context);
}

type Verb<V extends Write['verb']> = Extract<Write, { verb: V }>;
type WithStatus = KubeObject & { status?: unknown };

/** Times in metadata are whole seconds in UTC. */
export const printTime = (time: Date): string => `${time.toISOString().slice(0, 19)}Z`;

/** Stores `object` at the next revision, or only shows what would be stored. */
function commit(state: StoreState, kind: Kind, object: KubeObject, extra: { old?: KubeObject; dryRun?: boolean }): WriteResult {
  const { old, dryRun } = extra;
  const revision = state.revision + 1;
  if (dryRun) return { state, object: old ? object : withMeta(object, { resourceVersion: undefined }) };
  const stored = withMeta(object, { resourceVersion: String(revision) });
  const event: WatchEvent = { type: old ? 'MODIFIED' : 'ADDED', kind, object: stored, ...(old && { old }), revision };
  return { state: withObject(state, revision, { kind, key: objectKey(stored), object: stored }), event, object: stored };
}

/** Takes the object out; what readers see last carries the revision of its end. */
function erase(state: StoreState, kind: Kind, extra: { old: KubeObject; last: KubeObject; dryRun?: boolean }): WriteResult {
  const { old, last, dryRun } = extra;
  const revision = state.revision + 1;
  if (dryRun) return { state, object: last };
  const object = withMeta(last, { resourceVersion: String(revision) });
  const event: WatchEvent = { type: 'DELETED', kind, object, old, revision };
  return { state: withObject(state, revision, { kind, key: objectKey(old) }), event, object };
}

export const withMeta = <T extends KubeObject>(object: T, meta: Partial<ObjectMeta>): T => ({ ...object, metadata: { ...object.metadata, ...meta } });

function refuseInvalid(kind: Kind, object: KubeObject, old?: KubeObject): void {
  const errors = kind.validate?.(object, old) ?? [];
  if (errors.length > 0) throw invalidError(kind, object.metadata.name, errors);
}

function create(state: StoreState, kind: Kind, write: Verb<'create'>, context: WriteContext): WriteResult {
  const { object: wished, dryRun } = write;
  if (wished.metadata.resourceVersion) throw badRequest('resourceVersion should not be set on objects to be created');
  const existing = findObject(state, kind, objectKey(wished));
  if (existing) throw alreadyThere(kind, existing);
  const { deletionTimestamp: _, deletionGracePeriodSeconds: __, ...metadata } = wished.metadata;
  const bare: WithStatus = {
    ...wished,
    metadata: {
      ...metadata,
      uid: context.newUid(),
      creationTimestamp: printTime(context.now),
      ...(kind.countsGenerations && { generation: 1 }),
    },
  };
  if (kind.subresources?.includes('status') && !kind.keepsStatusOnCreate) delete bare.status;
  const complete = kind.setDefaults?.(bare) ?? bare;
  refuseInvalid(kind, complete);
  const allocated = kind.allocate?.(complete, undefined, snapshotOf(state), dryRun) ?? complete;
  return commit(state, kind, asKept(kind, allocated), { dryRun });
}

function alreadyThere(kind: Kind, existing: KubeObject): ApiError {
  const error = alreadyExistsError(kind, existing.metadata.name);
  if (!existing.metadata.deletionTimestamp) return error;
  return new ApiError(error.code, error.reason, `object is being deleted: ${error.message}`, error.details);
}

function update(state: StoreState, kind: Kind, write: Verb<'update'>, context: WriteContext): WriteResult {
  const { object: wished, subresource, dryRun } = write;
  const old = findObject(state, kind, objectKey(wished));
  if (!old) {
    if (!kind.createsOnUpdate || subresource) throw notFoundError(kind, wished.metadata.name);
    return create(state, kind, { verb: 'create', object: withMeta(wished, { resourceVersion: undefined }), dryRun }, context);
  }
  refuseStale(kind, wished, old);
  const next = nextObject(state, kind, { wished, old, subresource, dryRun });
  if (mayGo(next)) return erase(state, kind, { old, last: next, dryRun });
  if (deepEqual(next, old)) return { state, object: old };
  return commit(state, kind, next, { old, dryRun });
}

/** The object as it would be stored: server-owned fields kept, defaults filled, rules obeyed. */
function nextObject(state: StoreState, kind: Kind, change: { wished: KubeObject; old: KubeObject; subresource?: string; dryRun?: boolean }): KubeObject {
  const { wished, old, subresource, dryRun } = change;
  const merged = mergeParts(kind, wished, old, subresource);
  const prepared = subresource ? merged : (kind.prepareUpdate?.(merged, old) ?? merged);
  const complete = kind.setDefaults?.(prepared) ?? prepared;
  refuseInvalid(kind, complete, old);
  const allocated = subresource ? complete : (kind.allocate?.(complete, old, snapshotOf(state), dryRun) ?? complete);
  return withGeneration(kind, asKept(kind, allocated), old);
}

/** Versions of one kind differ in their name only, so the name is all there is to convert. */
const asKept = (kind: Kind, object: KubeObject): KubeObject =>
  kind.keptAs && object.apiVersion !== kind.keptAs ? { ...object, apiVersion: kind.keptAs } : object;

/** A status write changes status and metadata only; a plain write never changes the status of kinds that have one. */
function mergeParts(kind: Kind, wished: WithStatus, old: WithStatus, subresource: string | undefined): KubeObject {
  const { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generation, resourceVersion } = old.metadata;
  const kept = { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generation, resourceVersion };
  const metadata = dropAbsent({ ...wished.metadata, ...kept }) as ObjectMeta;
  if (subresource === 'status') return { ...old, status: wished.status, metadata } as KubeObject;
  if (subresource || !kind.subresources?.includes('status')) return { ...wished, metadata };
  const { status: _, ...rest } = wished;
  return { ...rest, metadata, ...(old.status !== undefined && { status: old.status }) } as KubeObject;
}

const dropAbsent = (record: object): object => Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));

function withGeneration(kind: Kind, next: KubeObject, old: KubeObject): KubeObject {
  if (!kind.countsGenerations) return next;
  const counted = (object: WithStatus) => {
    const { apiVersion: _, metadata, status, ...spec } = object;
    const labels = kind.countsLabels ? (metadata.labels ?? {}) : undefined;
    return kind.subresources?.includes('status') ? { ...spec, labels } : { ...spec, status, labels };
  };
  if (deepEqual(counted(next), counted(old))) return next;
  return withMeta(next, { generation: (old.metadata.generation ?? 0) + 1 });
}

function refuseStale(kind: Kind, wished: KubeObject, old: KubeObject): void {
  const { name, uid, resourceVersion, finalizers = [] } = wished.metadata;
  if (uid && uid !== old.metadata.uid) {
    throw conflictError(kind, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`);
  }
  if (resourceVersion && resourceVersion !== old.metadata.resourceVersion) throw conflictError(kind, name);
  if (!resourceVersion && kind.needsVersionToUpdate) {
    throw invalidError(kind, name, [invalid('metadata.resourceVersion', 0, 'must be specified for an update')]);
  }
  const added = old.metadata.deletionTimestamp ? finalizers.filter((f) => !old.metadata.finalizers?.includes(f)) : [];
  if (added.length > 0) throw invalidError(kind, name, [newFinalizers(added)]);
}

const newFinalizers = (added: string[]) => ({
  field: 'metadata.finalizers',
  reason: 'FieldValueForbidden' as const,
  message: `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((f) => JSON.stringify(f)).join(', ')}}`,
});

function remove(state: StoreState, kind: Kind, write: Verb<'delete'>, context: WriteContext): WriteResult {
  const { target, dryRun } = write;
  const old = findObject(state, kind, keyOf(target.name, target.namespace));
  if (!old) throw notFoundError(kind, target.name);
  refusePrecondition(kind, target, old);
  const marked = markDeleted(kind, old, { wish: write, now: context.now });
  if (mayGo(marked)) return erase(state, kind, { old, last: marked, dryRun });
  if (deepEqual(marked, old)) return { state, object: old };
  return commit(state, kind, marked, { old, dryRun });
}

function refusePrecondition(kind: Kind, target: DeleteTarget, old: KubeObject): void {
  const { uid, resourceVersion } = old.metadata;
  if (target.uid && target.uid !== uid) {
    const why = `the UID in the precondition (${target.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`;
    throw preconditionError(kind, target.name, why);
  }
  if (target.resourceVersion && target.resourceVersion !== resourceVersion) {
    const why = `the ResourceVersion in the precondition (${target.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`;
    throw preconditionError(kind, target.name, why);
  }
}
