// What a user may do: one function. As yet every authenticated user may do everything, and nobody else anything but
// ask for health and version; role bindings will be evaluated here.
import { ApiError, groupOf } from '../../../kube/meaning/api-error.ts';
import type { ResourcePath } from '../router.ts';
import type { User } from './authenticate.ts';

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

const publicPaths = new Set(['/healthz', '/livez', '/readyz', '/version']);

const isPublic = (path: string) => publicPaths.has(path) || /^\/(livez|readyz|healthz)\//.test(path);

export const authorizeAuthenticated: Authorize = (user, attributes) => {
  if (user.groups.includes('system:masters') || user.groups.includes('system:authenticated')) return { allowed: true };
  return { allowed: 'path' in attributes && isPublic(attributes.path) };
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
