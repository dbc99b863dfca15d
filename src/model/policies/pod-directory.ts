// What policies need to know of pods, by namespace. Serves peers.ts and compile-policies.ts.
// A pod's status changes every few seconds, these facts seldom: equal facts and lists keep their identity.
import { canonicalAddress } from '../../base/net/address.ts';
import { hostPrefix } from '../../base/net/prefix.ts';
import { deepEqual, memoByIdentity } from '../../base/data/memo.ts';
import type { Pod } from '../../kube/objects/core.ts';
import type { Protocol, Ref } from '../../kube/objects/meta.ts';
import { objectKey } from '../../kube/store/store.ts';
import type { Labels } from '../../kube/meaning/label-selector.ts';
import type { IpBlock } from '../network-model.ts';

export interface PodFacts {
  readonly pod: Ref;
  readonly namespace: string;
  readonly node: string | undefined;
  readonly labels: Labels;
  readonly ips: readonly string[];
  /** One /32 or /128 per address: shared by every peer set the pod is in. */
  readonly blocks: readonly IpBlock[];
  readonly namedPorts: readonly NamedPort[];
}

export interface NamedPort {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/** Pods by namespace, in the snapshot's order. */
export type PodDirectory = ReadonlyMap<string, readonly PodFacts[]>;

/**
 * Host-network pods are their node, not pods, to policies (NP-40); a finished pod no longer owns its address (NP-53).
 * A pod without address is kept: it must be isolated before it gets one (NP-36).
 */
export function podFacts(pod: Pod): PodFacts | undefined {
  const { phase, podIPs, podIP } = pod.status ?? {};
  if (pod.spec.hostNetwork || phase === 'Succeeded' || phase === 'Failed') return undefined;
  const ref: Ref = { kind: 'Pod', namespace: pod.metadata.namespace, name: pod.metadata.name };
  const ips = (podIPs?.map(({ ip }) => ip) ?? [podIP ?? '']).flatMap((ip) => canonicalAddress(ip) ?? []);
  return {
    pod: ref,
    namespace: pod.metadata.namespace ?? '',
    node: pod.spec.nodeName,
    labels: pod.metadata.labels ?? {},
    ips,
    blocks: ips.map((ip) => ({ cidr: hostPrefix(ip), pod: ref })),
    namedPorts: namedPorts(pod),
  };
}

function namedPorts({ spec }: Pod): NamedPort[] {
  const ports = spec.containers.flatMap((container) => container.ports ?? []);
  return ports.flatMap(({ name, protocol = 'TCP', containerPort: port }) => (name ? [{ name, protocol, port }] : []));
}

export function createPodDirectory(): (pods: readonly Pod[]) => PodDirectory {
  const read = memoByIdentity((pod: Pod) => podFacts(pod));
  let facts = new Map<string, PodFacts>();
  let lists: PodDirectory = new Map();
  return (pods) => {
    const fresh = new Map<string, PodFacts>();
    const groups = new Map<string, PodFacts[]>();
    for (const pod of pods) {
      const now = read(pod);
      if (!now) continue;
      const key = objectKey(pod);
      const old = facts.get(key);
      const kept = old && deepEqual(old, now) ? old : now;
      fresh.set(key, kept);
      const group = groups.get(kept.namespace);
      if (group) group.push(kept);
      else groups.set(kept.namespace, [kept]);
    }
    facts = fresh;
    lists = new Map([...groups].map(([namespace, list]) => [namespace, keepList(lists.get(namespace), list)]));
    return lists;
  };
}

/** The old list when the new one holds the very same items. */
export function keepList<T>(old: readonly T[] | undefined, now: readonly T[]): readonly T[] {
  return old && old.length === now.length && old.every((item, i) => item === now[i]) ? old : now;
}
