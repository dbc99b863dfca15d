// Pods whose node is gone: nobody is left to end them. A node that was only just removed may come back, so they
// have a little time.
import { patchedKeys } from '../../base/data/patched-map.ts';
import { nodeKind } from '../../kube/kinds/node.ts';
import { podKind } from '../../kube/kinds/pod.ts';
import type { Node, Pod } from '../../kube/objects/core.ts';
import type { Snapshot } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';
import { type Groups, groupOf } from './keep-lists.ts';
import { earliest } from './wake.ts';
import { podsByNode } from './workload/pod-groups.ts';
import { isFinished, isTerminating } from './workload/pod-state.ts';
import { remove } from './writes.ts';

const quarantineMs = 40_000;

export function createPodGarbage(): Controller {
  /** When each missing node was first missed. */
  const missedSince = new Map<string, number>();

  let last: { pods: Groups<Pod>; nodes: readonly Node[]; missing: readonly string[] } | undefined;

  /** Only names whose pods changed can be new among them, unless nodes came or went. */
  function findMissing(seen: Snapshot): readonly string[] {
    const [pods, nodes] = [podsByNode(seen.list(podKind)), seen.list(nodeKind)];
    const touched = last?.nodes === nodes ? patchedKeys(last.pods, pods) : undefined;
    const names = last && touched ? new Set([...last.missing, ...touched]) : pods.keys();
    const missing = [...names].filter((name) => pods.has(name) && !seen.get(nodeKind, name));
    last = { pods, nodes, missing };
    return missing;
  }

  function missingNodes(seen: Snapshot, now: Date): readonly string[] {
    const missing = findMissing(seen);
    for (const name of missedSince.keys()) if (!missing.includes(name)) missedSince.delete(name);
    for (const name of missing) if (!missedSince.has(name)) missedSince.set(name, now.getTime());
    return missing;
  }

  return {
    name: 'pod-garbage',
    reads: [podKind, nodeKind],
    decide: (seen, now) =>
      missingNodes(seen, now).flatMap((name) => {
        const isOver = missedSince.get(name)! + quarantineMs <= now.getTime();
        // Those that were leaving or had ended need no one's consent.
        const doomed = groupOf(podsByNode(seen.list(podKind)), name).filter((pod) => isOver || isTerminating(pod) || isFinished(pod));
        return doomed.map((pod) => remove(pod, { gracePeriodSeconds: 0 }));
      }),
    wakeAfterMs: (seen, now) => earliest(missingNodes(seen, now).map((name) => Math.max(1, missedSince.get(name)! + quarantineMs - now.getTime()))),
  };
}
