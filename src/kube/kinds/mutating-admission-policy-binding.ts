// MutatingAdmissionPolicyBinding: where a policy that changes objects is in force, and with which parameters.
import { type FieldError, required } from '../meaning/field-error.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import type { MutatingAdmissionPolicyBinding } from '../objects/admission.ts';
import { ageColumn, nameColumn } from './columns.ts';
import type { Kind } from './kind.ts';
import { printParamRef, validateParams } from './validating-admission-policy-binding.ts';
import { completeMatch, validateMatch } from './validating-admission-policy.ts';

function validateBinding(binding: MutatingAdmissionPolicyBinding, old?: MutatingAdmissionPolicyBinding): FieldError[] {
  const { policyName, paramRef, matchResources } = binding.spec ?? {};
  return [
    ...validateObjectMeta(binding, { namespaced: false }, old),
    ...(policyName ? [] : [required('spec.policyName')]),
    ...(paramRef ? validateParams(paramRef) : []),
    ...(matchResources ? validateMatch(matchResources, 'spec.matchResources') : []),
  ];
}

export const mutatingAdmissionPolicyBindingKind: Kind<MutatingAdmissionPolicyBinding> = {
  apiVersion: 'admissionregistration.k8s.io/v1beta1',
  kind: 'MutatingAdmissionPolicyBinding',
  plural: 'mutatingadmissionpolicybindings',
  shortNames: [],
  categories: ['api-extensions'],
  namespaced: false,
  countsGenerations: true,
  alsoServedAs: [{ apiVersion: 'admissionregistration.k8s.io/v1alpha1' }],
  columns: [
    nameColumn,
    { name: 'PolicyName', type: 'string', cell: ({ spec }) => spec.policyName },
    { name: 'ParamRef', type: 'string', cell: ({ spec: { paramRef } }) => printParamRef(paramRef) },
    ageColumn,
  ],
  setDefaults: (binding) => (binding.spec?.matchResources ? { ...binding, spec: { ...binding.spec, matchResources: completeMatch(binding.spec.matchResources) } } : binding),
  validate: validateBinding,
};
