// A Snapshot straight from objects, without store or API server: frozen, ordered, and sharing lists with the one before.
import { deepFreeze } from '../../../src/base/data/freeze.ts';
import type { Kind } from '../../../src/kube/kinds/kind.ts';
import type { KubeObject } from '../../../src/kube/objects/meta.ts';
import { type Snapshot, keyOf, objectKey } from '../../../src/kube/store/store.ts';

export function snapshotOf(objects: readonly KubeObject[], before?: Snapshot): Snapshot {
  const byKind = Map.groupBy(objects, ({ apiVersion, kind }) => `${apiVersion}/${kind}`);
  const lists = new Map<string, readonly KubeObject[]>();
  const keyed = new Map<string, KubeObject>();
  for (const [kind, list] of byKind) {
    const sorted = list.map((object) => deepFreeze(object)).sort((a, b) => (objectKey(a) < objectKey(b) ? -1 : 1));
    for (const object of sorted) keyed.set(`${kind} ${objectKey(object)}`, object);
    lists.set(kind, sorted);
  }
  const listOf = memoised((kind: Kind): readonly KubeObject[] => {
    const now = lists.get(kindName(kind)) ?? [];
    const old = before?.list(kind);
    return old && old.length === now.length && old.every((object, i) => object === now[i]) ? old : now;
  });
  return {
    revision: (before?.revision ?? 0) + 1,
    list: <T extends KubeObject>(kind: Kind<T>) => listOf(kind as unknown as Kind) as readonly T[],
    get: <T extends KubeObject>(kind: Kind<T>, name: string, namespace?: string) =>
      keyed.get(`${kindName(kind)} ${keyOf(name, namespace)}`) as T | undefined,
  };
}

const kindName = (kind: { apiVersion: string; kind: string }): string => `${kind.apiVersion}/${kind.kind}`;

function memoised<K extends object, R>(compute: (key: K) => R): (key: K) => R {
  const seen = new Map<K, R>();
  return (key) => {
    const result = seen.get(key) ?? compute(key);
    seen.set(key, result);
    return result;
  };
}
