// Label selectors as text, the way status.selector of a Scale carries them.
import type { LabelSelector, LabelSelectorRequirement } from '../../../kube/objects/meta.ts';

function printRequirement({ key, operator, values = [] }: LabelSelectorRequirement): string {
  const list = `(${values.toSorted().join(',')})`;
  if (operator === 'In') return `${key} in ${list}`;
  if (operator === 'NotIn') return `${key} notin ${list}`;
  return operator === 'Exists' ? key : `!${key}`;
}

export function printLabelSelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const equal = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  return [...equal.toSorted(), ...matchExpressions.map(printRequirement)].join(',');
}
