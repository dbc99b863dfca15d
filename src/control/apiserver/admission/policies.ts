// ValidatingAdmissionPolicies at work: which of them a write falls under, with which parameters, and what follows.
// https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
import { evaluatePolicy } from '../../../kube/custom/policy-programs.ts';
import type { PolicyAnswer } from '../../../kube/custom/policy-answer.ts';
import { ApiError, forbiddenError } from '../../../kube/meaning/api-error.ts';
import { matchesSelector } from '../../../kube/meaning/label-selector.ts';
import type { MatchResources, RuleWithOperations, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from '../../../kube/objects/admission.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import type { Kind } from '../../../kube/kinds/kind.ts';
import type { Snapshot } from '../../../kube/store/store.ts';
import type { Api } from '../api.ts';
import type { Resource } from '../registry.ts';
import type { ApiRequest } from '../request.ts';

export interface PolicedWrite {
  operation: 'CREATE' | 'UPDATE' | 'DELETE';
  resource: Resource;
  subresource?: string;
  /** As it will be, if it will be. */
  object?: KubeObject;
  old?: KubeObject;
  dryRun: boolean;
}

const group = 'admissionregistration.k8s.io/v1';

/** Throws ApiError when a policy denies the write; adds warnings where one only warns. */
export function obeyPolicies(api: Api, request: ApiRequest, write: PolicedWrite): void {
  const bindings = api.registry.find(group, 'validatingadmissionpolicybindings');
  const policies = api.registry.find(group, 'validatingadmissionpolicies');
  // Policies do not judge policies: a wrong one must be removable.
  if (!bindings || !policies || api.disabledAdmission.has('ValidatingAdmissionPolicy') || write.resource.group === 'admissionregistration.k8s.io') return;
  const seen = api.store.snapshot();
  for (const binding of seen.list(bindings.stored as Kind<ValidatingAdmissionPolicyBinding>)) {
    const policy = seen.get(policies.stored as Kind<ValidatingAdmissionPolicy>, binding.spec.policyName);
    if (policy && applies(write, seen, policy, binding)) judge({ api, request, write, seen }, policy, binding);
  }
}

interface Court {
  api: Api;
  request: ApiRequest;
  write: PolicedWrite;
  seen: Snapshot;
}

function judge(court: Court, policy: ValidatingAdmissionPolicy, binding: ValidatingAdmissionPolicyBinding): void {
  const { write, request } = court;
  const names = `ValidatingAdmissionPolicy '${policy.metadata.name}' with binding '${binding.metadata.name}'`;
  const actions = binding.spec.validationActions ?? ['Deny'];
  for (const params of paramsOf(court, policy, binding)) {
    // Without its parameters a policy cannot even be asked.
    const isLost = params instanceof Error;
    const answers = isLost ? [{ error: true, message: params.message }] : evaluatePolicy(policy, inputOf(court, params));
    for (const answer of answers) {
      if (answer.error && policy.spec.failurePolicy === 'Ignore') continue;
      if (isLost || actions.includes('Deny')) throw denied(write, `${names} denied request: ${answer.message}`, answer);
      if (actions.includes('Warn')) request.warnings.push(`Validation failed for ${names}: ${answer.message}`);
    }
  }
}

const codes: Readonly<Record<string, number>> = { Forbidden: 403, Invalid: 422, Unauthorized: 401, RequestEntityTooLarge: 413 };

function denied(write: PolicedWrite, message: string, { reason = 'Invalid' }: PolicyAnswer): ApiError {
  const refused = forbiddenError(write.resource.kind, metadataOf(write).name, message, [{ reason, message }]);
  return new ApiError(codes[reason] ?? 422, reason, refused.message, refused.details);
}

// ---- what a write falls under

function applies(write: PolicedWrite, seen: Snapshot, policy: ValidatingAdmissionPolicy, binding: ValidatingAdmissionPolicyBinding): boolean {
  const { matchConstraints } = policy.spec;
  const { matchResources } = binding.spec;
  return Boolean(matchConstraints) && matches(write, seen, matchConstraints!) && (!matchResources || matches(write, seen, matchResources));
}

function matches(write: PolicedWrite, seen: Snapshot, match: MatchResources): boolean {
  const { resourceRules, excludeResourceRules = [] } = match;
  if (resourceRules?.length && !resourceRules.some((rule) => matchesRule(write, rule))) return false;
  if (excludeResourceRules.some((rule) => matchesRule(write, rule))) return false;
  return matchesNamespace(write, seen, match) && [write.object, write.old].some((object) => object && matchesSelector(match.objectSelector ?? {}, object.metadata.labels));
}

const has = (list: readonly string[] | undefined, word: string): boolean => list?.some((one) => one === '*' || one === word) ?? false;

function matchesRule(write: PolicedWrite, rule: RuleWithOperations): boolean {
  const { operation, subresource, resource: { kind, group: ofGroup, version } } = write;
  const about = has(rule.operations, operation) && has(rule.apiGroups, ofGroup) && has(rule.apiVersions, version);
  return about && isInScope(write, rule) && Boolean(rule.resources?.some((one) => matchesResource(one, kind.plural, subresource)));
}

function isInScope(write: PolicedWrite, { scope = '*', resourceNames = [] }: RuleWithOperations): boolean {
  const named = resourceNames.length === 0 || resourceNames.includes(metadataOf(write).name);
  return named && (scope === '*' || scope === (write.resource.kind.namespaced ? 'Namespaced' : 'Cluster'));
}

const metadataOf = ({ object, old }: PolicedWrite): KubeObject['metadata'] => (object ?? old)?.metadata ?? { name: '' };

/** `pods`, `pods/status`, `*` (no subresource), `pods/*`, `*\/scale`, `*\/*`. */
function matchesResource(pattern: string, plural: string, subresource: string | undefined): boolean {
  const [resource = '', sub] = pattern.split('/');
  const fits = resource === '*' || resource === plural;
  return fits && (sub === undefined ? subresource === undefined : sub === '*' || sub === subresource);
}

const namespaceKind = { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces', shortNames: [], namespaced: false, columns: [] } as const satisfies Kind;

const namespaceOf = (write: PolicedWrite, seen: Snapshot): KubeObject | undefined => {
  const { namespace } = metadataOf(write);
  return write.resource.kind.namespaced && namespace ? seen.get<KubeObject>(namespaceKind, namespace) : undefined;
};

/** Cluster-scoped objects are in no namespace, so no selector leaves them out; a namespace is in itself. */
function matchesNamespace(write: PolicedWrite, seen: Snapshot, { namespaceSelector = {} }: MatchResources): boolean {
  const isNamespace = write.resource.kind.kind === 'Namespace' && write.resource.group === '';
  const namespace = isNamespace ? (write.object ?? write.old) : namespaceOf(write, seen);
  return !namespace || matchesSelector(namespaceSelector, namespace.metadata.labels);
}

// ---- what its expressions see

function paramsOf({ api, seen, write }: Court, { spec: { paramKind } }: ValidatingAdmissionPolicy, { spec: { paramRef } }: ValidatingAdmissionPolicyBinding): (KubeObject | undefined | Error)[] {
  if (!paramKind || !paramRef) return [undefined];
  const resource = api.registry.findKind(paramKind.apiVersion, paramKind.kind);
  if (!resource) return [new Error(`failed to find resource referenced by paramKind: '${paramKind.apiVersion}, Kind=${paramKind.kind}'`)];
  const namespace = resource.kind.namespaced ? (paramRef.namespace ?? metadataOf(write).namespace) : undefined;
  const all = seen.list(resource.stored).filter(({ metadata }) => metadata.namespace === namespace);
  const found = all.filter(({ metadata }) => (paramRef.name ? metadata.name === paramRef.name : matchesSelector(paramRef.selector ?? {}, metadata.labels)));
  if (found.length > 0) return found.map(resource.fromStored);
  return paramRef.parameterNotFoundAction === 'Allow' ? [] : [new Error('no params found for policy binding with `Deny` parameterNotFoundAction')];
}

function inputOf(court: Court, params: KubeObject | undefined) {
  const { object, old } = court.write;
  return {
    ...(object && { object }),
    ...(old && { oldObject: old }),
    ...(params && { params }),
    namespaceObject: namespaceOf(court.write, court.seen) ?? null,
    request: requestOf(court),
  };
}

/** The request as an AdmissionReview would tell of it. */
function requestOf({ request: { user }, write }: Court) {
  const { resource, operation, subresource = '', dryRun } = write;
  const { group: ofGroup, version } = resource;
  const { name, namespace = '' } = metadataOf(write);
  const kind = { group: ofGroup, version, kind: resource.kind.kind };
  const about = { group: ofGroup, version, resource: resource.kind.plural };
  const userInfo = { username: user.name, uid: user.uid ?? '', groups: user.groups, extra: user.extra ?? {} };
  return { kind, resource: about, subResource: subresource, requestKind: kind, requestResource: about, name, namespace, operation, userInfo, dryRun };
}
