// Pods, workloads and the small kinds around them: rows of what is refused, filled in and shown.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, PodStatus } from '../objects/core.ts';
import { complaints, defaulted, objectOf, rowOf } from './complaints.ts';
import { configMapKind } from './config-map.ts';
import { controllerRevisionKind } from './controller-revision.ts';
import { daemonSetKind } from './daemon-set.ts';
import { deploymentKind } from './deployment.ts';
import { eventKind } from './event.ts';
import type { Kind } from './kind.ts';
import { leaseKind } from './lease.ts';
import { namespaceKind } from './namespace.ts';
import { nodeKind } from './node.ts';
import { pullPolicyFor, qosClassOf } from './pod/defaults.ts';
import { podKind } from './pod.ts';
import { replicaSetKind } from './replica-set.ts';
import { secretKind } from './secret.ts';
import { statefulSetKind } from './stateful-set.ts';

type Expected = (string | RegExp)[];
function check(found: string[], expected: Expected): void {
  assert.equal(found.length, expected.length, found.join('\n'));
  for (const [i, one] of expected.entries()) {
    if (typeof one === 'string') assert.equal(found[i], one);
    else assert.match(found[i] ?? '', one);
  }
}

const c = { name: 'c', image: 'nginx:1' };
const pod = (spec: object) => ({ spec: { containers: [c], ...spec } });
const withC = (more: object) => ({ containers: [{ ...c, ...more }] });
const at = 'spec.containers[0]';
const port = (...ports: object[]) => withC({ ports });

const pods: [about: string, spec: object, expected: Expected][] = [
  ['a pod has containers', { containers: [] }, ['spec.containers: Required value']],
  ['a container has name and image', { containers: [{}] }, [`${at}.name: Required value`, `${at}.image: Required value`]],
  ['names differ, init containers included', { initContainers: [c] }, ['spec.initContainers[0].name: Duplicate value: "c"']],
  ['names are labels', withC({ name: 'C' }), [/^spec.containers\[0\].name: Invalid value: "C": a lowercase RFC 1123 label/]],
  ['an image has no blanks around it', withC({ image: ' x' }), [`${at}.image: Invalid value: " x": must not have leading or trailing whitespace`]],
  ['pull policies are three', withC({ imagePullPolicy: 'Often' }), [`${at}.imagePullPolicy: Unsupported value: "Often": supported values: "Always", "IfNotPresent", "Never"`]],
  ['a container port is needed', port({ containerPort: 0 }), [`${at}.ports[0].containerPort: Required value`]],
  ['HPT-06: port numbers', port({ containerPort: 70_000, hostPort: 70_000 }), [`${at}.ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive`, `${at}.ports[0].hostPort: Invalid value: 70000: must be between 1 and 65535, inclusive`]],
  ['port names are short and differ', port({ name: 'a', containerPort: 1 }, { name: 'a', containerPort: 2 }, { name: 'abcdefghijklmnop', containerPort: 3 }), [`${at}.ports[1].name: Duplicate value: "a"`, `${at}.ports[2].name: Invalid value: "abcdefghijklmnop": must be no more than 15 characters`]],
  ['protocols', port({ containerPort: 1, protocol: 'X' }), [`${at}.ports[0].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"`]],
  ['HPT-06: host ports of one pod differ', port({ containerPort: 1, hostPort: 80 }, { containerPort: 2, hostPort: 80 }), [`${at}.ports[1].hostPort: Duplicate value: "TCP//80"`]],
  ['HPT-09: on the host network they are the same', { hostNetwork: true, ...port({ containerPort: 1, hostPort: 80 }) }, [`${at}.ports[0].containerPort: Invalid value: 1: must match \`hostPort\` when \`hostNetwork\` is true`]],
  ['variables have names', withC({ env: [{ name: '' }, { name: '1a' }] }), [`${at}.env[0].name: Required value`, /env\[1\].name: Invalid value: "1a": a valid environment variable name/]],
  ['mounts name volumes', withC({ volumeMounts: [{ name: 'v', mountPath: '/a' }, { name: '', mountPath: '/a' }, { name: 'v' }] }), [`${at}.volumeMounts[0].name: Not found: "v"`, `${at}.volumeMounts[1].name: Required value`, `${at}.volumeMounts[1].mountPath: Invalid value: "/a": must be unique`, `${at}.volumeMounts[2].name: Not found: "v"`, `${at}.volumeMounts[2].mountPath: Required value`]],
  ['volumes have names that differ', { volumes: [{ name: 'a' }, { name: 'a' }, {}] }, ['spec.volumes[1].name: Duplicate value: "a"', 'spec.volumes[2].name: Required value']],
  ['a probe has one handler', withC({ readinessProbe: {} }), [`${at}.readinessProbe: Required value: must specify a handler type`]],
  ['a probe has only one handler', withC({ readinessProbe: { httpGet: { port: 80 }, tcpSocket: { port: 80 } } }), [`${at}.readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type`]],
  ['probe ports', withC({ livenessProbe: { tcpSocket: { port: 0 } } }), [`${at}.livenessProbe.tcpSocket.port: Invalid value: 0: must be between 1 and 65535, inclusive`]],
  ['probe commands', withC({ startupProbe: { exec: {} } }), [`${at}.startupProbe.exec.command: Required value`]],
  ['a liveness probe succeeds at once', withC({ livenessProbe: { tcpSocket: { port: 80 }, successThreshold: 2, periodSeconds: -1 } }), [`${at}.livenessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0`, `${at}.livenessProbe.successThreshold: Invalid value: 2: must be 1`]],
  ['restart policies', { restartPolicy: 'Maybe' }, ['spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "OnFailure", "Never"']],
  ['RES: DNS policies', { dnsPolicy: 'Any' }, ['spec.dnsPolicy: Unsupported value: "Any": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"']],
  ['RES: None needs a configuration', { dnsPolicy: 'None' }, ['spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None']],
  ['RES: None needs a server', { dnsPolicy: 'None', dnsConfig: {} }, ['spec.dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when `dnsPolicy` is None']],
  ['RES: three servers', { dnsConfig: { nameservers: ['1.1.1.1', '1.1.1.1', '1.1.1.1', 'x'] } }, [/^spec.dnsConfig.nameservers: Invalid value: .*: must not have more than 3 nameservers$/, /^spec.dnsConfig.nameservers\[3\]: Invalid value: "x": must be a valid IP address/]],
  ['RES: search domains', { dnsConfig: { searches: ['a.b.', '.', '_'] } }, [/^spec.dnsConfig.searches\[2\]: Invalid value: "_"/]],
  ['RES: search domains are limited', { dnsConfig: { searches: Array(33).fill('a') } }, [/must not have more than 32 search paths$/]],
  ['RES: search domains are limited in length', { dnsConfig: { searches: Array(10).fill(`${'a'.repeat(63)}.`.repeat(3) + 'a'.repeat(20)) } }, [/must not have more than 2048 characters \(including spaces\) in the search list$/]],
  ['RES: options have names', { dnsConfig: { options: [{}] } }, ['spec.dnsConfig.options[0]: Required value: must not be empty']],
  ['HN: hostname and subdomain are labels', { hostname: 'a.b', subdomain: 'c.d' }, ['spec.hostname: Invalid value: "a.b": must not contain dots', 'spec.subdomain: Invalid value: "c.d": must not contain dots']],
  ['host aliases', { hostAliases: [{ ip: 'x', hostnames: ['_'] }] }, [/^spec.hostAliases\[0\].ip: Invalid value: "x"/, /^spec.hostAliases\[0\].hostnames\[0\]: Invalid value: "_"/]],
  ['readiness gates', { readinessGates: [{ conditionType: '-' }] }, [/^spec.readinessGates\[0\].conditionType: Invalid value: "-": name part/]],
  ['node selectors', { nodeSelector: { 'a b': 'c' } }, [/^spec.nodeSelector: Invalid value: "a b": name part/]],
  ['grace periods', { terminationGracePeriodSeconds: -1 }, ['spec.terminationGracePeriodSeconds: Invalid value: -1: must be greater than or equal to 0']],
  ['ephemeral containers come later', { ephemeralContainers: [c] }, ['spec.ephemeralContainers: Forbidden: cannot be set on create']],
  ['a name of an account', { serviceAccountName: '_' }, [/^spec.serviceAccountName: Invalid value: "_"/]],
  ['a name of a node', { nodeName: '_' }, [/^spec.nodeName: Invalid value: "_"/]],
];
for (const [about, spec, expected] of pods) test(`pod: ${about}`, () => check(complaints(podKind, pod(spec)), expected));

const changeable = 'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';
const changes: [about: string, before: object, after: object, expected: Expected][] = [
  ['an image may change', {}, withC({ image: 'nginx:2', imagePullPolicy: 'IfNotPresent' }), []],
  ['a deadline may change', {}, { activeDeadlineSeconds: 5 }, []],
  ['a toleration may come', {}, { tolerations: [{ key: 'a', operator: 'Exists' }] }, []],
  ['binding sets the node', {}, { nodeName: 'n1' }, []],
  ['a pod does not move', { nodeName: 'n1' }, { nodeName: 'n2' }, [changeable]],
  ['a toleration does not go', { tolerations: [{ key: 'a', operator: 'Exists' }] }, {}, [changeable]],
  ['a command does not change', {}, withC({ command: ['x'] }), [changeable]],
  ['a grace period does not change', {}, { terminationGracePeriodSeconds: 5 }, [changeable]],
];
for (const [about, before, after, expected] of changes) test(`pod update: ${about}`, () => check(complaints(podKind, pod(after), pod(before)), expected));

test('a minimal pod gets everything else', () => {
  const { spec, status } = defaulted(podKind, pod({ ...withC({ ports: [{ containerPort: 80 }], readinessProbe: { httpGet: { port: 80 } }, env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'x' } } }] }), volumes: [{ name: 'v' }, { name: 'm', configMap: { name: 'm' } }] }));
  const { containers, tolerations, ...rest } = spec;
  assert.deepEqual(rest, {
    volumes: [{ name: 'v', emptyDir: {} }, { name: 'm', configMap: { name: 'm', defaultMode: 420 } }],
    serviceAccountName: 'default', serviceAccount: 'default', restartPolicy: 'Always', terminationGracePeriodSeconds: 30, dnsPolicy: 'ClusterFirst',
    securityContext: {}, schedulerName: 'default-scheduler', enableServiceLinks: true, priority: 0, preemptionPolicy: 'PreemptLowerPriority',
  });
  assert.deepEqual(containers[0], {
    ...c, ports: [{ containerPort: 80, protocol: 'TCP' }], resources: {}, terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File', imagePullPolicy: 'IfNotPresent',
    env: [{ name: 'A', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'x' } } }],
    readinessProbe: { httpGet: { port: 80, path: '/', scheme: 'HTTP' }, timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 },
  });
  assert.deepEqual(tolerations?.map(({ key, tolerationSeconds }) => [key, tolerationSeconds]), [['node.kubernetes.io/not-ready', 300], ['node.kubernetes.io/unreachable', 300]]);
  assert.deepEqual(status, { phase: 'Pending', qosClass: 'BestEffort' });
});

test('HPT-09: on the host network every port is a host port', () =>
  assert.equal(defaulted(podKind, pod({ hostNetwork: true, ...withC({ ports: [{ containerPort: 80 }] }) })).spec.containers[0]?.ports?.[0]?.hostPort, 80));

const pulls: [image: string, policy: string][] = [['nginx', 'Always'], ['nginx:latest', 'Always'], ['nginx:1.27', 'IfNotPresent'], ['host:5000/nginx', 'Always'], ['host:5000/nginx:1', 'IfNotPresent'], ['nginx@sha256:00', 'IfNotPresent']];
for (const [image, policy] of pulls) test(`image ${image} is pulled ${policy}`, () => assert.equal(pullPolicyFor(image), policy));

const both = { cpu: '1', memory: '1Gi' };
const qos: [resources: object, word: string][] = [[{}, 'BestEffort'], [{ requests: { cpu: '1' } }, 'Burstable'], [{ limits: both }, 'Guaranteed'], [{ limits: both, requests: { cpu: '500m' } }, 'Burstable']];
for (const [resources, word] of qos) test(`resources ${JSON.stringify(resources)} make a pod ${word}`, () => assert.equal(qosClassOf({ containers: [{ ...c, resources }] }), word));

const running = { name: 'c', ready: true, restartCount: 0, image: '', imageID: '', state: { running: {} } };
const waiting = (reason: string) => ({ ...running, ready: false, state: { waiting: { reason } } });
const ended = (terminated: object) => ({ ...running, ready: false, state: { terminated: { exitCode: 0, ...terminated } } });
const words: [word: string, ready: string, status: Partial<PodStatus> & { containerStatuses?: object[]; initContainerStatuses?: object[] }, more?: object][] = [
  ['Running', '1/1', { phase: 'Running', containerStatuses: [running] }],
  ['Evicted', '0/1', { phase: 'Failed', reason: 'Evicted' }],
  ['SchedulingGated', '0/1', { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] }],
  ['CrashLoopBackOff', '0/1', { phase: 'Running', containerStatuses: [waiting('CrashLoopBackOff')] as never }],
  ['Error', '0/1', { phase: 'Failed', containerStatuses: [ended({ exitCode: 1, reason: 'Error' })] as never }],
  ['ExitCode:3', '0/1', { phase: 'Failed', containerStatuses: [ended({ exitCode: 3 })] as never }],
  ['Signal:9', '0/1', { phase: 'Failed', containerStatuses: [ended({ exitCode: 137, signal: 9 })] as never }],
  ['NotReady', '1/1', { phase: 'Running', containerStatuses: [ended({ reason: 'Completed' }), running] as never }],
  ['Running', '1/1', { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }], containerStatuses: [ended({ reason: 'Completed' }), running] as never }],
  ['Init:0/1', '0/1', { phase: 'Pending', initContainerStatuses: [{ ...running, name: 'i', ready: false }] as never }, { spec: { containers: [c], initContainers: [{ ...c, name: 'i' }] } }],
  ['Init:ErrImagePull', '0/1', { phase: 'Pending', initContainerStatuses: [waiting('ErrImagePull')] as never }],
  ['Init:ExitCode:2', '0/1', { phase: 'Pending', initContainerStatuses: [ended({ exitCode: 2 })] as never }],
  ['Running', '2/2', { phase: 'Running', initContainerStatuses: [{ ...running, name: 'i', started: true }] as never, containerStatuses: [running] }, { spec: { containers: [c], initContainers: [{ ...c, name: 'i', restartPolicy: 'Always' }] } }],
  ['Terminating', '1/1', { phase: 'Running', containerStatuses: [running] }, { metadata: { name: 'a', namespace: 'default', deletionTimestamp: 't' } }],
  ['Unknown', '0/1', { phase: 'Running', reason: 'NodeLost' }, { metadata: { name: 'a', namespace: 'default', deletionTimestamp: 't' } }],
];
for (const [word, ready, status, more] of words) {
  test(`a pod with ${JSON.stringify(status).slice(0, 60)} shows ${word}, ${ready}`, () =>
    assert.deepEqual(rowOf(podKind, { ...pod({}), status, ...more }).slice(1, 3), [ready, word]));
}

test('restarts tell when the last one was; wide columns show the rest', () => {
  const last = { ...running, restartCount: 3, lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:00:00Z' } } };
  const object = { ...pod({ nodeName: 'n1', readinessGates: [{ conditionType: 'a/b' }] }), status: { phase: 'Running', podIP: '10.0.0.1', conditions: [{ type: 'a/b', status: 'True' }], containerStatuses: [last] } };
  assert.deepEqual(rowOf(podKind, object, new Date('2026-01-01T00:05:00Z')).slice(3), ['3 (5m ago)', '<unknown>', '10.0.0.1', 'n1', '<none>', '1/1']);
});

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [c] } };
const base = { selector: { matchLabels: { app: 'web' } }, template };
const negative = (field: string) => `spec.${field}: Invalid value: -1: must be greater than or equal to 0`;
const percent = /a valid percent string must be a numeric string followed by an ending '%'/;
const workloads: [about: string, kind: Kind<never>, spec: object, expected: Expected, before?: object][] = [
  ['a Deployment needs a selector', deploymentKind as Kind<never>, { template }, ['spec.selector: Required value']],
  ['a Deployment needs a selector that says something', deploymentKind as Kind<never>, { ...base, selector: {} }, ['spec.selector: Invalid value: {}: empty selector is invalid for deployment']],
  ['a selector fits the template', deploymentKind as Kind<never>, { ...base, selector: { matchLabels: { app: 'db' } } }, ['spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`']],
  ['a template restarts always', deploymentKind as Kind<never>, { ...base, template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } }, ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"']],
  ['a template is a pod', deploymentKind as Kind<never>, { ...base, template: { ...template, spec: { containers: [] } } }, ['spec.template.spec.containers: Required value']],
  ['counts are not negative', deploymentKind as Kind<never>, { ...base, replicas: -1, minReadySeconds: -1, revisionHistoryLimit: -1 }, [negative('replicas'), negative('minReadySeconds'), negative('revisionHistoryLimit')]],
  ['the deadline is after readiness', deploymentKind as Kind<never>, { ...base, minReadySeconds: 600 }, ['spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds']],
  ['Recreate has no rolling update', deploymentKind as Kind<never>, { ...base, strategy: { type: 'Recreate', rollingUpdate: {} } }, ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"]],
  ['strategies are two', deploymentKind as Kind<never>, { ...base, strategy: { type: 'Blue' } }, ['spec.strategy.type: Unsupported value: "Blue": supported values: "Recreate", "RollingUpdate"']],
  ['something must give', deploymentKind as Kind<never>, { ...base, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } }, ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0']],
  ['shares are percentages', deploymentKind as Kind<never>, { ...base, strategy: { rollingUpdate: { maxSurge: 'x', maxUnavailable: '200%' } } }, [percent, 'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "200%": must not be greater than 100%']],
  ['a selector is for ever', deploymentKind as Kind<never>, { selector: { matchLabels: { app: 'db' } }, template: { ...template, metadata: { labels: { app: 'db' } } } }, ['spec.selector: Invalid value: {"matchLabels":{"app":"db"}}: field is immutable'], base],
  ['a ReplicaSet keeps its selector', replicaSetKind as Kind<never>, { selector: { matchLabels: { app: 'db' } }, template: { ...template, metadata: { labels: { app: 'db' } } } }, ['spec.selector: Invalid value: {"matchLabels":{"app":"db"}}: field is immutable'], base],
  ['a ReplicaSet counts up', replicaSetKind as Kind<never>, { ...base, replicas: -1 }, [negative('replicas')]],
  ['a DaemonSet strategy', daemonSetKind as Kind<never>, { ...base, updateStrategy: { type: 'X' } }, ['spec.updateStrategy.type: Unsupported value: "X": supported values: "OnDelete", "RollingUpdate"']],
  ['a DaemonSet gives or surges', daemonSetKind as Kind<never>, { ...base, updateStrategy: { rollingUpdate: { maxUnavailable: 0 } } }, ['spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: 0: cannot be 0 when maxSurge is 0']],
  ['a DaemonSet does not do both', daemonSetKind as Kind<never>, { ...base, updateStrategy: { rollingUpdate: { maxSurge: 1 } } }, ['spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero']],
  ['a StatefulSet changes little', statefulSetKind as Kind<never>, { ...base, serviceName: 'b' }, ["spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"], base],
  ['a StatefulSet may be scaled', statefulSetKind as Kind<never>, { ...base, replicas: 3 }, [], base],
  ['a StatefulSet strategy', statefulSetKind as Kind<never>, { ...base, updateStrategy: { type: 'X' } }, ["spec.updateStrategy: Invalid value: \"X\": must be 'RollingUpdate' or 'OnDelete'"]],
  ['a StatefulSet strategy by hand', statefulSetKind as Kind<never>, { ...base, updateStrategy: { type: 'OnDelete', rollingUpdate: {} } }, ["spec.updateStrategy.rollingUpdate: Invalid value: {}: only allowed for updateStrategy 'RollingUpdate'"]],
  ['a StatefulSet order', statefulSetKind as Kind<never>, { ...base, podManagementPolicy: 'X', updateStrategy: { rollingUpdate: { partition: -1 } } }, ['spec.podManagementPolicy: Unsupported value: "X": supported values: "OrderedReady", "Parallel"', 'spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: must be greater than or equal to 0']],
];
for (const [about, kind, spec, expected, before] of workloads) {
  test(`workload: ${about}`, () => check(complaints(kind, { spec }, before && { spec: before }), expected));
}

test('a Deployment without a template says so', () => check(complaints(deploymentKind, { spec: { selector: base.selector } }), ['spec.template: Required value']));
test('ready replicas are not more than replicas', () =>
  check(complaints(deploymentKind, { spec: base, status: { replicas: 1, readyReplicas: 2, updatedReplicas: -1 } }), ['status.updatedReplicas: Invalid value: -1: must be greater than or equal to 0', 'status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas']));

test('workloads get their defaults', () => {
  const { template: _t, selector: _s, ...deployment } = defaulted(deploymentKind, { spec: base }).spec;
  assert.deepEqual(deployment, { replicas: 1, strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } }, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
  assert.deepEqual(defaulted(daemonSetKind, { spec: base }).spec.updateStrategy, { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } });
  const stateful = defaulted(statefulSetKind, { spec: base }).spec;
  assert.deepEqual([stateful.podManagementPolicy, stateful.updateStrategy], ['OrderedReady', { type: 'RollingUpdate', rollingUpdate: { partition: 0 } }]);
  assert.equal(defaulted(replicaSetKind, { spec: base }).spec.template?.spec.dnsPolicy, 'ClusterFirst');
  assert.equal(defaulted(replicaSetKind, { spec: base }).spec.template?.spec.enableServiceLinks, undefined);
});

test('workloads are shown', () => {
  const status = { replicas: 5, readyReplicas: 5, updatedReplicas: 5, availableReplicas: 5 };
  assert.deepEqual(rowOf(deploymentKind, { spec: { ...base, replicas: 3 }, status }), ['a', '5/3', 5, 5, '<unknown>', 'c', 'nginx:1', 'app=web']);
  assert.deepEqual(rowOf(replicaSetKind, { spec: { ...base, replicas: 5 }, status }), ['a', 5, 5, 5, '<unknown>', 'c', 'nginx:1', 'app=web']);
  assert.deepEqual(rowOf(statefulSetKind, { spec: base }), ['a', '0/1', '<unknown>', 'c', 'nginx:1']);
  assert.deepEqual(rowOf(daemonSetKind, { spec: base }), ['a', 0, 0, 0, 0, 0, '<none>', '<unknown>', 'c', 'nginx:1', 'app=web']);
});

const small: [about: string, kind: Kind<never>, body: object, expected: Expected, before?: object][] = [
  ['a namespace is a label', namespaceKind as Kind<never>, { metadata: { name: 'a.b' } }, ['metadata.name: Invalid value: "a.b": must not contain dots']],
  ['config keys', configMapKind as Kind<never>, { data: { 'a b': '' }, binaryData: { '..': '' } }, [/^data\[a b\]: Invalid value: "a b": a valid config key/, "binaryData[..]: Invalid value: \"..\": must not be '..'"]],
  ['config keys stand once', configMapKind as Kind<never>, { data: { a: '' }, binaryData: { a: '' } }, ['data[a]: Invalid value: "a": duplicate of key present in binaryData']],
  ['a ConfigMap has a size', configMapKind as Kind<never>, { data: { a: 'x'.repeat(1_048_577) } }, ['[]: Too long: may not be more than 1048576 bytes']],
  ['a sealed ConfigMap', configMapKind as Kind<never>, { data: { a: '2' } }, ['immutable: Forbidden: field is immutable when `immutable` is set', 'data: Forbidden: field is immutable when `immutable` is set'], { data: { a: '1' }, immutable: true }],
  ['a Secret keeps its type', secretKind as Kind<never>, { type: 'a/b' }, ['type: Invalid value: "a/b": field is immutable'], {}],
  ['a Secret may leave its type out later', secretKind as Kind<never>, {}, [], { type: 'a/b' }],
  ['a TLS Secret', secretKind as Kind<never>, { type: 'kubernetes.io/tls' }, ['data[tls.crt]: Required value', 'data[tls.key]: Required value']],
  ['a registry Secret', secretKind as Kind<never>, { type: 'kubernetes.io/dockerconfigjson' }, ['data[.dockerconfigjson]: Required value']],
  ['a token Secret', secretKind as Kind<never>, { type: 'kubernetes.io/service-account-token' }, ['metadata.annotations[kubernetes.io/service-account.name]: Required value']],
  ['a basic-auth Secret', secretKind as Kind<never>, { type: 'kubernetes.io/basic-auth' }, ['data[username]: Required value', 'data[password]: Required value']],
  ['a sealed Secret', secretKind as Kind<never>, { stringData: { a: '2' }, immutable: true }, ['data: Forbidden: field is immutable when `immutable` is set'], { data: { a: 'MQ==' }, immutable: true }],
  ['a Secret has a size', secretKind as Kind<never>, { stringData: { a: 'x'.repeat(1_048_577) } }, ['data: Too long: may not be more than 1048576 bytes']],
  ['a Lease lasts', leaseKind as Kind<never>, { spec: { leaseDurationSeconds: 0, leaseTransitions: -1 } }, ['spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0', 'spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0']],
  ['an Event lives with its object', eventKind as Kind<never>, { involvedObject: { namespace: 'other' } }, ['involvedObject.namespace: Invalid value: "other": does not match event.namespace']],
  ['a revision keeps its data', controllerRevisionKind as Kind<never>, { data: { a: 2 }, revision: 1 }, ['data: Invalid value: {"a":2}: field is immutable'], { data: { a: 1 }, revision: 1 }],
  ['a revision has data and counts up', controllerRevisionKind as Kind<never>, { revision: -1 }, ['revision: Invalid value: -1: must be greater than or equal to 0', 'data: Required value: data is mandatory']],
  ['a pod range stays', nodeKind as Kind<never>, { spec: { podCIDR: '10.244.1.0/24' } }, ['spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid'], { spec: { podCIDR: '10.244.0.0/24' } }],
  ['a pod range may come', nodeKind as Kind<never>, { spec: { podCIDR: '10.244.1.0/24' } }, [], {}],
  ['pod ranges are prefixes', nodeKind as Kind<never>, { spec: { podCIDRs: ['x', '10.0.0.0/24', 'fd00::/64'] } }, [/^spec.podCIDRs\[0\]: Invalid value: "x": must be a valid CIDR/, /may specify no more than one CIDR for each IP family$/]],
  ['a provider stays', nodeKind as Kind<never>, { spec: { providerID: 'b' } }, ['spec.providerID: Forbidden: node updates may not change providerID except from "" to valid'], { spec: { providerID: 'a' } }],
  ['addresses differ', nodeKind as Kind<never>, { status: { addresses: [{ type: 'InternalIP', address: '1.1.1.1' }, { type: 'InternalIP', address: '1.1.1.1' }] } }, ['status.addresses[1]: Duplicate value: {"type":"InternalIP","address":"1.1.1.1"}']],
  ['taints', nodeKind as Kind<never>, { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }, { key: 'a', effect: 'NoSchedule' }, { key: 'b' }, { key: '-', value: '!', effect: 'X' }] } }, [
    'spec.taints[1]: Duplicate value: {"key":"a","effect":"NoSchedule"}: taints must be unique by key and effect pair', 'spec.taints[2].effect: Required value',
    /^spec.taints\[3\].key: Invalid value: "-"/, /^spec.taints\[3\].value: Invalid value: "!"/, 'spec.taints[3].effect: Unsupported value: "X": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
  ]],
];
for (const [about, kind, body, expected, before] of small) test(about, () => check(complaints(kind, body, before), expected));

test('a Secret stores what was written as text, and refuses what is no base64', () => {
  const { stringData, data, type } = defaulted(secretKind, { stringData: { a: 'hello' }, data: { b: 'eA==' } }) as { stringData?: unknown; data?: unknown; type?: string };
  assert.deepEqual([stringData, data, type], [undefined, { b: 'eA==', a: 'aGVsbG8=' }, 'Opaque']);
  assert.throws(() => defaulted(secretKind, { data: { a: '!' } }), { code: 400, message: 'illegal base64 data at input byte 0' });
});

test('NP-34: a namespace carries its name as a label, also after a client removed it', () => {
  const made = defaulted(namespaceKind, { metadata: { name: 'x' } });
  assert.deepEqual([made.metadata.labels, made.spec, made.status], [{ 'kubernetes.io/metadata.name': 'x' }, { finalizers: ['kubernetes'] }, { phase: 'Active' }]);
  const kept = namespaceKind.prepareUpdate?.(objectOf(namespaceKind, { metadata: { name: 'x', labels: {} }, spec: {} }), made);
  assert.deepEqual(kept?.spec, { finalizers: ['kubernetes'] });
});

test('nodes, secrets, leases, events and revisions are shown', () => {
  const node = {
    metadata: { name: 'n1', labels: { 'node-role.kubernetes.io/control-plane': '', 'kubernetes.io/role': 'edge' } }, spec: { unschedulable: true },
    status: { conditions: [{ type: 'Ready', status: 'True' }], addresses: [{ type: 'InternalIP', address: '10.0.2.4' }], nodeInfo: { kubeletVersion: 'v1.32.0' } },
  };
  assert.deepEqual(rowOf(nodeKind, node), ['n1', 'Ready,SchedulingDisabled', 'control-plane,edge', '<unknown>', 'v1.32.0', '10.0.2.4', '<none>', '<unknown>', '<unknown>', '<unknown>']);
  assert.deepEqual(rowOf(nodeKind, { metadata: { name: 'n1' } }).slice(1, 3), ['Unknown', '<none>']);
  assert.deepEqual(rowOf(secretKind, { stringData: { a: 'b' } }).slice(1, 3), ['Opaque', 1]);
  assert.equal(rowOf(leaseKind, { spec: { holderIdentity: 'me' } })[1], 'me');
  const event = { involvedObject: { kind: 'Node', name: 'n1' }, type: 'Normal', reason: 'R', message: 'm\n', lastTimestamp: '1970-01-01T00:00:00Z', firstTimestamp: '1970-01-01T00:00:00Z', source: { component: 'node-controller' } };
  assert.deepEqual(rowOf(eventKind, event), ['0s', 'Normal', 'R', 'node/n1', '', 'node-controller', 'm', '0s', 1, 'a']);
  const owned = { metadata: { name: 'a', ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'd', uid: 'u', controller: true }] }, data: {}, revision: 2 };
  assert.deepEqual(rowOf(controllerRevisionKind, owned).slice(1, 3), ['daemonset.apps/d', 2]);
});

test('pods are selected by their fields', () => {
  const seen = objectOf(podKind, { ...pod({ nodeName: 'n1' }), status: { phase: 'Running', podIP: '10.0.0.1' } }) as Pod;
  const { fieldSelectors = {} } = podKind;
  assert.deepEqual(['spec.nodeName', 'status.phase', 'status.podIP', 'spec.hostNetwork'].map((field) => fieldSelectors[field]?.(seen)), ['n1', 'Running', '10.0.0.1', 'false']);
});
