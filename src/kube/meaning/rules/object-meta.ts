// Rules for the metadata that every object carries: name, labels, annotations, owners, finalizers.
// Kinds call it first and give it their own rule for names.
import type { KubeObject, ObjectMeta, OwnerReference } from '../../objects/meta.ts';
import { type FieldError, forbidden, invalid, required, tooLong } from '../field-error.ts';
import { checkDns1123Label, checkDns1123Subdomain, checkLabelValue, checkQualifiedName, maskTrailingDash } from './names.ts';

/** Complaints about a name; [] when it is good. */
export type NameRule = (name: string) => string[];

export interface MetaRules {
  namespaced: boolean;
  /** DNS subdomain when absent. */
  name?: NameRule;
  /** Where the metadata stands; `metadata` when absent. */
  field?: string;
  /** Finalizers without a slash are good, whatever they say: definitions and custom objects. */
  plainFinalizers?: boolean;
}

const annotationBytes = 256 * 1024;
const plainFinalizers = new Set(['orphan', 'foregroundDeletion', 'kubernetes']);

const allInvalid = (field: string, value: unknown, complaints: readonly string[]): FieldError[] =>
  complaints.map((complaint) => invalid(field, value, complaint));

export function validateLabels(labels: Record<string, string> | undefined, field: string): FieldError[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...allInvalid(field, key, checkQualifiedName(key)),
    ...allInvalid(field, value, checkLabelValue(String(value))),
  ]);
}

export function validateAnnotations(annotations: Record<string, string> | undefined, field: string): FieldError[] {
  const entries = Object.entries(annotations ?? {});
  const errors = entries.flatMap(([key]) => allInvalid(field, key, checkQualifiedName(key.toLowerCase())));
  const bytes = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(String(value)), 0);
  return bytes > annotationBytes ? [...errors, tooLong(field, annotationBytes)] : errors;
}

/** `v1` and `group/v1` have a version, `group/` has none. */
const versionIn = (apiVersion: string): string => apiVersion.slice(apiVersion.indexOf('/') + 1);

function validateOwner(owner: OwnerReference, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!versionIn(owner.apiVersion ?? '')) errors.push(invalid(`${field}.apiVersion`, owner.apiVersion ?? '', 'version must not be empty'));
  for (const key of ['kind', 'name', 'uid'] as const) {
    if (!owner[key]) errors.push(invalid(`${field}.${key}`, '', 'must not be empty'));
  }
  if (owner.apiVersion === 'v1' && owner.kind === 'Event') {
    errors.push(invalid(field, owner, '/v1, Kind=Event is disallowed from being an owner'));
  }
  return errors;
}

export function validateOwnerReferences(owners: readonly OwnerReference[] | undefined, field: string): FieldError[] {
  const errors = (owners ?? []).flatMap((owner) => validateOwner(owner, field));
  const [first, second] = (owners ?? []).filter((owner) => owner.controller);
  if (!first || !second) return errors;
  const why = `Only one reference can have Controller set to true. Found "true" in references for ${first.name} and ${second.name}`;
  return [...errors, invalid(field, owners, why)];
}

export function validateFinalizers(finalizers: readonly string[] | undefined, field: string, plain = false): FieldError[] {
  const errors = (finalizers ?? []).flatMap((name) => [
    ...allInvalid(field, name, checkQualifiedName(name)),
    ...(!plain && !name.includes('/') && !plainFinalizers.has(name)
      ? [invalid(field, name, 'name is neither a standard finalizer name nor is it fully qualified')]
      : []),
  ]);
  const both = finalizers?.includes('orphan') && finalizers.includes('foregroundDeletion');
  return both ? [...errors, invalid(field, finalizers, 'orphan and foregroundDeletion cannot be both set')] : errors;
}

function validateName(meta: ObjectMeta, rule: NameRule, field: string): FieldError[] {
  const generate = meta.generateName;
  const errors = generate ? allInvalid(`${field}.generateName`, generate, rule(maskTrailingDash(generate))) : [];
  if (!meta.name) return [...errors, required(`${field}.name`, 'name or generateName is required')];
  return [...errors, ...allInvalid(`${field}.name`, meta.name, rule(meta.name))];
}

function validateNamespace(meta: ObjectMeta, namespaced: boolean, field: string): FieldError[] {
  if (!namespaced) return meta.namespace ? [forbidden(`${field}.namespace`, 'not allowed on this type')] : [];
  if (!meta.namespace) return [required(`${field}.namespace`)];
  return allInvalid(`${field}.namespace`, meta.namespace, checkDns1123Label(meta.namespace));
}

const unchangeable = ['name', 'namespace', 'uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const;

/** A key that is absent in the new object is not a change: the store fills it in. */
function validateMetaUpdate(meta: ObjectMeta, old: ObjectMeta, field: string): FieldError[] {
  const errors: FieldError[] = unchangeable
    .filter((key) => meta[key] !== undefined && old[key] !== undefined && meta[key] !== old[key])
    .map((key) => invalid(`${field}.${key}`, meta[key], 'field is immutable'));
  if (meta.generation !== undefined && meta.generation < (old.generation ?? 0)) {
    errors.push(invalid(`${field}.generation`, meta.generation, 'must not be decremented'));
  }
  const added = (meta.finalizers ?? []).filter((name) => !old.finalizers?.includes(name));
  if (old.deletionTimestamp && added.length > 0) {
    const names = `[]string{${added.map((name) => JSON.stringify(name)).join(', ')}}`;
    errors.push(forbidden(`${field}.finalizers`, `no new finalizers can be added if the object is being deleted, found new finalizers ${names}`));
  }
  return errors;
}

/** All complaints about an object's metadata, in upstream's order; with `old` also about what may not change. */
export function validateObjectMeta(object: KubeObject, rules: MetaRules, old?: KubeObject): FieldError[] {
  const field = rules.field ?? 'metadata';
  const meta = object.metadata;
  const errors = old ? validateMetaUpdate(meta, old.metadata, field) : [];
  errors.push(...validateName(meta, rules.name ?? checkDns1123Subdomain, field), ...validateNamespace(meta, rules.namespaced, field));
  if (meta.generation !== undefined && meta.generation < 0) {
    errors.push(invalid(`${field}.generation`, meta.generation, 'must be greater than or equal to 0'));
  }
  return [
    ...errors,
    ...validateLabels(meta.labels, `${field}.labels`),
    ...validateAnnotations(meta.annotations, `${field}.annotations`),
    ...validateOwnerReferences(meta.ownerReferences, `${field}.ownerReferences`),
    ...validateFinalizers(meta.finalizers, `${field}.finalizers`, rules.plainFinalizers),
  ];
}
