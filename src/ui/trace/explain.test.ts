import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deepFreeze } from '../../base/data/freeze.ts';
import type { KubeObject } from '../../kube/objects/meta.ts';
import { snapshotOf, stateOf } from '../../kube/store/state.ts';
import { readQuestion } from '../cli/why.ts';
import { explain, QuestionError } from './explain.ts';
import { printExplanation } from './print-explanation.ts';

const scope = { clusterDomain: 'cluster.local', podCIDRs: ['10.244.0.0/16'], serviceCIDRs: ['10.96.0.0/16'] };
const node = (name: string, ip: string, cidr: string) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  spec: { podCIDR: cidr, podCIDRs: [cidr] },
  status: { addresses: [{ type: 'InternalIP', address: ip }], conditions: [{ type: 'Ready', status: 'True' }] },
});
const pod = (name: string, nodeName: string | undefined, ip?: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', labels: { app: name.replace(/-\d$/, '') } },
  spec: { nodeName, containers: [] },
  status: { phase: 'Running', ...(ip && { podIP: ip, podIPs: [{ ip }] }) },
});
const world = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } },
  node('a', '172.30.0.10', '10.244.0.0/24'),
  node('b', '172.30.0.11', '10.244.1.0/24'),
  pod('client', 'a', '10.244.0.2'),
  pod('web-1', 'a', '10.244.0.3'),
  pod('web-2', 'b', '10.244.1.2'),
  pod('late', undefined),
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default' },
    spec: { type: 'ClusterIP', clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'], ipFamilies: ['IPv4'], ports: [{ port: 80, protocol: 'TCP', targetPort: 8080 }] },
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'web-a', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    endpoints: [
      { addresses: ['10.244.0.3'], nodeName: 'a', conditions: { ready: true }, targetRef: { kind: 'Pod', name: 'web-1', namespace: 'default' } },
      { addresses: ['10.244.1.2'], nodeName: 'b', conditions: { ready: true }, targetRef: { kind: 'Pod', name: 'web-2', namespace: 'default' } },
    ],
  },
] as unknown as KubeObject[];
const deny = (name: string, podSelector: object, spec: object = {}) =>
  ({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name, namespace: 'default' }, spec: { podSelector, policyTypes: ['Ingress'], ...spec } }) as unknown as KubeObject;

const ask = (destination: string, more: KubeObject[] = [], from = 'client') =>
  explain(snapshotOf(stateOf(1, deepFreeze([...world, ...more]))), readQuestion(from, destination, { namespace: 'default' }), scope);

test('a name is followed to its Service, its endpoints and their pods, each with its cause', () => {
  const explanation = ask('web');
  assert.equal(explanation.verdict, 'delivered');
  assert.deepEqual(explanation.names.map((step) => [step.name, step.because?.name]), [['web.default.svc.cluster.local', 'web']]);
  assert.deepEqual(explanation.tries[0]!.outcomes.map((o) => [o.chance, o.trace.to?.name]), [[0.5, 'web-1'], [0.5, 'web-2']]);
  const text = printExplanation(explanation);
  assert.match(text, /^Pod default\/client on a \(10\.244\.0\.2\)$/m);
  assert.match(text, /web\.default\.svc\.cluster\.local is 10\.96\.0\.7 +because Service default\/web/);
  assert.match(text, /DNAT to 10\.244\.1\.2:8080 .* one of 2 endpoints +because Service default\/web/);
  assert.match(text, /=> delivered to Pod default\/web-2 \(50 %\)\nreachable$/);
});

test('the policy that drops the packet is named', () => {
  const explanation = ask('web', [deny('closed', {})]);
  assert.equal(explanation.verdict, 'fails');
  assert.match(printExplanation(explanation), /because NetworkPolicy default\/closed/);
  assert.match(explanation.reason ?? '', /is isolated for ingress and no rule allows it/);
});

test('a policy on one of two endpoints makes the answer "sometimes"', () => {
  const onlyOne = [{ ...world[4]!, metadata: { ...world[4]!.metadata, labels: { app: 'other' } } } as KubeObject, deny('half', { matchLabels: { app: 'other' } })];
  const explanation = ask('web', onlyOne);
  assert.deepEqual([explanation.verdict, explanation.chance], ['sometimes', 0.5]);
});

test('a wrong port, an unknown name and a name outside say what is wrong', () => {
  assert.match(ask('web:81').reason ?? '', /10\.96\.0\.7|port 81/);
  assert.match(ask('nope').reason ?? '', /outside, which are not in the model/);
  assert.deepEqual(ask('nope').names.map((step) => step.outcome), ['noSuchName', 'noSuchName', 'noSuchName', 'notOurs']);
  assert.match(ask('nope.default.svc.cluster.local.').reason ?? '', /does not exist/);
});

test('an address needs no name', () => {
  const explanation = ask('10.244.1.2:8080');
  assert.deepEqual([explanation.names.length, explanation.verdict], [0, 'delivered']);
});

test('a question that cannot be asked says why', () => {
  assert.throws(() => ask('web', [], 'clien'), (error: Error) => error instanceof QuestionError && /did you mean client\?/.test(error.message));
  assert.throws(() => ask('web', [], 'late'), /has no node yet/);
});

const destinations: [text: string, host: string, port: number][] = [
  ['web', 'web', 80],
  ['web.other:8080', 'web.other', 8080],
  ['10.0.0.1:53', '10.0.0.1', 53],
  ['fd00::1', 'fd00::1', 80],
  ['[fd00::1]:443', 'fd00::1', 443],
];
for (const [text, host, port] of destinations) {
  test(`the destination ${text} is ${host} port ${port}`, () => {
    const question = readQuestion('ns/pod', text, { namespace: 'default' });
    assert.deepEqual([question.destination, question.port, question.pod], [host, port, { namespace: 'ns', name: 'pod' }]);
  });
}
for (const wrong of ['web:0', 'web:http', '', '[fd00::1]:x', 'web:70000']) {
  test(`the destination ${JSON.stringify(wrong)} is refused with the forms that work`, () => {
    assert.throws(() => readQuestion('pod', wrong, { namespace: 'default' }), /is no destination; write NAME, NAME:PORT/);
  });
}

test('a name is of no use where policies keep the pod from the cluster’s DNS; an address is', () => {
  const dns = [
    { ...pod('dns', 'b', '10.244.1.9'), metadata: { name: 'dns', namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'kube-dns', namespace: 'kube-system' },
      spec: { type: 'ClusterIP', clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'], ipFamilies: ['IPv4'], ports: [{ name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 }] },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'kube-dns-a', namespace: 'kube-system', labels: { 'kubernetes.io/service-name': 'kube-dns' } },
      addressType: 'IPv4',
      ports: [{ name: 'dns', port: 53, protocol: 'UDP' }],
      endpoints: [{ addresses: ['10.244.1.9'], nodeName: 'b', conditions: { ready: true } }],
    },
  ] as unknown as KubeObject[];
  const onlyWeb = deny('only-web', { matchLabels: { app: 'client' } }, { policyTypes: ['Egress'], egress: [{ to: [{ podSelector: { matchLabels: { app: 'web' } } }] }] });
  assert.equal(ask('web', dns).verdict, 'delivered');
  const byName = ask('web', [...dns, onlyWeb]);
  assert.equal(byName.verdict, 'fails');
  assert.match(byName.reason ?? '', /DNS does not answer the pod/);
  assert.match(printExplanation(byName), /UDP to 10\.96\.0\.10:53\n[^]*NetworkPolicy default\/only-web/);
  assert.equal(ask('10.96.0.7', [...dns, onlyWeb]).verdict, 'delivered');
});

test('HPT-03: a host port is followed to its pod, because of the pod; on other nodes to the node itself', () => {
  const agent = { ...pod('agent', 'b', '10.244.1.9'), spec: { nodeName: 'b', containers: [{ name: 'main', ports: [{ containerPort: 8080, hostPort: 80 }] }] } } as unknown as KubeObject;
  const printed = printExplanation(ask('172.30.0.11:80', [agent]));
  assert.match(printed, /service +b: DNAT to 10\.244\.1\.9:8080 \(agent\), by its host port 80 +because Pod default\/agent/);
  assert.match(printed, /=> delivered to Pod default\/agent/);
  assert.match(printExplanation(ask('172.30.0.10:80', [agent])), /=> delivered to Node a/);
});
