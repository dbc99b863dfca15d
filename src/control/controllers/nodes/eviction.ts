// Who must leave a tainted node, and when: NoExecute taints and the seconds that pods bear them.
import type { Node, Pod, Taint } from '../../../kube/objects/core.ts';
import { tolerates } from './node-fit.ts';

/** Milliseconds since the epoch at which the pod must go; undefined when it may stay. */
export function leavesAtMs(pod: Pod, node: Node, now: Date): number | undefined {
  const moments = (node.spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute').flatMap((taint) => leavesForMs(pod, taint, now) ?? []);
  return moments.length > 0 ? Math.min(...moments) : undefined;
}

function leavesForMs({ spec }: Pod, taint: Taint, now: Date): number | undefined {
  const bearing = (spec.tolerations ?? []).filter((toleration) => tolerates(toleration, taint));
  if (bearing.length === 0) return 0;
  const limits = bearing.flatMap(({ tolerationSeconds }) => tolerationSeconds ?? []);
  if (limits.length === 0) return undefined;
  const since = taint.timeAdded === undefined ? now.getTime() : Date.parse(taint.timeAdded);
  return since + Math.max(0, Math.min(...limits)) * 1000;
}
