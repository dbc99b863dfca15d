// Controllers come to rest: run on a world until nobody wants anything, they want nothing more; and where they come to
// rest does not depend on the order in which the world was made.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointSliceKind } from '../../src/kube/kinds/endpoint-slice.ts';
import { kinds } from '../../src/kube/kinds/kinds.ts';
import { podKind } from '../../src/kube/kinds/pod.ts';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import { createWorld, namespace, node, service, workload } from './controller-world.ts';

const ground = [namespace('default'), namespace('other'), node('a'), node('b', { address: '172.30.0.2', labels: { 'topology.kubernetes.io/zone': 'z' } })];

const worlds: Readonly<Record<string, readonly KubeObject[]>> = {
  'nodes and namespaces': [],
  'a Deployment': [workload('Deployment', 'web', { replicas: 3 })],
  'a Deployment that recreates': [workload('Deployment', 'web', { replicas: 3, strategy: { type: 'Recreate' } })],
  'a DaemonSet': [workload('DaemonSet', 'agent')],
  'a ReplicaSet of its own': [workload('ReplicaSet', 'web', { replicas: 4 })],
  'Services with and without pods': [workload('Deployment', 'web', { replicas: 3 }), service('web'), service('empty'), service('bare', { clusterIP: 'None', selector: { app: 'web' } })],
  'two Services of one Deployment': [workload('Deployment', 'web', { replicas: 2 }), service('web'), service('both', { selector: { app: 'web' }, ipFamilyPolicy: 'PreferDualStack' })],
  'a StatefulSet and its governing Service': [workload('StatefulSet', 'db', { replicas: 3, serviceName: 'db' }), service('db', { clusterIP: 'None' })],
  'a StatefulSet made all at once': [workload('StatefulSet', 'db', { replicas: 3, serviceName: 'db', podManagementPolicy: 'Parallel' })],
  'Endpoints written by hand': [
    service('outside', { selector: undefined }),
    { apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'outside', namespace: 'default' }, subsets: [{ addresses: [{ ip: '192.0.2.1' }, { ip: '2001:db8::1' }], ports: [{ name: 'http', port: 8080 }] }] } as KubeObject,
  ],
  'load balancers': [service('one', { type: 'LoadBalancer' }), service('two', { type: 'LoadBalancer', ipFamilyPolicy: 'PreferDualStack' }), service('theirs', { type: 'LoadBalancer', loadBalancerClass: 'example.com/x' })],
  'the Service of the API': [service('kubernetes', { selector: undefined, ports: [{ name: 'https', port: 443, targetPort: 6443 }] })],
  'an Ingress and its gateway': [
    { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name: 'fairlead' }, spec: { controller: 'fairlead.dev/ingress' } } as KubeObject,
    workload('DaemonSet', 'gateway', {
      namespace: 'other',
      selector: { matchLabels: { 'app.kubernetes.io/name': 'fairlead-gateway' } },
      template: { metadata: { labels: { 'app.kubernetes.io/name': 'fairlead-gateway' } }, spec: { hostNetwork: true, containers: [{ name: 'gateway', image: 'gateway' }] } },
    }),
    { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'web', namespace: 'default' }, spec: { ingressClassName: 'fairlead', defaultBackend: { service: { name: 'web', port: { number: 80 } } } } } as KubeObject,
  ],
  'a pod that fits nowhere': [workload('Deployment', 'web', { pod: { nodeSelector: { disk: 'ssd' } } })],
  'a ReplicationController': [{ apiVersion: 'v1', kind: 'ReplicationController', metadata: { name: 'web', namespace: 'default' }, spec: { replicas: 2, selector: { app: 'web' }, template: (workload('ReplicaSet', 'web') as KubeObject & { spec: { template: object } }).spec.template } } as KubeObject],
  'a Job and a CronJob': [
    workload('Job', 'once', { apiVersion: 'batch/v1', selector: undefined, pod: { restartPolicy: 'Never' } }),
    { apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'often', namespace: 'default' }, spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'echo:1' }] } } } } } } as KubeObject,
  ],
  'a budget of disruptions': [workload('Deployment', 'web', { replicas: 3 }), { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'web', namespace: 'default' }, spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'web' } } } } as KubeObject],
  'the same names in two namespaces': [workload('Deployment', 'web'), workload('Deployment', 'web', { namespace: 'other' })],
};

for (const [name, objects] of Object.entries(worlds)) {
  test(`at rest, all controllers want nothing: ${name}`, async () => {
    const world = createWorld();
    await world.add(...ground, ...objects);
    const seen = await world.rest();
    for (const controller of world.controllers) assert.deepEqual(controller.decide(seen, world.now), [], controller.name);
  });

  test(`the order of creation does not matter: ${name}`, async () => {
    const [forward, backward] = [createWorld(), createWorld()];
    await forward.add(...ground, ...objects);
    await forward.rest();
    await backward.add(...ground);
    for (const object of objects.toReversed()) {
      await backward.add(object);
      await backward.turn();
    }
    await backward.rest();
    assert.deepEqual(essence(forward.seen()), essence(backward.seen()));
  });
}

/** What a world amounts to: kinds, owners and content without identities, times, addresses and random names. */
function essence(seen: ReturnType<ReturnType<typeof createWorld>['seen']>): string[] {
  const stored = kinds.filter(({ kind }) => kind !== 'Event').flatMap((kind) => seen.list(kind));
  return stored.map((object) => JSON.stringify(anonymous(object))).toSorted();
}

test('EPS-27: a Service that selects nobody has one placeholder slice per family', async () => {
  const world = createWorld();
  await world.add(...ground, service('empty'), service('both', { ipFamilyPolicy: 'PreferDualStack' }));
  const seen = await world.rest();
  const shown = seen.list(endpointSliceKind).map(({ metadata, addressType, endpoints, ports }) => [metadata.labels?.['kubernetes.io/service-name'], addressType, endpoints, ports]);
  assert.deepEqual(shown.toSorted(), [['both', 'IPv4', [], []], ['both', 'IPv6', [], []], ['empty', 'IPv4', [], []]]);
});

const noise = new Set(['uid', 'resourceVersion', 'creationTimestamp', 'generation', 'observedGeneration', 'clusterIP', 'nodePort', 'healthCheckNodePort', 'clusterIPs', 'podIP', 'podIPs', 'addresses', 'ip', 'nodeName', 'hostIP', 'zone', 'lastUpdateTime', 'lastTransitionTime', 'batch.kubernetes.io/controller-uid', 'controller-uid']);

/** Which node a pod of several alike went to, and with which suffix, is chance. */
const anonymous = (object: KubeObject): unknown => {
  const random = object.kind === podKind.kind || object.kind === endpointSliceKind.kind;
  return JSON.parse(JSON.stringify(object), (key, value: unknown) => {
    if (noise.has(key) || (key === 'name' && value === object.metadata.name && object.kind === 'IPAddress')) return undefined;
    if (key === 'endpoints') return (value as unknown[]).map((one) => JSON.stringify(one)).toSorted();
    return key === 'name' && typeof value === 'string' && random ? value.replace(/-[a-z0-9]{5}$/, '') : value;
  });
};
