// ValidatingAdmissionPolicy: rules in CEL about writes of any kind. A binding puts it into force.
import { compileExpression } from '../custom/cel.ts';
import { CompileError } from '../custom/cel/syntax.ts';
import { policyVariables } from '../custom/policy-setting.ts';
import { type FieldError, invalid, notSupported, required } from '../meaning/field-error.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import type { MatchResources, PolicyValidation, RuleWithOperations, ValidatingAdmissionPolicy } from '../objects/admission.ts';
import { ageColumn, nameColumn } from './columns.ts';
import type { Kind } from './kind.ts';

const withScope = (rule: RuleWithOperations): RuleWithOperations => ({ ...rule, scope: rule.scope ?? '*' });

/** What a match leaves open, in a policy as in a binding. */
export function completeMatch(match: MatchResources): MatchResources {
  const { resourceRules, excludeResourceRules } = match;
  return {
    ...match,
    namespaceSelector: match.namespaceSelector ?? {},
    objectSelector: match.objectSelector ?? {},
    matchPolicy: match.matchPolicy ?? 'Equivalent',
    ...(resourceRules && { resourceRules: resourceRules.map(withScope) }),
    ...(excludeResourceRules && { excludeResourceRules: excludeResourceRules.map(withScope) }),
  };
}

const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];

export function validateMatch(match: MatchResources, field: string): FieldError[] {
  const check = (rules: readonly RuleWithOperations[] | undefined, name: string) =>
    (rules ?? []).flatMap((rule, i) => validateRule(rule, `${field}.${name}[${i}]`));
  return [...check(match.resourceRules, 'resourceRules'), ...check(match.excludeResourceRules, 'excludeResourceRules')];
}

function validateRule(rule: RuleWithOperations, field: string): FieldError[] {
  const lists = ['operations', 'apiGroups', 'apiVersions', 'resources'] as const;
  const missing = lists.filter((key) => !rule[key]?.length).map((key) => required(`${field}.${key}`));
  const unknown = (rule.operations ?? []).flatMap((one, i) => (operations.includes(one) ? [] : [notSupported(`${field}.operations[${i}]`, one, operations)]));
  return [...missing, ...unknown];
}

/** What is wrong with an expression of a policy. */
export function compilationErrors(expression: string | undefined, field: string, compile = (source: string): unknown => compileExpression(source, policyVariables)): FieldError[] {
  if (!expression?.trim()) return [required(field, 'expression is not specified')];
  try {
    compile(expression);
    return [];
  } catch (error) {
    if (error instanceof CompileError) return [invalid(field, expression, `compilation failed: ${error.message}`)];
    throw error;
  }
}

const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized'];

const validatePolicy = (policy: ValidatingAdmissionPolicy, old?: ValidatingAdmissionPolicy): FieldError[] => [
  ...validateObjectMeta(policy, { namespaced: false }, old),
  ...validateReach(policy.spec ?? {}),
  ...validateExpressions(policy.spec ?? {}),
];

type Reach = Pick<ValidatingAdmissionPolicy['spec'], 'matchConstraints' | 'failurePolicy' | 'matchConditions' | 'variables'>;

/** What policies that judge and policies that change have in common. */
export function validateReach({ matchConstraints, failurePolicy = 'Fail', matchConditions = [], variables = [] }: Reach): FieldError[] {
  const match = matchConstraints?.resourceRules?.length ? validateMatch(matchConstraints, 'spec.matchConstraints') : [required(matchConstraints ? 'spec.matchConstraints.resourceRules' : 'spec.matchConstraints')];
  return [
    ...(['Fail', 'Ignore'].includes(failurePolicy) ? [] : [notSupported('spec.failurePolicy', failurePolicy, ['Fail', 'Ignore'])]),
    ...match,
    ...matchConditions.flatMap(({ expression }, i) => compilationErrors(expression, `spec.matchConditions[${i}].expression`)),
    ...variables.flatMap(({ expression }, i) => compilationErrors(expression, `spec.variables[${i}].expression`)),
  ];
}

function validateExpressions({ validations = [], auditAnnotations = [] }: ValidatingAdmissionPolicy['spec']): FieldError[] {
  const isEmpty = validations.length + auditAnnotations.length === 0;
  return [
    ...(isEmpty ? [required('spec.validations', 'validations or auditAnnotations must contain at least one item')] : []),
    ...validations.flatMap((validation, i) => validateValidation(validation, `spec.validations[${i}]`)),
  ];
}

const validateValidation = ({ expression, messageExpression, reason }: PolicyValidation, field: string): FieldError[] => [
  ...compilationErrors(expression, `${field}.expression`),
  ...(messageExpression ? compilationErrors(messageExpression, `${field}.messageExpression`) : []),
  ...(reason && !reasons.includes(reason) ? [notSupported(`${field}.reason`, reason, reasons)] : []),
];

export const validatingAdmissionPolicyKind: Kind<ValidatingAdmissionPolicy> = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicy',
  plural: 'validatingadmissionpolicies',
  shortNames: [],
  categories: ['api-extensions'],
  namespaced: false,
  subresources: ['status'],
  countsGenerations: true,
  columns: [
    nameColumn,
    { name: 'Validations', type: 'integer', cell: ({ spec }) => spec.validations?.length ?? 0 },
    { name: 'ParamKind', type: 'string', cell: ({ spec: { paramKind } }) => (paramKind ? `${paramKind.apiVersion}/${paramKind.kind}` : '<unset>') },
    ageColumn,
  ],
  setDefaults: (policy) => ({
    ...policy,
    spec: { ...policy.spec, failurePolicy: policy.spec?.failurePolicy ?? 'Fail', ...(policy.spec?.matchConstraints && { matchConstraints: completeMatch(policy.spec.matchConstraints) }) },
  }),
  validate: validatePolicy,
};
