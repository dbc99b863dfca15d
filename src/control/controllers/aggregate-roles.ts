// Gathers the rules of an aggregated ClusterRole from the roles that its selectors name: how `view` learns of new kinds.
import { deepEqual } from '../../base/data/memo.ts';
import type { Kind } from '../../kube/kinds/kind.ts';
import { clusterRoleKind } from '../../kube/kinds/role.ts';
import { matchesSelector } from '../../kube/meaning/label-selector.ts';
import type { ClusterRole, PolicyRule } from '../../kube/objects/rbac.ts';
import type { Controller } from './controller.ts';

export const aggregateRoles: Controller = {
  name: 'cluster-role-aggregation',
  reads: [clusterRoleKind as Kind],
  decide(seen) {
    const roles = seen.list(clusterRoleKind);
    return roles.flatMap((role) => {
      if (!role.aggregationRule) return [];
      const rules = gather(role, roles);
      return deepEqual(role.rules ?? [], rules) ? [] : [{ verb: 'update' as const, object: { ...role, rules } }];
    });
  },
};

/** In order of the roles' names, each rule once. */
function gather({ aggregationRule, metadata }: ClusterRole, roles: readonly ClusterRole[]): PolicyRule[] {
  const chosen = roles.filter(
    (role) => role.metadata.name !== metadata.name && aggregationRule?.clusterRoleSelectors?.some((selector) => matchesSelector(selector, role.metadata.labels)),
  );
  const rules = chosen.flatMap((role) => role.rules ?? []);
  return rules.filter((rule, index) => rules.findIndex((other) => deepEqual(other, rule)) === index);
}
