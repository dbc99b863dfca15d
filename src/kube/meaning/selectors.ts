// Label selectors as objects: match, print, validate. Text form: label-selector-text.ts; fields: field-selectors.ts.
// An absent selector matches nothing, an empty one everything (meta/v1, LabelSelectorAsSelector).
import type { LabelSelector } from '../objects/meta.ts';
import { type FieldError, forbidden, invalid, required } from './field-error.ts';
import { checkLabelValue, checkQualifiedName } from './names.ts';
import { validateLabels } from './object-meta.ts';

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
  for (const key in wanted) if (labels?.[key] !== wanted[key]) return false;
  return true;
}

export function matchesSelector(selector: Selector | undefined, labels: Labels | undefined): boolean {
  if (!selector || !matchesLabels(selector.matchLabels ?? {}, labels)) return false;
  return selector.matchExpressions?.every((requirement) => matchesRequirement(requirement, labels ?? {})) ?? true;
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

const needsValues = "must be specified when `operator` is 'In' or 'NotIn'";
const refusesValues = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";

function validateRequirement({ key, operator, values = [] }: Requirement, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) errors.push(required(`${field}.values`, needsValues));
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0) errors.push(forbidden(`${field}.values`, refusesValues));
  } else errors.push(invalid(`${field}.operator`, operator, 'not a valid selector operator'));
  errors.push(...checkQualifiedName(key ?? '').map((complaint) => invalid(`${field}.key`, key ?? '', complaint)));
  for (const [i, value] of values.entries()) {
    errors.push(...checkLabelValue(value).map((complaint) => invalid(`${field}.values[${i}]`, value, complaint)));
  }
  return errors;
}

/** Complaints about a selector in an object, with the path of each. */
export function validateSelector(selector: LabelSelector | undefined, field: string): FieldError[] {
  const demands = selector?.matchExpressions ?? [];
  return [
    ...validateLabels(selector?.matchLabels, `${field}.matchLabels`),
    ...demands.flatMap((demand, i) => validateRequirement(demand, `${field}.matchExpressions[${i}]`)),
  ];
}

export const isEmptySelector = (selector: Selector | undefined): boolean =>
  Object.keys(selector?.matchLabels ?? {}).length === 0 && (selector?.matchExpressions ?? []).length === 0;
