// Which share of the cluster's work each zone can take: allocatable CPU of its ready nodes (TOPO 5.1 A, TOPO-03, -08 to -11, -27).
import { keepIdentity, memoLast } from '../../../base/data/memo.ts';
import { isConditionTrue } from '../../../kube/meaning/conditions.ts';
import { parseQuantity } from '../../../kube/meaning/quantity.ts';
import type { Node } from '../../../kube/objects/core.ts';

/** Zone → share, summing to 1. Undefined: it cannot be told, and nobody gets hints. */
export type ZoneRatios = ReadonlyMap<string, number> | undefined;

const zoneLabel = 'topology.kubernetes.io/zone';
const reserved = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];

const isCounted = ({ metadata, status }: Node): boolean =>
  !reserved.some((label) => label in (metadata.labels ?? {})) && isConditionTrue(status?.conditions, 'Ready');

/** One counted node without zone or CPU spoils it for all (TOPO-08); so does a cluster of a single zone. */
export function zoneRatios(nodes: readonly Node[]): ZoneRatios {
  const cpus = new Map<string, number>();
  for (const { metadata, status } of nodes.filter(isCounted)) {
    const zone = metadata.labels?.[zoneLabel];
    const cpu = parseQuantity(String(status?.allocatable?.['cpu'] ?? '0')) ?? 0;
    if (!zone || !(cpu > 0)) return undefined;
    cpus.set(zone, (cpus.get(zone) ?? 0) + cpu);
  }
  if (cpus.size < 2) return undefined;
  const total = [...cpus.values()].reduce((sum, cpu) => sum + cpu, 0);
  return new Map([...cpus].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([zone, cpu]) => [zone, cpu / total]));
}

/** Keeps its identity while the shares stay the same: heartbeats must not wake Services. */
export function createZoneRatios(): (nodes: readonly Node[]) => ZoneRatios {
  let before: ZoneRatios;
  return memoLast((nodes: readonly Node[]) => {
    const now = zoneRatios(nodes);
    return (before = now && keepIdentity(before, now));
  });
}
