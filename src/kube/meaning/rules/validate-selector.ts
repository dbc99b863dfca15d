// Complaints about a label selector inside an object, in upstream's words and with the path of each.
import type { LabelSelector } from '../../objects/meta.ts';
import { type FieldError, forbidden, invalid, required } from '../field-error.ts';
import type { Requirement } from '../label-selector.ts';
import { checkLabelValue, checkQualifiedName } from './names.ts';
import { validateLabels } from './object-meta.ts';

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
