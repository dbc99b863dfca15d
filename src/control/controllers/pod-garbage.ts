// Pods whose node is gone: nobody is left to end them. A node that was only just removed may come back, so they
// have a little time.
import { nodeKind } from '../../kube/kinds/node.ts';
import { podKind } from '../../kube/kinds/pod.ts';
import type { Snapshot } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';
import { groupOf } from './keep-lists.ts';
import { earliest } from './wake.ts';
import { podsByNode } from './workload/pod-groups.ts';
import { isFinished, isTerminating } from './workload/pod-state.ts';
import { remove } from './writes.ts';

const quarantineMs = 40_000;

export function createPodGarbage(): Controller {
  /** When each missing node was first missed. */
  const missedSince = new Map<string, number>();

  function missingNodes(seen: Snapshot, now: Date): string[] {
    const missing = [...podsByNode(seen.list(podKind)).keys()].filter((name) => !seen.get(nodeKind, name));
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
