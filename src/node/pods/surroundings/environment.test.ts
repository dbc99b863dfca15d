import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, Pod, PodSpec, Service, ServiceSpec } from '../../../kube/objects/core.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import { snapshotOf, stateOf } from '../../../kube/store/state.ts';
import { containerEnvironment, expandVariables } from './environment.ts';

const service = (name: string, spec: Partial<ServiceSpec>, namespace = 'default'): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace },
  spec: { clusterIP: '10.0.0.11', ports: [{ port: 6379 }], ...spec },
});
const settings = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'default' }, data: { mode: 'fast', level: '3' } } as KubeObject;
const keys = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'keys', namespace: 'default' }, data: { key: Buffer.from('s3cret').toString('base64') } } as KubeObject;
const master = service('kubernetes', { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443 }] });

interface Asked {
  container?: Partial<Container>;
  spec?: Partial<PodSpec>;
  objects?: KubeObject[];
}

function environmentOf({ container = {}, spec = {}, objects = [] }: Asked): ReadonlyMap<string, string> {
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'default', uid: 'u1', labels: { app: 'shop' } },
    spec: { nodeName: 'node1', containers: [], ...spec },
  };
  const source = { pod, container: { name: 'main', ...container }, seen: snapshotOf(stateOf(1, objects)), podIPs: ['10.244.1.2', 'fd00::2'], hostIPs: ['10.0.2.5'] };
  return containerEnvironment(source);
}

const rows: [name: string, asked: Asked, expected: Record<string, string>][] = [
  [
    'DSC-01, DSC-02, DSC-03: a Service with one port',
    { objects: [service('redis-primary', {})] },
    {
      REDIS_PRIMARY_SERVICE_HOST: '10.0.0.11',
      REDIS_PRIMARY_SERVICE_PORT: '6379',
      REDIS_PRIMARY_PORT: 'tcp://10.0.0.11:6379',
      REDIS_PRIMARY_PORT_6379_TCP: 'tcp://10.0.0.11:6379',
      REDIS_PRIMARY_PORT_6379_TCP_PROTO: 'tcp',
      REDIS_PRIMARY_PORT_6379_TCP_PORT: '6379',
      REDIS_PRIMARY_PORT_6379_TCP_ADDR: '10.0.0.11',
    },
  ],
  [
    'DS-42, DSC-04, DSC-05: named ports, UDP and IPv6; of two addresses the first',
    { objects: [service('dns', { clusterIP: 'fd00::a', clusterIPs: ['fd00::a', '10.96.0.10'], ports: [{ name: 'dns-udp', port: 53, protocol: 'UDP' }] })] },
    {
      DNS_SERVICE_HOST: 'fd00::a',
      DNS_SERVICE_PORT: '53',
      DNS_SERVICE_PORT_DNS_UDP: '53',
      DNS_PORT: 'udp://[fd00::a]:53',
      DNS_PORT_53_UDP: 'udp://[fd00::a]:53',
      DNS_PORT_53_UDP_PROTO: 'udp',
      DNS_PORT_53_UDP_PORT: '53',
      DNS_PORT_53_UDP_ADDR: 'fd00::a',
    },
  ],
  [
    'DSC-07, DSC-08: headless, ExternalName and services of other namespaces add nothing',
    { objects: [service('a', { clusterIP: 'None' }), service('b', { type: 'ExternalName', clusterIP: undefined }), service('c', {}, 'other')] },
    {},
  ],
  [
    'explicit variables refer to earlier ones, an escape and an unknown name stay',
    { container: { env: [{ name: 'A', value: '1' }, { name: 'B', value: '$(A)+$(NONE)+$$(A)' }] } },
    { A: '1', B: '1+$(NONE)+$(A)' },
  ],
  [
    'envFrom comes before env, with its prefix; a missing optional source is nothing',
    {
      objects: [settings],
      container: {
        envFrom: [{ prefix: 'APP_', configMapRef: { name: 'settings' } }, { secretRef: { name: 'none', optional: true } }],
        env: [{ name: 'APP_level', value: '9' }],
      },
    },
    { APP_mode: 'fast', APP_level: '9' },
  ],
  [
    'values from a key of a ConfigMap or Secret and from the pod itself',
    {
      objects: [settings, keys],
      container: {
        env: [
          { name: 'MODE', valueFrom: { configMapKeyRef: { name: 'settings', key: 'mode' } } },
          { name: 'KEY', valueFrom: { secretKeyRef: { name: 'keys', key: 'key' } } },
          { name: 'GONE', valueFrom: { configMapKeyRef: { name: 'settings', key: 'x', optional: true } } },
          { name: 'IPS', valueFrom: { fieldRef: { fieldPath: 'status.podIPs' } } },
          { name: 'APP', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
        ],
      },
    },
    { MODE: 'fast', KEY: 's3cret', IPS: '10.244.1.2,fd00::2', APP: 'shop' },
  ],
];
for (const [name, asked, expected] of rows) test(name, () => assert.deepEqual(Object.fromEntries(environmentOf(asked)), expected));

test('DSC-08, DSC-09: without service links only the kubernetes variables are left', () => {
  const environment = environmentOf({ objects: [master, service('redis', {})], spec: { enableServiceLinks: false } });
  assert.equal(environment.get('KUBERNETES_SERVICE_HOST'), '10.96.0.1');
  assert.equal(environment.get('KUBERNETES_SERVICE_PORT_HTTPS'), '443');
  assert.equal(environment.has('REDIS_SERVICE_HOST'), false);
});

test('DSC-10: an explicit variable overrides the injected one', () => {
  const environment = environmentOf({ objects: [service('redis', {})], container: { env: [{ name: 'REDIS_SERVICE_HOST', value: 'mine' }] } });
  assert.equal(environment.get('REDIS_SERVICE_HOST'), 'mine');
});

const refusals: [message: string, container: Partial<Container>][] = [
  ['configmap "none" not found', { envFrom: [{ configMapRef: { name: 'none' } }] }],
  ['secret "none" not found', { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'none', key: 'k' } } }] }],
  ["couldn't find key k in ConfigMap default/settings", { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'settings', key: 'k' } } }] }],
];
for (const [message, container] of refusals) {
  test(`a container waits with CreateContainerConfigError: ${message}`, () =>
    assert.throws(() => environmentOf({ container, objects: [settings] }), { reason: 'CreateContainerConfigError', message }));
}

test('references in commands are expanded the same way', () => {
  assert.equal(expandVariables('--port=$(PORT) $$(PORT) $PORT', new Map([['PORT', '80']])), '--port=80 $(PORT) $PORT');
});
