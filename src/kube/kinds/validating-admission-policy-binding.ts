// ValidatingAdmissionPolicyBinding: where a policy is in force, with which parameters, and what follows when it is broken.
import { type FieldError, invalid, notSupported, required } from '../meaning/field-error.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import type { MutatingAdmissionPolicyBinding, ValidatingAdmissionPolicyBinding } from '../objects/admission.ts';
import { ageColumn, nameColumn } from './columns.ts';
import type { Column, Kind } from './kind.ts';
import { completeMatch, validateMatch } from './validating-admission-policy.ts';

const actions = ['Audit', 'Deny', 'Warn'];

function validateBinding(binding: ValidatingAdmissionPolicyBinding, old?: ValidatingAdmissionPolicyBinding): FieldError[] {
  const { validationActions = [] } = binding.spec ?? {};
  const conflict = validationActions.includes('Deny') && validationActions.includes('Warn');
  return [
    ...validateReach(binding, old),
    ...(validationActions.length > 0 ? [] : [required('spec.validationActions', 'at least one validation action is required')]),
    ...validationActions.flatMap((action, i) => (actions.includes(action) ? [] : [notSupported(`spec.validationActions[${i}]`, action, actions)])),
    ...(conflict ? [invalid('spec.validationActions', validationActions, 'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)')] : []),
  ];
}

type AnyBinding = ValidatingAdmissionPolicyBinding | MutatingAdmissionPolicyBinding;

/** What both sorts of bindings say: which policy, with which parameters, for which objects. */
export function validateReach(binding: AnyBinding, old?: AnyBinding): FieldError[] {
  const { policyName, paramRef, matchResources } = binding.spec ?? {};
  return [
    ...validateObjectMeta(binding, { namespaced: false }, old),
    ...(policyName ? [] : [required('spec.policyName')]),
    ...(paramRef ? validateParams(paramRef) : []),
    ...(matchResources ? validateMatch(matchResources, 'spec.matchResources') : []),
  ];
}

function validateParams({ name, selector, parameterNotFoundAction }: NonNullable<ValidatingAdmissionPolicyBinding['spec']['paramRef']>): FieldError[] {
  const both = Boolean(name) === Boolean(selector);
  return [
    ...(both ? [required('spec.paramRef', 'one of name or selector must be specified')] : []),
    ...(parameterNotFoundAction ? [] : [required('spec.paramRef.parameterNotFoundAction')]),
  ];
}

function printParamRef(paramRef: ValidatingAdmissionPolicyBinding['spec']['paramRef']): string {
  if (!paramRef) return '<unset>';
  const name = paramRef.name ?? '*';
  return paramRef.namespace ? `${paramRef.namespace}/${name}` : name;
}

export const bindingColumns: readonly Column<AnyBinding>[] = [
  nameColumn,
  { name: 'PolicyName', type: 'string', cell: ({ spec }) => spec.policyName },
  { name: 'ParamRef', type: 'string', cell: ({ spec: { paramRef } }) => printParamRef(paramRef) },
  ageColumn,
];

export const withMatchDefaults = <T extends AnyBinding>(binding: T): T =>
  binding.spec?.matchResources ? { ...binding, spec: { ...binding.spec, matchResources: completeMatch(binding.spec.matchResources) } } : binding;

export const validatingAdmissionPolicyBindingKind: Kind<ValidatingAdmissionPolicyBinding> = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicyBinding',
  plural: 'validatingadmissionpolicybindings',
  shortNames: [],
  categories: ['api-extensions'],
  namespaced: false,
  countsGenerations: true,
  columns: bindingColumns,
  setDefaults: withMatchDefaults,
  validate: validateBinding,
};
