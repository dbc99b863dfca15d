// What a node's conditions mean for those who might run there: taints, one per trouble (upstream's names).
import { findCondition } from '../../../kube/meaning/conditions.ts';
import { timestamp } from '../../../kube/meaning/conditions.ts';
import type { Node, Taint } from '../../../kube/objects/core.ts';
import { unschedulableTaint } from './node-fit.ts';

const prefix = 'node.kubernetes.io/';
export const notReady = `${prefix}not-ready`;
export const unreachable = `${prefix}unreachable`;

/** Conditions that are trouble when True. */
const troubles: Readonly<Record<string, string>> = {
  MemoryPressure: `${prefix}memory-pressure`,
  DiskPressure: `${prefix}disk-pressure`,
  PIDPressure: `${prefix}pid-pressure`,
  NetworkUnavailable: `${prefix}network-unavailable`,
};

const ours: ReadonlySet<string> = new Set([notReady, unreachable, unschedulableTaint.key, ...Object.values(troubles)]);

/** A node that has not spoken yet takes no pods, but nobody is thrown out of it. */
function readinessTaints(node: Node): Taint[] {
  const ready = findCondition(node.status?.conditions, 'Ready');
  if (ready?.status === 'True') return [];
  if (!ready) return [{ key: notReady, effect: 'NoSchedule' }];
  const key = ready.status === 'Unknown' ? unreachable : notReady;
  return [
    { key, effect: 'NoSchedule' },
    { key, effect: 'NoExecute' },
  ];
}

function wantedTaints(node: Node): Taint[] {
  const conditions = node.status?.conditions ?? [];
  const pressed = Object.entries(troubles).flatMap(([type, key]): Taint[] => (findCondition(conditions, type)?.status === 'True' ? [{ key, effect: 'NoSchedule' }] : []));
  return [...readinessTaints(node), ...pressed, ...(node.spec?.unschedulable ? [unschedulableTaint] : [])];
}

const sameTaint = (a: Taint, b: Taint): boolean => a.key === b.key && a.effect === b.effect;

/** The node's taints as they should be; the same array when they are so. Those of users stay. */
export function taintsFor(node: Node, now: Date): readonly Taint[] {
  const present = node.spec?.taints ?? [];
  const wanted = wantedTaints(node);
  const kept = present.filter((taint) => !ours.has(taint.key) || wanted.some((one) => sameTaint(one, taint)));
  const added = wanted.filter((taint) => !present.some((one) => sameTaint(one, taint)));
  if (added.length === 0 && kept.length === present.length) return present;
  return [...kept, ...added.map((taint) => (taint.effect === 'NoExecute' ? { ...taint, timeAdded: timestamp(now) } : taint))];
}
