// Role and ClusterRole: what may be done. One shape, two scopes.
import { type FieldError, required } from '../meaning/field-error.ts';
import { checkPathSegment } from '../meaning/rules/names.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import type { ClusterRole, PolicyRule, Role } from '../objects/rbac.ts';
import { createdAtColumn, nameColumn } from './columns.ts';
import type { Kind } from './kind.ts';

/** A rule is about resources or about paths; only a ClusterRole may speak of paths. */
function validateRule(rule: PolicyRule, field: string): FieldError[] {
  const { verbs = [], apiGroups = [], resources = [], nonResourceURLs = [] } = rule;
  const errors = verbs.length === 0 ? [required(`${field}.verbs`, 'verbs must contain at least one value')] : [];
  if (nonResourceURLs.length > 0) return errors;
  if (apiGroups.length === 0) errors.push(required(`${field}.apiGroups`, 'resource rules must supply at least one api group'));
  if (resources.length === 0) errors.push(required(`${field}.resources`, 'resource rules must supply at least one resource'));
  return errors;
}

const validateRole =
  (namespaced: boolean) =>
  (role: Role, old?: Role): FieldError[] => [
    ...validateObjectMeta(role, { namespaced, name: checkPathSegment }, old),
    ...(role.rules ?? []).flatMap((rule, i) => validateRule(rule, `rules[${i}]`)),
  ];

const shared = { apiVersion: 'rbac.authorization.k8s.io/v1', shortNames: [], createsOnUpdate: true, columns: [nameColumn, createdAtColumn] };

export const roleKind: Kind<Role> = { ...shared, kind: 'Role', plural: 'roles', namespaced: true, validate: validateRole(true) };

export const clusterRoleKind: Kind<ClusterRole> = {
  ...shared,
  kind: 'ClusterRole',
  plural: 'clusterroles',
  namespaced: false,
  validate: validateRole(false),
};
