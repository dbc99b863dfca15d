// MutatingAdmissionPolicyBinding: where a policy that changes objects is in force, and with which parameters.
import type { MutatingAdmissionPolicyBinding } from '../objects/admission.ts';
import type { Kind } from './kind.ts';
import { bindingColumns, validateReach, withMatchDefaults } from './validating-admission-policy-binding.ts';

export const mutatingAdmissionPolicyBindingKind: Kind<MutatingAdmissionPolicyBinding> = {
  apiVersion: 'admissionregistration.k8s.io/v1beta1',
  kind: 'MutatingAdmissionPolicyBinding',
  plural: 'mutatingadmissionpolicybindings',
  shortNames: [],
  categories: ['api-extensions'],
  namespaced: false,
  countsGenerations: true,
  alsoServedAs: [{ apiVersion: 'admissionregistration.k8s.io/v1alpha1' }],
  columns: bindingColumns,
  setDefaults: withMatchDefaults,
  validate: validateReach,
};
