// Which admission policies a write falls under, with which parameters, and what their expressions see of it: the same for
// policies that judge and policies that change.
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

/** One write before one policy. */
export interface Court {
  api: Api;
  request: ApiRequest;
  write: PolicedWrite;
  seen: Snapshot;
}

/** Policies do not judge policies: a wrong one must be removable. */
export const isPoliced = ({ resource }: PolicedWrite): boolean => resource.group !== 'admissionregistration.k8s.io';

/** What both sorts of policies and bindings say about their reach. */
type Policy = { readonly spec: Pick<ValidatingAdmissionPolicy['spec'], 'matchConstraints' | 'paramKind'> };
type Binding = { readonly spec: Pick<ValidatingAdmissionPolicyBinding['spec'], 'matchResources' | 'paramRef'> };

// ---- what a write falls under

export function applies(write: PolicedWrite, seen: Snapshot, policy: Policy, binding: Binding): boolean {
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

export const metadataOf = ({ object, old }: PolicedWrite): KubeObject['metadata'] => (object ?? old)?.metadata ?? { name: '' };

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

export function paramsOf({ api, seen, write }: Court, { spec: { paramKind } }: Policy, { spec: { paramRef } }: Binding): (KubeObject | undefined | Error)[] {
  if (!paramKind || !paramRef) return [undefined];
  const resource = api.registry.findKind(paramKind.apiVersion, paramKind.kind);
  if (!resource) return [new Error(`failed to find resource referenced by paramKind: '${paramKind.apiVersion}, Kind=${paramKind.kind}'`)];
  const namespace = resource.kind.namespaced ? (paramRef.namespace ?? metadataOf(write).namespace) : undefined;
  const all = seen.list(resource.stored).filter(({ metadata }) => metadata.namespace === namespace);
  const found = all.filter(({ metadata }) => (paramRef.name ? metadata.name === paramRef.name : matchesSelector(paramRef.selector ?? {}, metadata.labels)));
  if (found.length > 0) return found.map(resource.fromStored);
  return paramRef.parameterNotFoundAction === 'Allow' ? [] : [new Error('no params found for policy binding with `Deny` parameterNotFoundAction')];
}

export function inputOf(court: Court, params: KubeObject | undefined) {
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
