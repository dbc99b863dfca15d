// Label selectors: who is meant. Serves controllers, the model, list requests and validation.
// An absent selector means nobody, an empty one everybody (meta/v1, LabelSelector).
// Text form: label-selector-text.ts; complaints: validate-selector.ts.
import type { LabelSelector, LabelSelectorRequirement } from '../objects/meta.ts';

/** One demand on a label. Gt and Lt exist in the text form and in node affinity only. */
export interface Requirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
  readonly values?: readonly string[];
}

/** A LabelSelector, or what parseLabelSelector read. */
export interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly Requirement[];
}

export type Labels = Readonly<Record<string, string>>;

const integer = /^[+-]?\d+$/;

type Test = (value: string | undefined, values: readonly string[]) => boolean;
const asInteger = (value: string | undefined): number => (value !== undefined && integer.test(value) ? Number(value) : Number.NaN);

const tests: Record<Requirement['operator'], Test> = {
  In: (value, values) => value !== undefined && values.includes(value),
  NotIn: (value, values) => value === undefined || !values.includes(value),
  Exists: (value) => value !== undefined,
  DoesNotExist: (value) => value === undefined,
  Gt: (value, values) => asInteger(value) > asInteger(values[0]),
  Lt: (value, values) => asInteger(value) < asInteger(values[0]),
};

export const matchesRequirement = ({ key, operator, values = [] }: Requirement, labels: Labels): boolean =>
  tests[operator]?.(Object.hasOwn(labels, key) ? labels[key] : undefined, values) ?? false;

/** Every wanted label is there with its value; {} is satisfied by all. */
export function matchesLabels(wanted: Labels, labels: Labels | undefined): boolean {
  for (const key in wanted) if (!labels || !Object.hasOwn(labels, key) || labels[key] !== wanted[key]) return false;
  return true;
}

/** The plain form of Services: every pair must be there. An absent or empty one selects nobody. */
export const matchesPairs = (pairs: Labels | undefined, labels: Labels | undefined): boolean =>
  pairs !== undefined && Object.keys(pairs).length > 0 && matchesLabels(pairs, labels);

/** A requirement that cannot be read is never met; ask `selectorFault` before trusting a "no". */
export function matchesSelector(selector: Selector | undefined, labels: Labels | undefined): boolean {
  if (!selector || !matchesLabels(selector.matchLabels ?? {}, labels)) return false;
  return selector.matchExpressions?.every((requirement) => matchesRequirement(requirement, labels ?? {})) ?? true;
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

const sorted = (values: readonly string[] = []): string => values.toSorted().join(',');

function printRequirement({ key, operator, values }: Requirement): string {
  switch (operator) {
    case 'In':
      return `${key} in (${sorted(values)})`;
    case 'NotIn':
      return `${key} notin (${sorted(values)})`;
    case 'Exists':
      return key;
    case 'DoesNotExist':
      return `!${key}`;
    case 'Gt':
      return `${key}>${values?.[0] ?? ''}`;
    case 'Lt':
      return `${key}<${values?.[0] ?? ''}`;
  }
}

/** `a=b,c in (d,e),!f`, by key; '' when it selects everything. */
export function printSelector(selector: Selector | undefined): string {
  const equal = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => ({ key, text: `${key}=${value}` }));
  const others = (selector?.matchExpressions ?? []).map((one) => ({ key: one.key, text: printRequirement(one) }));
  const byKey = [...equal, ...others].toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return byKey.map(({ text }) => text).join(',');
}

export const isEmptySelector = (selector: Selector | undefined): boolean =>
  Object.keys(selector?.matchLabels ?? {}).length === 0 && (selector?.matchExpressions ?? []).length === 0;
