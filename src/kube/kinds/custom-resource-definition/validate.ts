// What a definition must say, in upstream's words (apiextensions validation).
import { type FieldError, forbidden, invalid, notSupported, required } from '../../meaning/field-error.ts';
import { checkDns1035Label, checkDns1123Subdomain } from '../../meaning/rules/names.ts';
import { validateObjectMeta } from '../../meaning/rules/object-meta.ts';
import { allInvalid } from '../../meaning/rules/ports.ts';
import type { CustomResourceDefinition, CustomResourceNames } from '../../objects/api-extensions.ts';
import { validateVersions } from './validate-versions.ts';

type Spec = CustomResourceDefinition['spec'];

/** All complaints about a definition; with `old` also about what may not change once it is established. */
export function validateDefinition(definition: CustomResourceDefinition, old?: CustomResourceDefinition): FieldError[] {
  const spec = definition.spec ?? ({} as Spec);
  const meta = validateObjectMeta(definition, { namespaced: false, plainFinalizers: true }, old);
  return [...meta, ...validateName(definition), ...validateSpec(spec, old?.spec), ...(old ? validateChange(definition, old) : []), ...validateApproval(definition, old)];
}

function validateName({ metadata, spec }: CustomResourceDefinition): FieldError[] {
  const wanted = `${spec?.names?.plural ?? ''}.${spec?.group ?? ''}`;
  if (metadata.name === wanted) return [];
  return [invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group')];
}

const scopes = ['Cluster', 'Namespaced'];

function validateSpec(spec: Spec, old: Spec | undefined): FieldError[] {
  const { group = '', scope, conversion } = spec;
  return [
    ...validateGroup(group),
    ...(scope ? (scopes.includes(scope) ? [] : [notSupported('spec.scope', scope, scopes)]) : [required('spec.scope')]),
    ...(spec.preserveUnknownFields ? [invalid('spec.preserveUnknownFields', true, 'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead')] : []),
    ...validateVersions(spec, old),
    ...validateNames(spec.names ?? ({} as CustomResourceNames), 'spec.names'),
    ...validateConversion(conversion),
  ];
}

function validateGroup(group: string): FieldError[] {
  if (!group) return [required('spec.group')];
  const errors = allInvalid('spec.group', group, checkDns1123Subdomain(group));
  return group.includes('.') ? errors : [...errors, invalid('spec.group', group, 'should be a domain with at least one dot')];
}

function validateNames(names: CustomResourceNames, field: string): FieldError[] {
  const label = (key: string, value: string | undefined, lower = true): FieldError[] => {
    if (!value) return [];
    return allInvalid(`${field}.${key}`, value, checkDns1035Label(lower ? value : value.toLowerCase()));
  };
  const missing = (['plural', 'singular', 'kind', 'listKind'] as const).filter((key) => !names[key]).map((key) => required(`${field}.${key}`));
  const same = names.kind && names.kind === names.listKind ? [invalid(`${field}.listKind`, names.listKind, 'kind and listKind may not be the same')] : [];
  return [
    ...missing,
    ...label('plural', names.plural),
    ...label('singular', names.singular),
    ...label('kind', names.kind, false),
    ...label('listKind', names.listKind, false),
    ...(names.shortNames ?? []).flatMap((name, i) => label(`shortNames[${i}]`, name)),
    ...same,
    ...(names.categories ?? []).flatMap((name, i) => label(`categories[${i}]`, name)),
  ];
}

const strategies = ['None', 'Webhook'];

function validateConversion(conversion: Spec['conversion']): FieldError[] {
  if (!conversion) return [];
  const { strategy, webhook } = conversion;
  if (!strategies.includes(strategy)) return [notSupported('spec.conversion.strategy', strategy, strategies)];
  // Nothing would call the webhook, and objects would silently come back in the wrong form.
  if (strategy === 'Webhook') return [notSupported('spec.conversion.strategy', strategy, ['None'])];
  return webhook ? [forbidden('spec.conversion.webhookClientConfig', 'should not be set when strategy is not set to Webhook')] : [];
}

function validateChange({ spec, status }: CustomResourceDefinition, old: CustomResourceDefinition): FieldError[] {
  const errors: FieldError[] = [];
  const fixed = (field: string, value: unknown, before: unknown) => {
    if (value !== before) errors.push(invalid(field, value, 'field is immutable'));
  };
  fixed('spec.group', spec.group, old.spec.group);
  fixed('spec.names.plural', spec.names?.plural, old.spec.names.plural);
  if (old.status?.conditions?.some(({ type, status: is }) => type === 'Established' && is === 'True')) {
    fixed('spec.scope', spec.scope, old.spec.scope);
    fixed('spec.names.kind', spec.names?.kind, old.spec.names.kind);
  }
  const known = new Set(spec.versions?.map(({ name }) => name));
  const lost = (status?.storedVersions ?? []).findIndex((name) => !known.has(name));
  if (lost >= 0) errors.push(invalid(`status.storedVersions[${lost}]`, status!.storedVersions![lost], 'missing from spec.versions; it was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in it and removes it from status.storedVersions'));
  return errors;
}

const approvalKey = 'api-approved.kubernetes.io';
const isProtected = (group: string): boolean => /(?:^|\.)(?:k8s|kubernetes)\.io$/.test(group);

export type Approval = 'NotProtected' | 'ApprovedAnnotation' | 'UnapprovedAnnotation' | 'MissingAnnotation' | 'InvalidAnnotation';

/** What the annotation says about a group that belongs to the Kubernetes community. */
export function approvalOf({ metadata, spec }: CustomResourceDefinition): { is: Approval; text: string } {
  if (!isProtected(spec?.group ?? '')) return { is: 'NotProtected', text: '' };
  const text = metadata.annotations?.[approvalKey];
  if (!text) return { is: 'MissingAnnotation', text: `protected groups must have approval annotation "${approvalKey}", see https://github.com/kubernetes/enhancements/pull/1111` };
  if (text.startsWith('unapproved')) return { is: 'UnapprovedAnnotation', text: `not approved: "${text}"` };
  const isUrl = URL.canParse(text) && /^\w+:\/\/[^/]/.test(text);
  if (isUrl) return { is: 'ApprovedAnnotation', text: `approved in ${text}` };
  return { is: 'InvalidAnnotation', text: `protected groups must have approval annotation "${approvalKey}" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111` };
}

/** A definition that was wrong before may stay so. */
function validateApproval(definition: CustomResourceDefinition, old?: CustomResourceDefinition): FieldError[] {
  const { is, text } = approvalOf(definition);
  if (old && approvalOf(old).is === is) return [];
  const field = 'metadata.annotations[api-approved.kubernetes.io]';
  if (is === 'MissingAnnotation') return [required(field, text)];
  return is === 'InvalidAnnotation' ? [invalid(field, definition.metadata.annotations?.[approvalKey], text)] : [];
}
