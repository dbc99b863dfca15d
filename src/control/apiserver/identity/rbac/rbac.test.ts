import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deepFreeze } from '../../../../base/data/freeze.ts';
import { clusterRoleBindingKind, roleBindingKind } from '../../../../kube/kinds/role-binding.ts';
import { clusterRoleKind } from '../../../../kube/kinds/role.ts';
import type { ApiError } from '../../../../kube/meaning/api-error.ts';
import type { Kind } from '../../../../kube/kinds/kind.ts';
import type { KubeObject } from '../../../../kube/objects/meta.ts';
import { snapshotOf, stateOf } from '../../../../kube/store/state.ts';
import { aggregateRoles } from '../../../controllers/aggregate-roles.ts';
import type { User } from '../user.ts';
import { createRbacAuthorizer } from './authorizer.ts';
import { defaultRoles } from './default-roles.ts';
import { refuseEscalation } from './escalation.ts';

const apiVersion = 'rbac.authorization.k8s.io/v1';
const role = (kind: string, name: string, rules: object[], namespace?: string): KubeObject => ({ apiVersion, kind, metadata: { name, ...(namespace && { namespace }) }, rules }) as KubeObject;
const binding = (kind: string, name: string, parts: { role: string; to: object; namespace?: string; roleKind?: string }): KubeObject =>
  ({
    apiVersion,
    kind,
    metadata: { name, ...(parts.namespace && { namespace: parts.namespace }) },
    subjects: [parts.to],
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: parts.roleKind ?? 'ClusterRole', name: parts.role },
  }) as KubeObject;
const bob = { kind: 'User', name: 'bob' };

const objects = deepFreeze([
  role('ClusterRole', 'reader', [{ verbs: ['get', 'list'], apiGroups: [''], resources: ['pods', 'pods/log', '*/status'] }]),
  role('ClusterRole', 'scaler', [{ verbs: ['*'], apiGroups: ['apps'], resources: ['*/scale'] }]),
  role('ClusterRole', 'one-map', [{ verbs: ['get'], apiGroups: [''], resources: ['configmaps'], resourceNames: ['settings'] }]),
  role('ClusterRole', 'logs', [{ verbs: ['get'], nonResourceURLs: ['/logs/*', '/metrics'] }]),
  role('Role', 'all', [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }], 'shop'),
  binding('ClusterRoleBinding', 'readers', { role: 'reader', to: bob }),
  binding('ClusterRoleBinding', 'scalers', { role: 'scaler', to: { kind: 'Group', name: 'ops' } }),
  binding('RoleBinding', 'maps', { role: 'one-map', to: bob, namespace: 'shop' }),
  binding('ClusterRoleBinding', 'logs', { role: 'logs', to: bob }),
  binding('RoleBinding', 'owner', { role: 'all', roleKind: 'Role', to: { kind: 'ServiceAccount', name: 'robot', namespace: 'ci' }, namespace: 'shop' }),
  binding('ClusterRoleBinding', 'broken', { role: 'nowhere', to: { kind: 'User', name: 'eve' } }),
]);
const seen = snapshotOf(stateOf(1, objects));
const { authorize, rulesOf } = createRbacAuthorizer(() => seen);
const users: Record<string, User> = {
  bob: { name: 'bob', groups: ['system:authenticated'] },
  ops: { name: 'ann', groups: ['ops'] },
  robot: { name: 'system:serviceaccount:ci:robot', groups: ['system:serviceaccounts'] },
  eve: { name: 'eve', groups: [] },
  root: { name: 'admin', groups: ['system:masters'] },
};

/** `bob get pods/log in shop` */
const rows: [question: string, allowed: boolean][] = [
  ['bob get pods in shop', true],
  ['bob list pods', true],
  ['bob get pods/log in shop', true],
  ['bob get services/status in shop', true],
  ['bob get pods/exec in shop', false],
  ['bob delete pods in shop', false],
  ['bob get pods.apps in shop', false],
  ['ops update deployments/scale.apps in shop', true],
  ['ops update deployments.apps in shop', false],
  ['bob get configmaps:settings in shop', true],
  ['bob get configmaps:settings in other', false],
  ['bob get configmaps:secret in shop', false],
  ['bob list configmaps in shop', false],
  ['bob get /metrics', true],
  ['bob get /logs/kern', true],
  ['bob get /other', false],
  ['robot delete secrets in shop', true],
  ['robot delete secrets in ci', false],
  ['robot list secrets', false],
  ['eve get pods in shop', false],
  ['root delete nodes', true],
];
for (const [question, allowed] of rows) {
  test(`RBAC: ${question} is ${allowed ? 'allowed' : 'refused'}`, () => {
    const [, who, verb, what, , namespace] = /^(\w+) (\w+) (\S+)( in (\w+))?$/.exec(question)!;
    const [, resource, subresource, group = '', name] = /^([a-z]+)(?:\/([a-z]+))?(?:\.([a-z]+))?(?::([a-z]+))?$/.exec(what!) ?? [];
    const asked = what!.startsWith('/') ? { verb: verb!, path: what! } : { verb: verb!, group, resource: resource!, subresource, namespace, name };
    assert.equal(authorize(users[who!]!, asked).allowed, allowed);
  });
}

test('the reason names binding, role and subject', () => {
  const { reason } = authorize(users['bob']!, { verb: 'get', group: '', resource: 'pods', namespace: 'shop' });
  assert.equal(reason, 'RBAC: allowed by ClusterRoleBinding "readers" of ClusterRole "reader" to User "bob"');
});

test('the rules of a user are those of the namespace and of the whole cluster', () => {
  const named = (namespace: string) => rulesOf(users['bob']!, namespace).flatMap((rule) => rule.resources ?? rule.nonResourceURLs).toSorted();
  assert.deepEqual(named('shop'), ['*/status', '/logs/*', '/metrics', 'configmaps', 'pods', 'pods/log']);
  assert.deepEqual(named('other'), ['*/status', '/logs/*', '/metrics', 'pods', 'pods/log']);
});

const admin: User = { name: 'carol', groups: ['team'] };
const teamSeen = snapshotOf(
  stateOf(1, [
    ...objects,
    role('ClusterRole', 'team', [
      { verbs: ['get'], apiGroups: [''], resources: ['pods'] },
      { verbs: ['create'], apiGroups: ['rbac.authorization.k8s.io'], resources: ['*'] },
    ]),
    binding('ClusterRoleBinding', 'team', { role: 'team', to: { kind: 'Group', name: 'team' } }),
  ]),
);
const escalates = (kind: Kind<never>, object: KubeObject) => () =>
  refuseEscalation({ user: admin, kind: kind as Kind, object, authorize: createRbacAuthorizer(() => teamSeen).authorize, seen: teamSeen });

test('nobody writes a role beyond their own permissions', () => {
  escalates(clusterRoleKind as Kind<never>, role('ClusterRole', 'mine', [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }]))();
  const more = role('ClusterRole', 'more', [{ verbs: ['get', 'delete'], apiGroups: [''], resources: ['pods'] }]);
  assert.throws(escalates(clusterRoleKind as Kind<never>, more), (error: ApiError) => {
    assert.equal(error.code, 403);
    assert.match(error.message, /user "carol" \(groups=\["team"\]\) is attempting to grant RBAC permissions not currently held:\n\{APIGroups:\[""\], Resources:\["pods"\], Verbs:\["get" "delete"\]\}/);
    return true;
  });
});

test('nobody binds a role beyond their own permissions', () => {
  assert.throws(escalates(clusterRoleBindingKind as Kind<never>, binding('ClusterRoleBinding', 'x', { role: 'reader', to: bob })), /not currently held/);
  escalates(roleBindingKind as Kind<never>, binding('RoleBinding', 'x', { role: 'one', to: bob, namespace: 'shop' }))();
});

test('admin, edit and view gather the rules of the roles behind them, and then rest', () => {
  let state = defaultRoles.map((each) => each);
  for (let turn = 0; turn < 3; turn++) {
    const writes = aggregateRoles.decide(snapshotOf(stateOf(1, state)), new Date(0));
    const written = new Map(writes.map((write) => [write.verb === 'update' && write.object.metadata.name, write.verb === 'update' && write.object]));
    state = state.map((each) => (written.get(each.metadata.name) as KubeObject | undefined) ?? each);
  }
  assert.deepEqual(aggregateRoles.decide(snapshotOf(stateOf(1, state)), new Date(0)), []);
  const bound = binding('ClusterRoleBinding', 'viewer', { role: 'view', to: bob });
  const { authorize: ask } = createRbacAuthorizer(() => snapshotOf(stateOf(1, [...state, bound])));
  const may = (verb: string, resource: string) => ask(users['bob']!, { verb, group: '', resource, namespace: 'shop' }).allowed;
  assert.deepEqual([may('list', 'pods'), may('get', 'secrets'), may('create', 'pods')], [true, false, false]);
});
