// The small kinds that clients around the network ask for: rows of what is refused, filled in and shown.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complaints, defaulted, rowOf } from './complaints.ts';
import { cronJobKind } from './cron-job.ts';
import { horizontalPodAutoscalerKind } from './horizontal-pod-autoscaler.ts';
import { ipAddressKind } from './ip-address.ts';
import { jobKind } from './job.ts';
import type { Kind } from './kind.ts';
import { kinds } from './kinds.ts';
import { podDisruptionBudgetKind } from './pod-disruption-budget.ts';
import { priorityClassKind } from './priority-class.ts';
import { replicationControllerKind } from './replication-controller.ts';
import { resourceQuotaKind } from './resource-quota.ts';
import { clusterRoleBindingKind, roleBindingKind } from './role-binding.ts';
import { roleKind } from './role.ts';
import { serviceCidrKind } from './service-cidr.ts';

type Any = Kind<never>;
const ranges = (...cidrs: string[]) => ({ spec: { cidrs } });
const c = { name: 'c', image: 'i' };
const template = { metadata: { labels: { q: 't' } }, spec: { containers: [c], restartPolicy: 'Never' } };
const named = (name: string, body: object) => ({ metadata: { name }, ...body });
const parent = { spec: { parentRef: { resource: 'services', namespace: 'default', name: 'web' } } };
const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' };
const target = { kind: 'Deployment', name: 'web' };

const rows: [about: string, kind: Any, body: object, errors: string[], before?: object][] = [
  ['IPAM-37: a range', serviceCidrKind as Any, ranges(), ['spec.cidrs: Required value: at least one CIDR required']],
  ['IPAM-37: two ranges', serviceCidrKind as Any, ranges('10.0.0.0/24', 'fd00::/112', '10.1.0.0/24'), ['spec.cidrs: Invalid value: []string{"10.0.0.0/24", "fd00::/112", "10.1.0.0/24"}: may only hold up to 2 values']],
  ['IPAM-37: one a family', serviceCidrKind as Any, ranges('10.0.0.0/24', '10.1.0.0/24'), ['spec.cidrs: Invalid value: []string{"10.0.0.0/24", "10.1.0.0/24"}: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64']],
  ['IPAM-38: host bits are zero', serviceCidrKind as Any, ranges('10.96.0.1/16'), ['spec.cidrs[0]: Invalid value: "10.96.0.1/16": wrong CIDR format, IP doesn\'t match network IP address']],
  ['IPAM-38: canonical text', serviceCidrKind as Any, ranges('FD00::/112'), ['spec.cidrs[0]: Invalid value: "FD00::/112": CIDR not in RFC 5952 canonical format']],
  ['IPAM-38: a prefix', serviceCidrKind as Any, ranges('x'), ['spec.cidrs[0]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']],
  ['IPAM-39: ranges stay', serviceCidrKind as Any, ranges('10.1.0.0/24'), ['spec.cidrs: Invalid value: []string{"10.1.0.0/24"}: field is immutable'], ranges('10.0.0.0/24')],
  ['IPAM-47: not too wide', serviceCidrKind as Any, ranges('fd00::/48'), ['spec.cidrs[0]: Invalid value: "fd00::/48": shortest allowed prefix length for service CIDR is 64, got 48']],
  ['IPAM-35: a name is an address', ipAddressKind as Any, named('foo', parent), ['metadata.name: Invalid value: "foo": ParseAddr("foo"): unable to parse IP']],
  ['IPAM-35: in canonical text', ipAddressKind as Any, named('2001:DB8::1', parent), ['metadata.name: Invalid value: "2001:DB8::1": must be a canonical format IP address']],
  ['IPAM-34: a parent', ipAddressKind as Any, named('10.0.0.1', {}), ['spec.parentRef: Required value']],
  ['IPAM-34: a whole parent', ipAddressKind as Any, named('10.0.0.1', { spec: { parentRef: {} } }), ['spec.parentRef.resource: Required value', 'spec.parentRef.name: Required value']],
  ['IPAM-34: a parent stays', ipAddressKind as Any, named('10.0.0.1', { spec: { parentRef: { resource: 'pods', name: 'x' } } }), ['spec.parentRef: Invalid value: {"resource":"pods","name":"x"}: field is immutable'], named('10.0.0.1', parent)],
  ['a rule has verbs', roleKind as Any, { rules: [{}] }, ['rules[0].verbs: Required value: verbs must contain at least one value', 'rules[0].apiGroups: Required value: resource rules must supply at least one api group', 'rules[0].resources: Required value: resource rules must supply at least one resource']],
  ['a role name is a path segment', roleKind as Any, { metadata: { name: 'a/b', namespace: 'default' } }, ['metadata.name: Invalid value: "a/b": may not contain \'/\'']],
  ['a role with a colon', roleKind as Any, { metadata: { name: 'system:a', namespace: 'default' } }, []],
  ['a binding keeps its role', roleBindingKind as Any, { roleRef: { ...roleRef, name: 's' } }, ['roleRef: Invalid value: {"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"s"}: cannot change roleRef'], { roleRef }],
  ['a cluster binding binds cluster roles', clusterRoleBindingKind as Any, { roleRef }, ['roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"']],
  ['a role is named', roleBindingKind as Any, { roleRef: { apiGroup: 'x', kind: 'Role' } }, ['roleRef.apiGroup: Unsupported value: "x": supported values: "rbac.authorization.k8s.io"', 'roleRef.name: Required value']],
  ['subjects', roleBindingKind as Any, { roleRef, subjects: [{ kind: 'Dog', name: 'd' }, { kind: 'ServiceAccount' }] }, ['subjects[0].kind: Unsupported value: "Dog": supported values: "Group", "ServiceAccount", "User"', 'subjects[1].name: Required value', 'subjects[1].namespace: Required value']],
  ['a budget says one thing', podDisruptionBudgetKind as Any, { spec: { minAvailable: 1, maxUnavailable: 1 } }, ['spec: Invalid value: {"minAvailable":1,"maxUnavailable":1}: minAvailable and maxUnavailable cannot be both set']],
  ['a Job ends', jobKind as Any, { spec: { template: { spec: { containers: [c] } }, backoffLimit: -1 } }, ['spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0', 'spec.template.spec.restartPolicy: Unsupported value: "Always": supported values: "OnFailure", "Never"']],
  ['a Job has containers', jobKind as Any, { spec: { template: { spec: { containers: [], restartPolicy: 'Never' } } } }, ['spec.template.spec.containers: Required value']],
  ['a CronJob has a schedule', cronJobKind as Any, { spec: { jobTemplate: { spec: { template } } } }, ['spec.schedule: Required value']],
  ['a scaler has bounds', horizontalPodAutoscalerKind as Any, { spec: { minReplicas: 0, maxReplicas: 0, scaleTargetRef: {} } }, ['spec.minReplicas: Invalid value: 0: must be greater than or equal to 1', 'spec.maxReplicas: Invalid value: 0: must be greater than 0', 'spec.scaleTargetRef.kind: Required value', 'spec.scaleTargetRef.name: Required value']],
  ['bounds in order', horizontalPodAutoscalerKind as Any, { spec: { minReplicas: 3, maxReplicas: 2, scaleTargetRef: target } }, ['spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`']],
  ['a priority has a ceiling', priorityClassKind as Any, { value: 1_000_000_001 }, ['value: Forbidden: maximum allowed value of a user defined priority is 1000000000']],
  ['a priority stays', priorityClassKind as Any, { value: 2, preemptionPolicy: 'Never' }, ['value: Forbidden: may not be changed in an update.', 'preemptionPolicy: Invalid value: "Never": field is immutable'], { value: 1 }],
  ['a quota counts', resourceQuotaKind as Any, { spec: { hard: { cpu: 'x', pods: '-1' } } }, ["spec.hard[cpu]: Invalid value: \"x\": quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'", 'spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0']],
  ['a controller has selector and template', replicationControllerKind as Any, {}, ['spec.selector: Required value', 'spec.template: Required value']],
];
for (const [about, kind, body, errors, before] of rows) test(`${kind.kind}: ${about}`, () => assert.deepEqual(complaints(kind, body, before), errors));

const shown: [kind: Any, body: object, cells: unknown[]][] = [
  [serviceCidrKind as Any, ranges('10.200.0.0/24'), ['a', '10.200.0.0/24', '<unknown>']],
  [ipAddressKind as Any, named('10.96.0.1', parent), ['10.96.0.1', 'services/default/web', '<unknown>']],
  [roleKind as Any, {}, ['a', null]],
  [roleBindingKind as Any, { roleRef, subjects: [{ kind: 'User', name: 'u' }, { kind: 'Group', name: 'g' }, { kind: 'ServiceAccount', namespace: 'kube-system', name: 's' }] }, ['a', 'Role/r', '<unknown>', 'u', 'g', 'kube-system/s']],
  [podDisruptionBudgetKind as Any, { spec: { minAvailable: '50%' }, status: { disruptionsAllowed: 1 } }, ['a', '50%', 'N/A', 1, '<unknown>']],
  [jobKind as Any, { spec: { template }, status: { succeeded: 1, startTime: '1970-01-01T00:00:00Z', completionTime: '1970-01-01T00:00:05Z', conditions: [{ type: 'Complete', status: 'True' }] } }, ['a', 'Complete', '1/1', '5s', '<unknown>', 'c', 'i', '<none>']],
  [jobKind as Any, { spec: { template, parallelism: 3, suspend: true } }, ['a', 'Suspended', '0/1 of 3', '', '<unknown>', 'c', 'i', '<none>']],
  [cronJobKind as Any, { spec: { schedule: '0 0 1 1 *', jobTemplate: { spec: { template } } } }, ['a', '0 0 1 1 *', '<none>', 'False', 0, '<none>', '<unknown>', 'c', 'i', '<none>']],
  [horizontalPodAutoscalerKind as Any, { spec: { maxReplicas: 3, scaleTargetRef: target } }, ['a', 'Deployment/web', 'cpu: <unknown>/80%', '1', 3, 0, '<unknown>']],
  [priorityClassKind as Any, { value: 5 }, ['a', 5, false, '<unknown>', 'PreemptLowerPriority']],
  [resourceQuotaKind as Any, { spec: { hard: { pods: '4', 'limits.cpu': '2' } }, status: { hard: { pods: '4', 'limits.cpu': '2' }, used: { pods: '1' } } }, ['a', '<unknown>', 'pods: 1/4', 'limits.cpu: 0/2']],
  [replicationControllerKind as Any, { spec: { replicas: 0, template } }, ['a', 0, 0, 0, '<unknown>', 'c', 'i', 'q=t']],
];
for (const [kind, body, cells] of shown) test(`${kind.kind} is shown as ${cells.slice(0, 3).join(' ')}`, () => assert.deepEqual(rowOf(kind, body), cells));

test('a Job runs one pod unless it says more, a subject knows its group', () => {
  assert.equal(defaulted(jobKind, { spec: { template } }).spec.completions, 1);
  assert.equal(defaulted(jobKind, { spec: { template, parallelism: 2 } }).spec.completions, undefined);
  assert.equal(defaulted(roleBindingKind, { roleRef, subjects: [{ kind: 'User', name: 'u' }] }).subjects?.[0]?.apiGroup, 'rbac.authorization.k8s.io');
});

test('kinds have names of their own', () => {
  for (const key of ['kind', 'plural'] as const) assert.equal(new Set(kinds.map((kind) => `${kind.apiVersion}/${kind[key]}`)).size, kinds.length);
});

test('which kinds count generations, answer a deleted object, or are made by PUT is upstream\'s', () => {
  const having = (flag: 'countsGenerations' | 'answersDeletedObject' | 'createsOnUpdate' | 'needsVersionToUpdate') => kinds.filter((kind) => kind[flag]).map(({ plural }) => plural).toSorted();
  assert.deepEqual(having('countsGenerations'), ['cronjobs', 'customresourcedefinitions', 'daemonsets', 'deployments', 'endpointslices', 'ingressclasses', 'ingresses', 'jobs', 'mutatingadmissionpolicies', 'mutatingadmissionpolicybindings', 'mutatingwebhookconfigurations', 'networkpolicies', 'poddisruptionbudgets', 'podtemplates', 'replicasets', 'replicationcontrollers', 'statefulsets', 'validatingadmissionpolicies', 'validatingadmissionpolicybindings', 'validatingwebhookconfigurations']);
  assert.deepEqual(having('answersDeletedObject'), ['namespaces', 'persistentvolumeclaims', 'persistentvolumes', 'pods', 'podtemplates', 'resourcequotas', 'serviceaccounts', 'services']);
  assert.deepEqual(having('createsOnUpdate'), ['clusterrolebindings', 'clusterroles', 'endpoints', 'events', 'leases', 'limitranges', 'rolebindings', 'roles', 'services']);
  assert.deepEqual(having('needsVersionToUpdate'), ['leases', 'poddisruptionbudgets']);
});
