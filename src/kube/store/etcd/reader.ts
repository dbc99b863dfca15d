// Makes objects, changes and guards of etcd's keys and values.
import { logFor } from '../../../base/run/log.ts';
import type { Kind } from '../../kinds/kind.ts';
import type { KubeObject } from '../../objects/meta.ts';
import { findObject, type StoreState } from '../state.ts';
import type { WatchEvent } from '../store.ts';
import type { Keys } from './keys.ts';
import { readObject } from './load.ts';
import type { EtcdEvent, KeyValue } from './messages.ts';

/** By name: how often each guard was put. */
export type Guards = Map<string, number>;

export interface Reader {
  /** Throws where a value is not ours. */
  all(kvs: readonly KeyValue[]): { objects: KubeObject[]; guards: Guards };
  /** What an event does to the objects; a guard's event is noted in `guards`. */
  change(event: EtcdEvent, before: StoreState, guards: Guards): WatchEvent | undefined;
}

const log = logFor('etcd');

export function createReader(keys: Keys, kindOf: (apiVersion: string, kind: string) => Kind | undefined): Reader {
  /** By resource: the kind that its last object said it is. A deletion tells only the key. */
  const kindsOf = new Map<string, Kind>();

  function learnKind(resource: string, { apiVersion, kind, metadata }: KubeObject): Kind {
    const plural = resource.slice(resource.indexOf('/') + 1);
    // A custom resource may be told of before this server knows its definition.
    const learned = kindOf(apiVersion, kind) ?? { apiVersion, kind, plural, shortNames: [], namespaced: metadata.namespace !== undefined, columns: [] };
    kindsOf.set(resource, learned);
    return learned;
  }

  function changeOf({ type, kv }: EtcdEvent, at: { resource: string; object: string }, before: StoreState): WatchEvent | undefined {
    const revision = kv.mod_revision;
    if (type === 'PUT') {
      const object = readObject(kv);
      const kind = learnKind(at.resource, object);
      const old = findObject(before, kind, at.object);
      return { type: old ? 'MODIFIED' : 'ADDED', kind, object, ...(old && { old }), revision };
    }
    const kind = kindsOf.get(at.resource);
    const old = kind && findObject(before, kind, at.object);
    if (!old) return undefined;
    const object = { ...old, metadata: { ...old.metadata, resourceVersion: String(revision) } };
    return { type: 'DELETED', kind, object, old, revision };
  }

  return {
    all(kvs) {
      const guards: Guards = new Map();
      const objects: KubeObject[] = [];
      for (const kv of kvs) {
        const at = keys.parse(kv.key);
        if (at && 'guard' in at) guards.set(at.guard, kv.version);
        if (!at || 'guard' in at) continue;
        const object = readObject(kv);
        learnKind(at.resource, object);
        objects.push(object);
      }
      return { objects, guards };
    },
    change(event, before, guards) {
      const at = keys.parse(event.kv.key);
      if (!at) return undefined;
      if ('guard' in at) {
        guards.set(at.guard, event.kv.version);
        return undefined;
      }
      try {
        return changeOf(event, at, before);
      } catch (err) {
        // A foreign value must not stop what follows it.
        log.error({ err }, 'a value in etcd was passed over');
        return undefined;
      }
    },
  };
}
