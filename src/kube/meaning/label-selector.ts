// Label selectors: who is meant. Serves controllers, the model and list requests.
// An absent selector means nobody, an empty one everybody (meta/v1, LabelSelector).
import type { LabelSelector, LabelSelectorRequirement } from '../objects/meta.ts';

export type Labels = Readonly<Record<string, string>>;

/** The plain form of Services: every pair must be there. An absent or empty one selects nobody. */
export function matchesPairs(pairs: Labels | undefined, labels: Labels = {}): boolean {
  const wanted = Object.entries(pairs ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}

/** A requirement that cannot be read is never met; ask `selectorFault` before trusting a "no". */
export function matchesSelector(selector: LabelSelector | undefined, labels: Labels = {}): boolean {
  if (!selector) return false;
  return (
    Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value) &&
    (selector.matchExpressions ?? []).every((requirement) => meets(requirement, labels))
  );
}

/** NotIn holds for objects without the key too, as it does in list requests. */
function meets({ key, operator, values = [] }: LabelSelectorRequirement, labels: Labels): boolean {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}

/** What makes a selector unreadable, as one sentence; undefined for a good one. */
export function selectorFault(selector: LabelSelector | undefined): string | undefined {
  for (const requirement of selector?.matchExpressions ?? []) {
    const fault = requirementFault(requirement);
    if (fault) return fault;
  }
  return undefined;
}

const wantsValues = { In: true, NotIn: true, Exists: false, DoesNotExist: false };

function requirementFault({ key, operator, values = [] }: LabelSelectorRequirement): string | undefined {
  const wants: boolean | undefined = wantsValues[operator];
  if (wants === undefined) return `operator ${operator} of key ${key} is unknown`;
  if (wants === values.length > 0) return undefined;
  return `operator ${operator} of key ${key} ${wants ? 'needs' : 'takes no'} values`;
}
