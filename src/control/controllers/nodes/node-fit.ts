// May this pod run on this node? Labels and taints; what the scheduler and DaemonSets ask alike.
import { isConditionTrue } from '../../../kube/meaning/conditions.ts';
import { matchesLabels, matchesRequirement, type Requirement } from '../../../kube/meaning/label-selector.ts';
import type { Node, PodSpec, Taint, Toleration } from '../../../kube/objects/core.ts';

interface NodeSelectorTerm {
  matchExpressions?: Requirement[];
  matchFields?: Requirement[];
}

interface NodeAffinity {
  nodeAffinity?: { requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms?: NodeSelectorTerm[] } };
}

/** Terms are alternatives, demands within one are all to be met; an empty term is met by nobody. */
function matchesTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  const fields = { 'metadata.name': node.metadata.name };
  return (
    matchExpressions.every((demand) => matchesRequirement(demand, node.metadata.labels ?? {})) &&
    matchFields.every((demand) => matchesRequirement(demand, fields))
  );
}

export function matchesNode({ nodeSelector, affinity }: PodSpec, node: Node): boolean {
  if (nodeSelector && !matchesLabels(nodeSelector, node.metadata.labels)) return false;
  const required = (affinity as NodeAffinity | undefined)?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return !required || (required.nodeSelectorTerms ?? []).some((term) => matchesTerm(term, node));
}

export function tolerates({ key, operator = 'Equal', value = '', effect }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false;
  if (key && key !== taint.key) return false;
  return operator === 'Exists' || (key !== undefined && key !== '' && value === (taint.value ?? ''));
}

export const unschedulableTaint: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

/** A cordoned node counts as tainted even before its taint is written. */
export function taintsOf({ spec }: Node): readonly Taint[] {
  const taints = spec?.taints ?? [];
  return spec?.unschedulable && !taints.some(({ key }) => key === unschedulableTaint.key) ? [...taints, unschedulableTaint] : taints;
}

/** The first taint of these effects that keeps the pod off. */
export const untolerated = (node: Node, tolerations: readonly Toleration[], effects: readonly Taint['effect'][]): Taint | undefined =>
  taintsOf(node).find((taint) => effects.includes(taint.effect) && !tolerations.some((toleration) => tolerates(toleration, taint)));

export const isNodeReady = ({ status }: Node): boolean => isConditionTrue(status?.conditions, 'Ready');
