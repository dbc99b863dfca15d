// What all owners of pods share: a selector that must fit the template's labels and never changes, and the template.
import { deepEqual } from '../../../base/data/memo.ts';
import { type FieldError, invalid, notSupported, required } from '../../meaning/field-error.ts';
import { isEmptySelector, matchesSelector } from '../../meaning/label-selector.ts';
import { validateAnnotations, validateLabels, validateObjectMeta } from '../../meaning/rules/object-meta.ts';
import { validateSelector } from '../../meaning/rules/validate-selector.ts';
import type { PodTemplateSpec } from '../../objects/core.ts';
import type { IntOrString, KubeObject, LabelSelector } from '../../objects/meta.ts';
import { isPercent } from '../../meaning/int-or-string.ts';
import { withPodSpecDefaults } from '../pod/defaults.ts';
import { validatePodSpec } from '../pod/validate.ts';

export interface Workload extends KubeObject {
  spec: { selector: LabelSelector; template?: PodTemplateSpec };
}

export const withTemplateDefaults = (template: PodTemplateSpec): PodTemplateSpec =>
  template?.spec ? { ...template, spec: withPodSpecDefaults(template.spec) } : template;

function validateTemplate(template: PodTemplateSpec, selector: LabelSelector | undefined): FieldError[] {
  const field = 'spec.template';
  const { labels, annotations } = template.metadata ?? {};
  const errors: FieldError[] = [];
  // A selector that is missing or empty has its own complaint.
  if (selector && !isEmptySelector(selector) && !matchesSelector(selector, labels)) {
    errors.push(invalid(`${field}.metadata.labels`, labels ?? {}, '`selector` does not match template `labels`'));
  }
  errors.push(...validateLabels(labels, `${field}.labels`), ...validateAnnotations(annotations, `${field}.annotations`));
  if (!template.spec) return [...errors, required(`${field}.spec.containers`)];
  errors.push(...validatePodSpec(template.spec, `${field}.spec`));
  const { restartPolicy } = template.spec;
  if (restartPolicy && restartPolicy !== 'Always') errors.push(notSupported(`${field}.spec.restartPolicy`, restartPolicy, ['Always']));
  return errors;
}

function validateWorkloadSelector(selector: LabelSelector | undefined, kind: string): FieldError[] {
  if (!selector) return [required('spec.selector')];
  const errors = validateSelector(selector, 'spec.selector');
  return isEmptySelector(selector) ? [...errors, invalid('spec.selector', selector, `empty selector is invalid for ${kind}`)] : errors;
}

export const validateCount = (value: number | undefined, field: string): FieldError[] =>
  (value ?? 0) < 0 ? [invalid(field, value, 'must be greater than or equal to 0')] : [];

/** A number or a percentage; surge and unavailability. */
export function validateShare(value: IntOrString | undefined, field: string): FieldError[] {
  if (value === undefined) return [];
  if (typeof value === 'number') return validateCount(value, field);
  return isPercent(value) ? [] : [invalid(field, value, "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')")];
}

/** Metadata, selector and template; `kind` is the word of upstream's texts. */
export function validateWorkload(object: Workload, kind: string, old?: Workload): FieldError[] {
  const { selector, template } = object.spec ?? {};
  return [
    ...validateObjectMeta(object, { namespaced: true }, old),
    ...validateWorkloadSelector(selector, kind),
    ...(template ? validateTemplate(template, selector) : [required('spec.template')]),
  ];
}

/** Upstream's text for a selector that was changed after creation. */
export const validateSelectorKept = (object: Workload, old: Workload | undefined): FieldError[] =>
  old && !deepEqual(object.spec.selector, old.spec.selector) ? [invalid('spec.selector', object.spec.selector, 'field is immutable')] : [];

interface WithStatus {
  status?: object;
}

/** Counts in a status: none negative, none above the whole. */
export function validateStatusCounts({ status }: WithStatus, counts: readonly string[], whole = 'replicas'): FieldError[] {
  if (!status) return [];
  const values = status as Record<string, number | undefined>;
  const total = values[whole] ?? 0;
  return [whole, ...counts].flatMap((key) => {
    const errors = validateCount(values[key], `status.${key}`);
    if (key !== whole && (values[key] ?? 0) > total) errors.push(invalid(`status.${key}`, values[key], `cannot be greater than status.${whole}`));
    return errors;
  });
}
