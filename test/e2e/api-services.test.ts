// Addresses and ports of Services, by request and answer: many at once, none to spare, and only to look.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createKinds } from '../../src/kube/kinds/kinds.ts';
import { createMemoryStore } from '../../src/kube/store/embedded.ts';
import { apiObjects, dnsAddress, serviceAddress } from '../../src/main/bootstrap-objects.ts';
import type { ClusterDescription } from '../../src/ui/config/cluster-description.ts';
import { type ApiUnderTest, type Reply, startApi } from './api-under-test.ts';

let api: ApiUnderTest;
before(async () => {
  api = await startApi();
});
after(() => api.close());

const path = '/api/v1/namespaces/default/services';
const body = (name: string, spec: object = {}) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } });
const create = (name: string, spec: object = {}, query = '', of = api): Promise<Reply> => of.call('POST', `${path}${query}`, { body: body(name, spec) });
const dry = (name: string, spec: object = {}) => create(name, spec, '?dryRun=All');
const remove = (name: string) => api.call('DELETE', `${path}/${name}`);

/** A cluster with few addresses. */
async function narrow(cidr: string, body: (of: ApiUnderTest) => Promise<void>): Promise<void> {
  const few = createKinds({ serviceCidrs: [cidr], nodePorts: { first: 30_000, last: 32_767 } });
  const of = await startApi({ kinds: few, store: createMemoryStore(few) });
  try {
    await body(of);
  } finally {
    await of.close();
  }
}

test('IPAM-23: five hundred Services created at once have five hundred addresses and node ports', async () => {
  const replies = await Promise.all(Array.from({ length: 500 }, (_, i) => create(`many-${i}`, { type: 'NodePort' })));
  assert.deepEqual([...new Set(replies.map(({ code }) => code))], [201]);
  assert.equal(new Set(replies.map(({ json }) => json.spec.clusterIP)).size, 500);
  assert.equal(new Set(replies.map(({ json }) => json.spec.ports[0].nodePort)).size, 500);
  await api.call('DELETE', path);
});

test('IPAM-15, IPAM-16: a full range refuses and stores nothing; what is deleted can be had again at once', () =>
  narrow('10.96.0.0/30', async (of) => {
    for (const name of ['a', 'b']) assert.equal((await create(name, {}, '', of)).code, 201);
    const full = await create('c', {}, '', of);
    assert.deepEqual([full.code, full.json.reason, full.json.message], [500, 'InternalError', 'Internal error occurred: failed to allocate a serviceIP: range is full']);
    assert.equal((await of.call('GET', `${path}/c`)).code, 404);
    const { json } = await of.call('DELETE', `${path}/a`);
    const again = await create('c', { clusterIP: json.spec.clusterIP }, '', of);
    assert.deepEqual([again.code, again.json.spec.clusterIP], [201, json.spec.clusterIP]);
  }));

test('IPAM-21: a create that fails for its node port has taken no address', () =>
  narrow('10.96.0.0/30', async (of) => {
    assert.equal((await create('first', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] }, '', of)).code, 201);
    for (let i = 0; i < 3; i++) {
      const refused = await create('second', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] }, '', of);
      assert.match(refused.json.message, /spec\.ports\[0\]\.nodePort: Invalid value: 30080: provided port is already allocated/);
    }
    assert.equal((await create('second', {}, '', of)).code, 201);
  }));

test('IPAM-27, IPAM-30: the API has the first address of the first range, DNS the tenth', () => {
  const at = (...serviceCIDRs: string[]) => ({ serviceCIDRs }) as unknown as ClusterDescription;
  const kubernetes = apiObjects(at('10.96.0.0/16'), 6443).find(({ kind }) => kind === 'Service') as unknown as { metadata: object; spec: object };
  assert.deepEqual(kubernetes.spec, { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443, targetPort: 6443, protocol: 'TCP' }] });
  assert.deepEqual(['10.96.0.0/16', 'fd00::/108', '10.0.0.0/24'].map((cidr) => dnsAddress(at(cidr))), ['10.96.0.10', 'fd00::a', '10.0.0.10']);
  assert.equal(serviceAddress(at('fd00::/108'), 1), 'fd00::1');
});

test('IPAM-22: a dry run hands out nothing: the network address and ports from 32769 stand for what would be', async () => {
  const revision = api.store.snapshot().revision;
  for (let i = 0; i < 2; i++) {
    const { code, json } = await dry('dry', { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports: [{ name: 'a', port: 80 }, { name: 'b', port: 81 }] });
    assert.equal(code, 201);
    const { clusterIP, clusterIPs, ports, healthCheckNodePort } = json.spec;
    assert.deepEqual([clusterIP, clusterIPs, ports.map(({ nodePort }: { nodePort: number }) => nodePort), healthCheckNodePort], ['10.96.0.0', ['10.96.0.0'], [32_769, 32_770], 32_771]);
    assert.ok(json.metadata.uid && json.metadata.creationTimestamp);
    assert.equal(json.metadata.resourceVersion, undefined);
  }
  assert.equal(api.store.snapshot().revision, revision);
  assert.equal((await api.call('GET', `${path}/dry`)).code, 404);
});

test('SVC, dry run: both families show their network addresses', async () => {
  const { json } = await dry('dry', { ipFamilyPolicy: 'RequireDualStack' });
  assert.deepEqual(json.spec.clusterIPs, ['10.96.0.0', 'fd00:10:96::']);
});

test('IPAM-22: a dry run refuses a taken node port and an address outside the range, but neither a taken address nor a port outside the range', async () => {
  await create('real', { clusterIP: '10.96.0.77', type: 'NodePort', ports: [{ port: 80, nodePort: 30_077 }] });
  const taken = await dry('dry', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_077 }] });
  assert.deepEqual([taken.code, taken.json.message], [422, 'Service "dry" is invalid: spec.ports[0].nodePort: Invalid value: 30077: provided port is already allocated']);
  const outside = await dry('dry', { clusterIP: '1.2.3.4' });
  assert.deepEqual([outside.code, outside.json.message], [422, 'Service "dry" is invalid: spec.clusterIPs: Invalid value: []string{"1.2.3.4"}: failed to allocate IP 1.2.3.4: the provided IP (1.2.3.4) is not in the valid range. The range of valid IPs is 10.96.0.0/16']);
  const address = await dry('dry', { clusterIP: '10.96.0.77' });
  assert.deepEqual([address.code, address.json.spec.clusterIP], [201, '10.96.0.77']);
  const port = await dry('dry', { type: 'NodePort', ports: [{ name: 'a', port: 80, nodePort: 80 }, { name: 'b', port: 81 }] });
  assert.deepEqual(port.json.spec.ports.map(({ nodePort }: { nodePort: number }) => nodePort), [80, 81]);
  await remove('real');
});

test('a dry run of a change keeps what the Service has and shows what it would get', async () => {
  const { json: before } = await create('grows');
  const { json } = await api.call('PATCH', `${path}/grows?dryRun=All`, { body: { spec: { type: 'NodePort', ipFamilyPolicy: 'PreferDualStack' } }, type: 'application/merge-patch+json' });
  assert.deepEqual([json.spec.clusterIPs, json.spec.ports[0].nodePort], [[before.spec.clusterIP, 'fd00:10:96::'], 32_769]);
  const { json: after } = await api.call('GET', `${path}/grows`);
  assert.deepEqual(after, before);
  await remove('grows');
});

test('IPAM-31: addresses in use, free, given and refused are counted by range', async () => {
  const of = await startApi();
  try {
    const range = { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name: 'kubernetes' }, spec: { cidrs: ['10.96.0.0/16', 'fd00:10:96::/112'] } };
    assert.equal((await of.call('POST', '/apis/networking.k8s.io/v1/servicecidrs', { body: range })).code, 201);
    await create('a', { clusterIP: '10.96.0.9' }, '', of);
    await create('b', { ipFamilyPolicy: 'RequireDualStack' }, '', of);
    await create('c', { clusterIP: 'None' }, '', of);
    await create('d', {}, '?dryRun=All', of);
    await create('e', { clusterIP: '10.96.0.9' }, '', of);
    await of.call('PATCH', `${path}/b`, { body: { metadata: { labels: { a: 'b' } } }, type: 'application/merge-patch+json' });
    const { text } = await of.call('GET', '/metrics');
    const values = Object.fromEntries([...text.matchAll(/^kube_apiserver_clusterip_allocator_(\S+) (\d+)$/gm)].map(([, name, value]) => [name, Number(value)]));
    assert.deepEqual(values, {
      'allocated_ips{cidr="10.96.0.0/16"}': 2,
      'allocated_ips{cidr="fd00:10:96::/112"}': 1,
      'available_ips{cidr="10.96.0.0/16"}': 65_532,
      'available_ips{cidr="fd00:10:96::/112"}': 65_534,
      'allocation_total{cidr="10.96.0.0/16",scope="static"}': 1,
      'allocation_total{cidr="10.96.0.0/16",scope="dynamic"}': 1,
      'allocation_total{cidr="fd00:10:96::/112",scope="dynamic"}': 1,
      'allocation_errors_total{cidr="10.96.0.0/16",scope="static"}': 1,
      'allocation_errors_total{cidr="10.96.0.0/16",scope="dynamic"}': 0,
      'allocation_errors_total{cidr="fd00:10:96::/112",scope="dynamic"}': 0,
    });
  } finally {
    await of.close();
  }
});
