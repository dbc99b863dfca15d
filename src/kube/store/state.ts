// All objects at one revision as one immutable value; a snapshot is a view of it.
import { emptySortedMap, getSorted, removeSorted, setSorted, sortedMapOf, sortedValues, type SortedMap } from '../../base/data/sorted-map.ts';
import type { Kind } from '../kinds/kind.ts';
import { groupOf } from '../meaning/api-error.ts';
import type { KubeObject } from '../objects/meta.ts';
import { keyOf, objectKey, type Snapshot, type WatchEvent } from './store.ts';

export interface StoreState {
  readonly revision: number;
  /** By `group/kind`: all versions of a kind are one set of objects. */
  readonly objects: ReadonlyMap<string, SortedMap<KubeObject>>;
}

export const kindKey = (kind: { apiVersion: string; kind: string }): string => `${groupOf(kind.apiVersion)}/${kind.kind}`;

const keys = new WeakMap<Kind, string>();

/** The same, for what is asked of every snapshot again and again. */
function keyOfKind(kind: Kind): string {
  let key = keys.get(kind);
  if (!key) keys.set(kind, (key = kindKey(kind)));
  return key;
}

export const emptyState: StoreState = { revision: 0, objects: new Map() };

export function stateOf(revision: number, all: Iterable<KubeObject>): StoreState {
  const byKind = Map.groupBy(all, kindKey);
  const objects = new Map([...byKind].map(([key, list]) => [key, sortedMapOf(list.map((o) => [objectKey(o), o] as const))]));
  return { revision, objects };
}

const kindMap = (state: StoreState, key: string): SortedMap<KubeObject> => state.objects.get(key) ?? emptySortedMap();

export const findObject = (state: StoreState, kind: Kind, key: string): KubeObject | undefined =>
  getSorted(kindMap(state, kindKey(kind)), key);

/** The state with one object put (or, without an object, removed). */
export function withObject(state: StoreState, revision: number, change: { kind: Kind; key: string; object?: KubeObject }): StoreState {
  const key = kindKey(change.kind);
  const map = kindMap(state, key);
  const next = change.object ? setSorted(map, change.key, change.object) : removeSorted(map, change.key);
  return { revision, objects: new Map(state.objects).set(key, next) };
}

/** Takes one event back: the state as it was before it. */
export function undo(state: StoreState, event: WatchEvent): StoreState {
  const change = { kind: event.kind, key: objectKey(event.object), ...(event.old && { object: event.old }) };
  return withObject(state, event.revision - 1, change);
}

const lists = new WeakMap<SortedMap<KubeObject>, readonly KubeObject[]>();

function listOf(map: SortedMap<KubeObject>): readonly KubeObject[] {
  let list = lists.get(map);
  if (!list) lists.set(map, (list = sortedValues(map)));
  return list;
}

export function snapshotOf(state: StoreState): Snapshot {
  return {
    revision: state.revision,
    list: <T extends KubeObject>(kind: Kind<T>) => listOf(kindMap(state, keyOfKind(kind as Kind))) as readonly T[],
    get: <T extends KubeObject>(kind: Kind<T>, name: string, namespace?: string) =>
      getSorted(kindMap(state, keyOfKind(kind as Kind)), keyOf(name, namespace)) as T | undefined,
  };
}
