// Nobody gives away what they do not have: whoever writes a role must hold all of its permissions (or may `escalate`),
// whoever writes a binding must hold all of its role's (or may `bind`). Upstream: "Privilege escalation prevention".
import { forbiddenError } from '../../../../kube/meaning/api-error.ts';
import { clusterRoleKind, roleKind } from '../../../../kube/kinds/role.ts';
import type { Kind } from '../../../../kube/kinds/kind.ts';
import type { KubeObject } from '../../../../kube/objects/meta.ts';
import type { PolicyRule, Role, RoleBinding } from '../../../../kube/objects/rbac.ts';
import type { Snapshot } from '../../../../kube/store/store.ts';
import type { User } from '../user.ts';
import type { Authorize, ResourceAttributes } from '../authorize.ts';
import { permissionsOf } from './rules.ts';

const group = 'rbac.authorization.k8s.io';

export interface RoleChange {
  user: User;
  kind: Kind;
  object: KubeObject;
  authorize: Authorize;
  seen: Snapshot;
}

/** Throws ApiError 403. Objects of other kinds pass. */
export function refuseEscalation({ user, kind, object, authorize, seen }: RoleChange): void {
  if (!kind.apiVersion.startsWith(`${group}/`) || user.groups.includes('system:masters')) return;
  const { namespace, name } = object.metadata;
  const given = kind.kind.endsWith('Binding') ? boundRules(object as RoleBinding, seen) : ((object as Role).rules ?? []);
  const special = kind.kind.endsWith('Binding') ? bindQuestion(object as RoleBinding) : { verb: 'escalate', group, resource: kind.plural, name };
  const may = (asked: ResourceAttributes) => authorize(user, { ...asked, ...(namespace && { namespace }) }).allowed;
  if (may(special)) return;
  const missing = given.filter((rule) => !permissionsOf(rule).every((asked) => authorize(user, 'path' in asked ? asked : { ...asked, ...(namespace && { namespace }) }).allowed));
  if (missing.length === 0) return;
  const groups = user.groups.map((each) => JSON.stringify(each)).join(' ');
  const why = `user ${JSON.stringify(user.name)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n${missing.map(printRule).join('\n')}`;
  throw forbiddenError(kind, name, why);
}

const bindQuestion = ({ roleRef, metadata }: RoleBinding): ResourceAttributes => ({
  verb: 'bind',
  group,
  resource: roleRef.kind === 'Role' ? 'roles' : 'clusterroles',
  name: roleRef.name,
  ...(metadata.namespace && { namespace: metadata.namespace }),
});

function boundRules({ roleRef, metadata }: RoleBinding, seen: Snapshot): readonly PolicyRule[] {
  const role = roleRef.kind === 'Role' ? seen.get(roleKind, roleRef.name, metadata.namespace) : seen.get(clusterRoleKind, roleRef.name);
  return role?.rules ?? [];
}

/** `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}` */
function printRule({ apiGroups, nonResourceURLs, resourceNames, resources, verbs }: PolicyRule): string {
  const parts = { APIGroups: apiGroups, NonResourceURLs: nonResourceURLs, ResourceNames: resourceNames, Resources: resources, Verbs: verbs };
  const lines = Object.entries(parts).flatMap(([name, list]) => (list?.length ? [`${name}:${JSON.stringify(list).replaceAll(',', ' ')}`] : []));
  return `{${lines.join(', ')}}`;
}
