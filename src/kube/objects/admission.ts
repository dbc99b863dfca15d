// admissionregistration.k8s.io: who may have a say when objects are written.
import type { KubeObject, LabelSelector } from './meta.ts';

export interface RuleWithOperations {
  operations?: string[];
  apiGroups?: string[];
  apiVersions?: string[];
  resources?: string[];
  scope?: string;
  resourceNames?: string[];
}

export interface MatchResources {
  namespaceSelector?: LabelSelector;
  objectSelector?: LabelSelector;
  resourceRules?: RuleWithOperations[];
  excludeResourceRules?: RuleWithOperations[];
  matchPolicy?: string;
}

export interface PolicyValidation {
  expression: string;
  message?: string;
  reason?: string;
  messageExpression?: string;
}

export interface NamedExpression {
  name: string;
  expression: string;
}

export interface ValidatingAdmissionPolicy extends KubeObject {
  spec: {
    paramKind?: { apiVersion: string; kind: string };
    matchConstraints?: MatchResources;
    validations?: PolicyValidation[];
    failurePolicy?: 'Fail' | 'Ignore';
    auditAnnotations?: { key: string; valueExpression: string }[];
    matchConditions?: NamedExpression[];
    variables?: NamedExpression[];
  };
}

export interface ValidatingAdmissionPolicyBinding extends KubeObject {
  spec: {
    policyName: string;
    paramRef?: { name?: string; namespace?: string; selector?: LabelSelector; parameterNotFoundAction?: 'Allow' | 'Deny' };
    matchResources?: MatchResources;
    validationActions?: ('Deny' | 'Warn' | 'Audit')[];
  };
}

export interface Mutation {
  patchType: 'ApplyConfiguration' | 'JSONPatch';
  applyConfiguration?: { expression?: string };
  jsonPatch?: { expression?: string };
}

export interface MutatingAdmissionPolicy extends KubeObject {
  spec: Omit<ValidatingAdmissionPolicy['spec'], 'validations' | 'auditAnnotations'> & { mutations?: Mutation[]; reinvocationPolicy?: string };
}

export interface MutatingAdmissionPolicyBinding extends KubeObject {
  spec: Omit<ValidatingAdmissionPolicyBinding['spec'], 'validationActions'>;
}

/** Kept for those who ask; nobody is called. */
export interface WebhookConfiguration extends KubeObject {
  webhooks?: { name: string }[];
}
