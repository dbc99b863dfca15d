// The roles and bindings that exist without anybody creating them (upstream's bootstrap policy, as far as the kinds
// served here reach). Fairlead's own parts bring theirs in their manifests. Data.
import type { KubeObject } from '../../../../kube/objects/meta.ts';
import type { PolicyRule } from '../../../../kube/objects/rbac.ts';

const rbac = 'rbac.authorization.k8s.io';
const read = ['get', 'list', 'watch'];
const write = ['create', 'delete', 'deletecollection', 'patch', 'update'];
const aggregateTo = (role: string) => `${rbac}/aggregate-to-${role}`;

const rule = (verbs: string[], group: string, ...resources: string[]): PolicyRule => ({ verbs, apiGroups: [group], resources });

const metadata = (name: string, labels: Record<string, string> = {}) => ({
  name,
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels },
  annotations: { [`${rbac}/autoupdate`]: 'true' },
});

const clusterRole = (name: string, rules: PolicyRule[], labels?: Record<string, string>): KubeObject =>
  ({ apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata: metadata(name, labels), rules }) as KubeObject;

/** Its rules are gathered from the roles that carry the label. */
const aggregate = (name: string, labels?: Record<string, string>): KubeObject =>
  ({
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRole',
    metadata: metadata(name, labels),
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregateTo(name)]: 'true' } }] },
    rules: null,
  }) as KubeObject;

const bind = (name: string, ...subjects: { kind: string; name: string }[]): KubeObject =>
  ({
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: metadata(name),
    subjects: subjects.map((subject) => ({ ...subject, apiGroup: rbac })),
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name },
  }) as KubeObject;

const group = (name: string) => ({ kind: 'Group', name });

const workloads = ['daemonsets', 'deployments', 'deployments/scale', 'replicasets', 'replicasets/scale', 'statefulsets', 'statefulsets/scale'];
const networking = ['ingresses', 'networkpolicies'];
const viewable = [
  rule(read, '', 'configmaps', 'endpoints', 'persistentvolumeclaims', 'pods', 'replicationcontrollers', 'replicationcontrollers/scale', 'serviceaccounts', 'services'),
  rule(read, '', 'events', 'limitranges', 'namespaces', 'pods/log', 'pods/status', 'resourcequotas'),
  rule(read, 'discovery.k8s.io', 'endpointslices'),
  rule(read, 'apps', 'controllerrevisions', ...workloads),
  rule(read, 'batch', 'cronjobs', 'jobs'),
  rule(read, 'autoscaling', 'horizontalpodautoscalers'),
  rule(read, 'policy', 'poddisruptionbudgets'),
  rule(read, 'networking.k8s.io', ...networking),
];
const editable = [
  rule(read, '', 'pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy', 'secrets', 'services/proxy'),
  rule(['impersonate'], '', 'serviceaccounts'),
  rule(write, '', 'pods', 'pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy'),
  rule(['create'], '', 'pods/eviction', 'serviceaccounts/token'),
  rule(write, '', 'configmaps', 'events', 'persistentvolumeclaims', 'replicationcontrollers', 'replicationcontrollers/scale', 'secrets', 'serviceaccounts', 'services', 'services/proxy'),
  rule(write, 'apps', ...workloads),
  rule(write, 'batch', 'cronjobs', 'jobs'),
  rule(write, 'autoscaling', 'horizontalpodautoscalers'),
  rule(write, 'policy', 'poddisruptionbudgets'),
  rule(write, 'networking.k8s.io', ...networking),
  rule([...write, ...read], 'coordination.k8s.io', 'leases'),
];
const administrable = [
  rule(['create'], 'authorization.k8s.io', 'localsubjectaccessreviews'),
  rule([...write, ...read], rbac, 'rolebindings', 'roles'),
];

const discoveryPaths = ['/api', '/api/*', '/apis', '/apis/*', '/healthz', '/livez', '/openapi', '/openapi/*', '/readyz', '/version', '/version/'];

export const defaultRoles: readonly KubeObject[] = [
  clusterRole('cluster-admin', [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }, { verbs: ['*'], nonResourceURLs: ['*'] }]),
  clusterRole('system:discovery', [{ verbs: ['get'], nonResourceURLs: discoveryPaths }]),
  clusterRole('system:public-info-viewer', [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/livez', '/readyz', '/version', '/version/'] }]),
  clusterRole('system:basic-user', [
    rule(['create'], 'authorization.k8s.io', 'selfsubjectaccessreviews', 'selfsubjectrulesreviews'),
    rule(['create'], 'authentication.k8s.io', 'selfsubjectreviews'),
  ]),
  clusterRole('system:service-account-issuer-discovery', [{ verbs: ['get'], nonResourceURLs: ['/.well-known/openid-configuration', '/openid/v1/jwks'] }]),
  clusterRole('system:auth-delegator', [rule(['create'], 'authentication.k8s.io', 'tokenreviews'), rule(['create'], 'authorization.k8s.io', 'subjectaccessreviews')]),
  aggregate('admin'),
  aggregate('edit', { [aggregateTo('admin')]: 'true' }),
  aggregate('view', { [aggregateTo('edit')]: 'true' }),
  clusterRole('system:aggregate-to-admin', administrable, { [aggregateTo('admin')]: 'true' }),
  clusterRole('system:aggregate-to-edit', editable, { [aggregateTo('edit')]: 'true' }),
  clusterRole('system:aggregate-to-view', viewable, { [aggregateTo('view')]: 'true' }),
  bind('cluster-admin', group('system:masters')),
  bind('system:discovery', group('system:authenticated')),
  bind('system:basic-user', group('system:authenticated')),
  bind('system:public-info-viewer', group('system:authenticated'), group('system:unauthenticated')),
  bind('system:service-account-issuer-discovery', group('system:serviceaccounts')),
];
