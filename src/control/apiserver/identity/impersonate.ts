// Acting as somebody else (`kubectl --as`): allowed to those who may impersonate.
// https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
import type { IncomingHttpHeaders } from 'node:http';
import { ApiError } from '../../../kube/meaning/api-error.ts';
import type { User } from './user.ts';
import { type Authorize, forbiddenTo } from './authorize.ts';

const listOf = (header: string | string[] | undefined): string[] =>
  [header ?? []].flat().flatMap((value) => value.split(',')).map((value) => value.trim()).filter(Boolean);

/** The user the request is to be judged as. Throws ApiError 403. */
export function impersonated(user: User, headers: IncomingHttpHeaders, authorize: Authorize): User {
  const [name] = listOf(headers['impersonate-user']);
  const groups = listOf(headers['impersonate-group']);
  if (!name) {
    if (groups.length > 0) throw new ApiError(500, 'InternalError', 'requested groups without impersonating a user');
    return user;
  }
  const wishes = [{ resource: 'users', name }, ...groups.map((group) => ({ resource: 'groups', name: group }))];
  for (const wish of wishes) {
    const attributes = { verb: 'impersonate', group: '', ...wish };
    if (!authorize(user, attributes).allowed) throw forbiddenTo(user, attributes);
  }
  return { name, groups: [...new Set([...(groups.length > 0 ? groups : groupsOfAccount(name)), 'system:authenticated'])] };
}

/** A service account's groups follow from its name. */
function groupsOfAccount(name: string): string[] {
  const namespace = /^system:serviceaccount:([^:]+):[^:]+$/.exec(name)?.[1];
  return namespace ? ['system:serviceaccounts', `system:serviceaccounts:${namespace}`] : [];
}
