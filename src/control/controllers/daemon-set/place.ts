// Which nodes a DaemonSet wants, and which pods of it are where.
import type { DaemonSet } from '../../../kube/objects/apps.ts';
import type { Node, Pod, PodSpec, Toleration } from '../../../kube/objects/core.ts';
import { matchesNode, untolerated } from '../nodes/node-fit.ts';

const everywhere = (key: string, effect: string): Toleration => ({ key: `node.kubernetes.io/${key}`, operator: 'Exists', effect });

const always: readonly Toleration[] = [
  everywhere('not-ready', 'NoExecute'),
  everywhere('unreachable', 'NoExecute'),
  everywhere('disk-pressure', 'NoSchedule'),
  everywhere('memory-pressure', 'NoSchedule'),
  everywhere('pid-pressure', 'NoSchedule'),
  everywhere('unschedulable', 'NoSchedule'),
];

/** Daemons stay where ordinary pods would leave, and start where they would not. */
export function daemonTolerations({ tolerations = [], hostNetwork }: PodSpec): Toleration[] {
  const added = hostNetwork ? [...always, everywhere('network-unavailable', 'NoSchedule')] : always;
  const isThere = ({ key, effect }: Toleration) => tolerations.some((own) => own.key === key && own.operator === 'Exists' && own.effect === effect);
  return [...tolerations, ...added.filter((toleration) => !isThere(toleration))];
}

export interface Place {
  readonly node: Node;
  /** A pod should be here. */
  readonly wanted: boolean;
  /** A pod that is here need not leave. */
  readonly mayStay: boolean;
  readonly pods: readonly Pod[];
}

/** One place a node, and the pods whose node is gone. */
export function placeDaemons({ spec }: DaemonSet, nodes: readonly Node[], pods: readonly Pod[]): { places: Place[]; lost: Pod[] } {
  const byNode = Map.groupBy(pods, (pod) => pod.spec.nodeName ?? '');
  const tolerations = daemonTolerations(spec.template.spec);
  const places = nodes.map((node): Place => {
    const matches = matchesNode(spec.template.spec, node);
    return {
      node,
      wanted: matches && !untolerated(node, tolerations, ['NoSchedule', 'NoExecute']),
      mayStay: matches && !untolerated(node, tolerations, ['NoExecute']),
      pods: byNode.get(node.metadata.name) ?? [],
    };
  });
  const known = new Set(nodes.map(({ metadata }) => metadata.name));
  return { places, lost: pods.filter((pod) => pod.spec.nodeName !== undefined && !known.has(pod.spec.nodeName)) };
}
