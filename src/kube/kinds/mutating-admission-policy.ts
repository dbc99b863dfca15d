// MutatingAdmissionPolicy: changes in CEL to objects that are being written. A binding puts it into force.
// In Kubernetes 1.32 it is served as v1alpha1, from 1.34 as v1beta1; here as both.
import { compileMutation } from '../custom/mutation-programs.ts';
import { type FieldError, notSupported, required } from '../meaning/field-error.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import type { MutatingAdmissionPolicy, Mutation } from '../objects/admission.ts';
import { ageColumn, nameColumn } from './columns.ts';
import type { Kind } from './kind.ts';
import { compilationErrors, completeMatch, validateReach } from './validating-admission-policy.ts';

const patchTypes = { ApplyConfiguration: 'applyConfiguration', JSONPatch: 'jsonPatch' } as const;
const reinvocations = ['IfNeeded', 'Never'];

function validateMutation(mutation: Mutation, field: string): FieldError[] {
  const { patchType } = mutation;
  if (!patchType) return [required(`${field}.patchType`)];
  if (!Object.hasOwn(patchTypes, patchType)) return [notSupported(`${field}.patchType`, patchType, Object.keys(patchTypes))];
  const key = patchTypes[patchType];
  const said = mutation[key];
  if (!said) return [required(`${field}.${key}`, `must be specified when patchType is ${patchType}`)];
  return compilationErrors(said.expression, `${field}.${key}.expression`, compileMutation);
}

function validatePolicy(policy: MutatingAdmissionPolicy, old?: MutatingAdmissionPolicy): FieldError[] {
  const { mutations = [], reinvocationPolicy } = policy.spec ?? {};
  return [
    ...validateObjectMeta(policy, { namespaced: false }, old),
    ...validateReach(policy.spec ?? {}),
    ...(mutations.length > 0 ? [] : [required('spec.mutations', 'mutations must contain at least one item')]),
    ...mutations.flatMap((mutation, i) => validateMutation(mutation, `spec.mutations[${i}]`)),
    ...(reinvocationPolicy ? [] : [required('spec.reinvocationPolicy')]),
    ...(reinvocationPolicy && !reinvocations.includes(reinvocationPolicy) ? [notSupported('spec.reinvocationPolicy', reinvocationPolicy, reinvocations)] : []),
  ];
}

export const mutatingAdmissionPolicyKind: Kind<MutatingAdmissionPolicy> = {
  apiVersion: 'admissionregistration.k8s.io/v1beta1',
  kind: 'MutatingAdmissionPolicy',
  plural: 'mutatingadmissionpolicies',
  shortNames: [],
  categories: ['api-extensions'],
  namespaced: false,
  countsGenerations: true,
  alsoServedAs: [{ apiVersion: 'admissionregistration.k8s.io/v1alpha1' }],
  columns: [
    nameColumn,
    { name: 'Mutations', type: 'integer', cell: ({ spec }) => spec.mutations?.length ?? 0 },
    { name: 'ParamKind', type: 'string', cell: ({ spec: { paramKind } }) => (paramKind ? `${paramKind.apiVersion}/${paramKind.kind}` : '<unset>') },
    ageColumn,
  ],
  setDefaults: (policy) => ({
    ...policy,
    spec: { ...policy.spec, failurePolicy: policy.spec?.failurePolicy ?? 'Fail', ...(policy.spec?.matchConstraints && { matchConstraints: completeMatch(policy.spec.matchConstraints) }) },
  }),
  validate: validatePolicy,
};
