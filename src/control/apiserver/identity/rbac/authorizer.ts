// Authorization by roles and bindings (RBAC v1). Members of system:masters may do everything, whatever the objects say.
import type { PolicyRule } from '../../../../kube/objects/rbac.ts';
import type { Snapshot } from '../../../../kube/store/store.ts';
import type { User } from '../user.ts';
import type { Authorizer } from '../authorize.ts';
import { createGrantReader, grantsFor } from './grants.ts';
import { ruleCovers } from './rules.ts';

const superuserGroup = 'system:masters';
const everything: PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

/** `snapshot` is asked at every decision: a new binding holds at once. */
export function createRbacAuthorizer(snapshot: () => Snapshot): Authorizer {
  const read = createGrantReader();
  return {
    authorize(user, asked) {
      if (user.groups.includes(superuserGroup)) return { allowed: true };
      const namespace = 'path' in asked ? undefined : asked.namespace;
      const grant = grantsFor(read(snapshot()), user, namespace).find(({ rules }) => rules.some((rule) => ruleCovers(rule, asked)));
      return grant ? { allowed: true, reason: grant.because } : { allowed: false };
    },
    rulesOf(user: User, namespace: string): readonly PolicyRule[] {
      if (user.groups.includes(superuserGroup)) return everything;
      return grantsFor(read(snapshot()), user, namespace).flatMap(({ rules }) => rules);
    },
  };
}
