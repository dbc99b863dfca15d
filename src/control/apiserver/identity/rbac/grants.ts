// Who is granted what: roles and bindings of a snapshot, turned around so that a user's grants are a few look-ups.
// Remembered by the identity of the four lists: a question costs nothing while no role or binding changes.
import { memoLast } from '../../../../base/data/memo.ts';
import { clusterRoleBindingKind, roleBindingKind } from '../../../../kube/kinds/role-binding.ts';
import { clusterRoleKind, roleKind } from '../../../../kube/kinds/role.ts';
import type { ClusterRole, PolicyRule, Role, RoleBinding, Subject } from '../../../../kube/objects/rbac.ts';
import { keyOf, objectKey, type Snapshot } from '../../../../kube/store/store.ts';
import type { User } from '../user.ts';

export interface Grant {
  /** Absent: everywhere. */
  readonly namespace?: string;
  readonly rules: readonly PolicyRule[];
  /** For the decision's reason. */
  readonly because: string;
}

export type Grants = ReadonlyMap<string, readonly Grant[]>;

const accountUser = (namespace: string, name: string): string => `system:serviceaccount:${namespace}:${name}`;

/** `User bob`, `Group system:masters`; a service account is the user of its name. */
function subjectKey({ kind, name, namespace }: Subject, home: string | undefined): string {
  return kind === 'ServiceAccount' ? `User ${accountUser(namespace ?? home ?? '', name)}` : `${kind} ${name}`;
}

function compile(roles: readonly Role[], clusterRoles: readonly ClusterRole[], bindings: readonly RoleBinding[], clusterBindings: readonly RoleBinding[]): Grants {
  const byName = new Map([...roles, ...clusterRoles].map((role) => [objectKey(role), role.rules ?? []]));
  const grants = new Map<string, Grant[]>();
  for (const binding of [...bindings, ...clusterBindings]) {
    const { namespace, name } = binding.metadata;
    const { roleRef, subjects = [] } = binding;
    // A binding whose role is missing grants nothing.
    const rules = byName.get(keyOf(roleRef.name, roleRef.kind === 'Role' ? namespace : undefined)) ?? [];
    for (const subject of subjects) {
      const who = `${subject.kind} "${subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace ?? namespace}` : subject.name}"`;
      const because = `RBAC: allowed by ${binding.kind} "${namespace ? `${name}/${namespace}` : name}" of ${roleRef.kind} "${roleRef.name}" to ${who}`;
      const key = subjectKey(subject, namespace);
      const list = grants.get(key);
      const grant: Grant = { rules, because, ...(namespace && { namespace }) };
      if (list) list.push(grant);
      else grants.set(key, [grant]);
    }
  }
  return grants;
}

export const createGrantReader = (): ((seen: Snapshot) => Grants) => {
  const remembered = memoLast(compile);
  return (seen) => remembered(seen.list(roleKind), seen.list(clusterRoleKind), seen.list(roleBindingKind), seen.list(clusterRoleBindingKind));
};

/** Grants that hold in a namespace (or, without one, at the cluster scope). */
export function grantsFor(grants: Grants, user: User, namespace: string | undefined): Grant[] {
  const keys = [`User ${user.name}`, ...user.groups.map((group) => `Group ${group}`)];
  return keys.flatMap((key) => grants.get(key) ?? []).filter((grant) => grant.namespace === undefined || (namespace !== undefined && namespace !== '' && grant.namespace === namespace));
}
