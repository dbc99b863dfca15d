// Deleting a namespace in two steps: first everything in it, then, when it is empty, the namespace itself.
// It begins after a moment of grace: `kubectl delete -f` names the namespace first and then each object in it, and calls
// it an error when one of them is gone already. (Upstream waits five seconds.)
import { deepEqual } from '../../base/data/memo.ts';
import { customKinds, definitionKind } from '../../kube/custom/custom-kinds.ts';
import type { Kind } from '../../kube/kinds/kind.ts';
import { namespaceKind } from '../../kube/kinds/namespace.ts';
import { setCondition } from '../../kube/meaning/conditions.ts';
import type { Namespace } from '../../kube/objects/core.ts';
import type { Condition, KubeObject } from '../../kube/objects/meta.ts';
import type { Snapshot, Write } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';
import { earliest } from './wake.ts';
import { remove, updateStatus } from './writes.ts';

/** From the stamp of deletion, which is in whole seconds: at least one second in truth. */
const graceMs = 2_000;

export function createNamespaceDeletion(kinds: readonly Kind[]): Controller {
  const namespaced = kinds.filter((kind) => kind.namespaced);
  const all = (seen: Snapshot) => [...namespaced, ...customKinds(seen).stored.filter((kind) => kind.namespaced)];
  return {
    name: 'namespace-deletion',
    reads: [namespaceKind, definitionKind, ...namespaced],
    alsoReads: (seen) => customKinds(seen).stored,
    decide: (seen, now) =>
      seen
        .list(namespaceKind)
        .filter((namespace) => isGoing(namespace) && graceLeftMs(namespace, now) <= 0)
        .flatMap((namespace) => empty(namespace, contentOf(namespace, all(seen), seen), now)),
    wakeAfterMs: (seen, now) =>
      earliest(seen.list(namespaceKind).filter(isGoing).map((namespace) => graceLeftMs(namespace, now)).filter((left) => left > 0)),
  };
}

const isGoing = ({ metadata, spec }: Namespace): boolean => metadata.deletionTimestamp !== undefined && (spec?.finalizers ?? []).includes('kubernetes');

const graceLeftMs = ({ metadata }: Namespace, now: Date): number => Date.parse(metadata.deletionTimestamp!) + graceMs - now.getTime();

type Content = readonly { kind: Kind; objects: readonly KubeObject[] }[];

const contentOf = ({ metadata: { name } }: Namespace, kinds: readonly Kind[], seen: Snapshot): Content =>
  kinds.map((kind) => ({ kind, objects: seen.list(kind).filter(({ metadata }) => metadata.namespace === name) })).filter(({ objects }) => objects.length > 0);

function empty(namespace: Namespace, content: Content, now: Date): Write[] {
  if (content.length === 0) return [finalize(namespace)];
  const doomed = content.flatMap(({ objects }) => objects.filter(({ metadata }) => !metadata.deletionTimestamp));
  return [...doomed.map((object) => remove(object, { propagationPolicy: 'Background' })), ...report(namespace, content, now)];
}

function finalize(namespace: Namespace): Write {
  const finalizers = (namespace.spec?.finalizers ?? []).filter((name) => name !== 'kubernetes');
  return { verb: 'update', object: { ...namespace, spec: { ...namespace.spec, finalizers } } as Namespace, subresource: 'finalize' };
}

const resourceName = ({ plural, apiVersion }: Kind): string => (apiVersion.includes('/') ? `${plural}.${apiVersion.slice(0, apiVersion.indexOf('/'))}` : plural);

function finalizersOf(content: Content): string | undefined {
  const counts = new Map<string, number>();
  for (const { objects } of content) for (const { metadata } of objects) for (const name of metadata.finalizers ?? []) counts.set(name, (counts.get(name) ?? 0) + 1);
  const parts = [...counts].toSorted().map(([name, count]) => `${name} in ${count} resource instances`);
  return parts.length > 0 ? parts.join(', ') : undefined;
}

/** Upstream's five conditions, so that `kubectl describe` says what is being waited for. */
function report(namespace: Namespace, content: Content, now: Date): Write[] {
  const remaining = content.map(({ kind, objects }) => `${resourceName(kind)} has ${objects.length} resource instances`).toSorted().join(', ');
  const held = finalizersOf(content);
  const said: Condition[] = [
    { type: 'NamespaceDeletionDiscoveryFailure', status: 'False', reason: 'ResourcesDiscovered', message: 'All resources successfully discovered' },
    { type: 'NamespaceDeletionGroupVersionParsingFailure', status: 'False', reason: 'ParsedGroupVersions', message: 'All legacy kube types successfully parsed' },
    { type: 'NamespaceDeletionContentFailure', status: 'False', reason: 'ContentDeleted', message: 'All content successfully deleted, may be waiting on finalization' },
    { type: 'NamespaceContentRemaining', status: 'True', reason: 'SomeResourcesRemain', message: `Some resources are remaining: ${remaining}` },
    held === undefined
      ? { type: 'NamespaceFinalizersRemaining', status: 'False', reason: 'ContentHasNoFinalizers', message: 'All content-preserving finalizers finished' }
      : { type: 'NamespaceFinalizersRemaining', status: 'True', reason: 'SomeFinalizersRemain', message: `Some content in the namespace has finalizers remaining: ${held}` },
  ];
  const conditions = said.reduce<readonly Condition[]>((all, condition) => setCondition(all, condition, now), namespace.status?.conditions ?? []);
  return deepEqual(conditions, namespace.status?.conditions) ? [] : updateStatus(namespace, { ...namespace.status, conditions: [...conditions] });
}
