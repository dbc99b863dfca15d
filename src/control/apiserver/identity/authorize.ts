// What a user may do: the question, the decision, and the refusal in words. rbac/ decides.
import { ApiError, groupOf } from '../../../kube/meaning/api-error.ts';
import type { PolicyRule } from '../../../kube/objects/rbac.ts';
import type { ResourcePath } from '../router.ts';
import type { User } from './user.ts';

export interface ResourceAttributes {
  verb: string;
  group: string;
  version?: string;
  resource: string;
  subresource?: string;
  namespace?: string;
  name?: string;
}

export interface PathAttributes {
  verb: string;
  path: string;
}

export interface Decision {
  allowed: boolean;
  reason?: string;
}

export type Authorize = (user: User, attributes: ResourceAttributes | PathAttributes) => Decision;

export interface Authorizer {
  readonly authorize: Authorize;
  /** Every rule that holds for the user in a namespace: what `kubectl auth can-i --list` prints. */
  rulesOf(user: User, namespace: string): readonly PolicyRule[];
}

/** For tests and for servers started with --authorization-mode=AlwaysAllow. */
export const allowEverything: Authorizer = {
  authorize: () => ({ allowed: true }),
  rulesOf: () => [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }, { verbs: ['*'], nonResourceURLs: ['*'] }],
};

/** What the authorizer is asked about a path that names a resource. */
export function resourceAttributes(path: ResourcePath, verb: string): ResourceAttributes {
  const { apiVersion, plural, namespace, name, subresource } = path;
  const version = apiVersion.slice(apiVersion.indexOf('/') + 1);
  return { verb, group: groupOf(apiVersion), version, resource: plural, subresource, namespace, name };
}

const quoted = (text: string) => `"${text}"`;

/** The refusal in upstream's words. */
export function forbiddenTo(user: User, attributes: ResourceAttributes | PathAttributes): ApiError {
  const who = `User ${quoted(user.name)} cannot ${attributes.verb}`;
  if ('path' in attributes) return new ApiError(403, 'Forbidden', `forbidden: ${who} path ${quoted(attributes.path)}`, {});
  const { group, resource, subresource, namespace, name } = attributes;
  const what = subresource ? `${resource}/${subresource}` : resource;
  const qualified = group ? `${resource}.${group}` : resource;
  const where = namespace ? `in the namespace ${quoted(namespace)}` : 'at the cluster scope';
  const subject = name ? `${qualified} ${quoted(name)}` : qualified;
  const message = `${subject} is forbidden: ${who} resource ${quoted(what)} in API group ${quoted(group)} ${where}`;
  return new ApiError(403, 'Forbidden', message, { ...(name && { name }), ...(group && { group }), kind: resource });
}
