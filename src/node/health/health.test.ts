import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { createManualClock } from '../../base/run/clock.ts';
import { hostSockets } from '../../base/run/sockets.ts';
import { endpointSliceKind } from '../../kube/kinds/endpoint-slice.ts';
import type { Kind } from '../../kube/kinds/kind.ts';
import type { Node } from '../../kube/objects/core.ts';
import type { EndpointSlice } from '../../kube/objects/networking.ts';
import type { Endpoint, NetworkModel, ServicePort } from '../../model/network-model.ts';
import { healthPorts } from './health-ports.ts';
import { createNodeHealth } from './node-health.ts';
import { createNodeProxyMetrics } from './proxy-metrics.ts';
import { createHealthRenderer, type HealthWishes } from './service-health.ts';
import { openStatusServers } from './status-server.ts';

const origin = { kind: 'Service', namespace: 'default', name: 'web' };
const endpoint = (pod: string, address: string, terminating = false): Endpoint => ({
  address,
  port: 8080,
  local: true,
  pod: { kind: 'Pod', namespace: 'default', name: pod },
  origin,
  ...(terminating && { terminating }),
});
const port = (key: string, over: Partial<ServicePort>): ServicePort => ({ key, family: 4, protocol: 'TCP', virtual: [], endpoints: [], origin, ...over });
const model = (...ports: ServicePort[]) => ({ revision: 7, services: new Map(ports.map((each) => [each.key, each])) }) as unknown as NetworkModel;
const checked = (...localEndpoints: Endpoint[]) => port('default/web:http/tcp/4', { healthCheckNodePort: 32_000, localEndpoints });

const counts: readonly (readonly [about: string, ports: ServicePort[], expected: number | undefined])[] = [
  ['ready endpoints of this node are counted', [checked(endpoint('a', '10.0.0.1'), endpoint('b', '10.0.0.2'))], 2],
  ['PROXY-34: those that end are not, though they still serve', [checked(endpoint('a', '10.0.0.1', true))], 0],
  ['a pod that serves two ports or families is one', [checked(endpoint('a', '10.0.0.1')), port('default/web:http/tcp/6', { healthCheckNodePort: 32_000, localEndpoints: [endpoint('a', 'fd00::1')] })], 1],
  ['a Service without the port is not asked about', [port('default/web:http/tcp/4', {})], undefined],
];
for (const [about, ports, expected] of counts) {
  test(`KPX-45: ${about}`, () => assert.equal(createHealthRenderer()(model(...ports)).get(32_000)?.localEndpoints, expected));
}

const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '::', resolve));
  const { port: free } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return free;
};
const get = async (at: number, path = '/') => {
  const response = await fetch(`http://127.0.0.1:${at}${path}`);
  return { code: response.status, type: response.headers.get('content-type'), sniff: response.headers.get('x-content-type-options'), text: await response.text() };
};

test('KPX-45, PROXY-33: 200 with a ready local endpoint and a healthy proxy, else 503; the body says which; gone with the Service', async () => {
  let isHealthy = true;
  const driver = healthPorts({ sockets: hostSockets, isHealthy: () => isHealthy });
  const at = await freePort();
  const wish = (localEndpoints: number): HealthWishes => new Map([[at, { port: at, service: origin, localEndpoints }]]);
  await driver.apply(wish(2));
  const good = await get(at);
  assert.deepEqual([good.code, good.type, good.sniff], [200, 'application/json', 'nosniff']);
  assert.deepEqual(JSON.parse(good.text), { service: { namespace: 'default', name: 'web' }, localEndpoints: 2, serviceProxyHealthy: true });
  isHealthy = false;
  assert.equal((await get(at)).code, 503);
  isHealthy = true;
  await driver.apply(wish(0));
  const empty = await get(at);
  assert.deepEqual([empty.code, JSON.parse(empty.text).localEndpoints], [503, 0]);
  await driver.apply(new Map());
  await assert.rejects(get(at));
});

test('PROXY-35: a port that is taken is told and tried again; the others are served', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '::', resolve));
  const { port: busy } = taken.address() as { port: number };
  const free = await freePort();
  const refused: string[] = [];
  const driver = healthPorts({ sockets: hostSockets, isHealthy: () => true, onRefused: (health, error) => refused.push(`${health.port} ${(error as NodeJS.ErrnoException).code}`) });
  const wishes: HealthWishes = new Map([busy, free].map((each) => [each, { port: each, service: origin, localEndpoints: 1 }]));
  await driver.apply(wishes);
  assert.deepEqual(refused, [`${busy} EADDRINUSE`]);
  assert.equal((await get(free)).code, 200);
  await new Promise((resolve) => taken.close(resolve));
  await driver.apply(new Map(wishes));
  assert.equal((await get(busy)).code, 200);
  await driver.remove();
});

const node = (over: { deleted?: boolean; taint?: string } = {}): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'a', ...(over.deleted && { deletionTimestamp: '2024-01-01T00:00:00Z' }) },
  spec: over.taint ? { taints: [{ key: over.taint, effect: 'NoSchedule' }] } : {},
});

const ways: readonly (readonly [about: string, seen: (Node | undefined)[], healthy: boolean])[] = [
  ['an ordinary node', [node()], true],
  ['a node that has not registered yet', [undefined], true],
  ['a node that is being deleted', [node({ deleted: true })], false],
  ['a node that is gone', [node(), undefined], false],
  ['a node that the autoscaler takes out', [node({ taint: 'ToBeDeletedByClusterAutoscaler' })], false],
  ['a node with another taint', [node({ taint: 'example.com/quiet' })], true],
];
for (const [about, seen, healthy] of ways) {
  test(`KPX-46, PROXY-37: ${about}: healthz ${healthy ? 200 : 503}, livez 200`, () => {
    const health = createNodeHealth(createManualClock(), 30_000);
    health.updated();
    for (const each of seen) health.saw(each);
    assert.deepEqual([health.isHealthy(), health.isAlive(), health.report().nodeEligible], [healthy, true, healthy]);
  });
}

test('PROXY-36: a change that waits for two sync periods makes the node unhealthy, until it is done', async () => {
  const clock = createManualClock();
  const health = createNodeHealth(clock, 30_000);
  await clock.advance(59_999);
  assert.equal(health.isAlive(), true);
  await clock.advance(1);
  assert.equal(health.isAlive(), false, 'the first look counts, too');
  health.updated();
  await clock.advance(600_000);
  assert.equal(health.isAlive(), true, 'nothing changed, so nothing waits');
  health.queued();
  await clock.advance(30_000);
  health.queued();
  await clock.advance(30_000);
  assert.deepEqual([health.isAlive(), health.isHealthy()], [false, false]);
  health.updated();
  assert.equal(health.isHealthy(), true);
});

const slice = (trigger: string): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'web-1', namespace: 'default', annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': trigger } },
  addressType: 'IPv4',
  endpoints: [],
});

test('KPX-27, PROXY-77, PROXY-78, ITP-11: metrics under the names of kube-proxy, and the mode', async () => {
  const clock = createManualClock();
  const metrics = createNodeProxyMetrics(clock);
  const health = createNodeHealth(clock, 30_000);
  const { healthPort, metricsPort, close } = await openStatusServers({
    sockets: hostSockets, health, metrics, mode: 'nftables', healthAt: { address: '127.0.0.1', port: 0 }, metricsAt: { address: '127.0.0.1', port: 0 },
  });
  metrics.woken();
  for (const [trigger, revision] of [['2023-01-01T00:00:00Z', 6], ['2024-01-01T00:00:00Z', 7], ['2024-01-01T00:00:00Z', 9]] as const) {
    metrics.saw({ type: 'ADDED', kind: endpointSliceKind as Kind, object: slice(trigger), revision });
  }
  await clock.advance(2_000);
  metrics.turned(model(port('default/web:http/tcp/4', { virtual: [{ type: 'clusterIP', address: '10.96.0.1', port: 80, localOnly: true }], endpoints: [endpoint('a', '10.0.0.1')], localEndpoints: [] })), 4);
  metrics.applied('ruleset', { changes: 3, tookMs: 1 });
  await get(healthPort!, '/healthz');
  assert.deepEqual((await get(healthPort!, '/readyz')).code, 404);
  const { text } = await get(metricsPort!, '/metrics');
  for (const line of [
    'kubeproxy_sync_proxy_rules_duration_seconds_count 1',
    'kubeproxy_sync_proxy_rules_last_timestamp_seconds 1704067202',
    'kubeproxy_sync_proxy_rules_endpoint_changes_total 3',
    'kubeproxy_sync_proxy_rules_endpoint_changes_pending 1',
    'kubeproxy_network_programming_duration_seconds_count 1',
    'kubeproxy_network_programming_duration_seconds_sum 2',
    'kubeproxy_sync_proxy_rules_no_local_endpoints_total{traffic_policy="internal"} 1',
    'kubeproxy_sync_proxy_rules_no_local_endpoints_total{traffic_policy="external"} 0',
    'kubeproxy_proxy_healthz_total{code="200"} 1',
    'fairlead_node_kernel_changes_total{step="ruleset"} 3',
    'kubeproxy_sync_proxy_rules_nftables_sync_failures_total 0',
  ]) assert.ok(text.includes(`${line}\n`), line);
  assert.equal((await get(metricsPort!, '/proxyMode')).text, 'nftables');
  await close();
});

test('PROXY-59: in mode iptables, how many rules there are, how many were written last, and how often they were refused', async () => {
  const metrics = createNodeProxyMetrics(createManualClock(), 'iptables');
  metrics.applied('iptables', { changes: 9, tookMs: 1, rules: { nat: { total: 40, written: 40 }, filter: { total: 30, written: 30 } } });
  metrics.applied('iptables', { changes: 2, tookMs: 1, rules: { nat: { total: 41, written: 3 }, filter: { total: 30, written: 0 } } });
  metrics.applied('conntrack', { changes: 1, tookMs: 1 });
  metrics.failed(new Error('refused'));
  const text = await metrics.print();
  for (const line of [
    'kubeproxy_sync_proxy_rules_iptables_total{table="nat"} 41',
    'kubeproxy_sync_proxy_rules_iptables_total{table="filter"} 30',
    'kubeproxy_sync_proxy_rules_iptables_last{table="nat"} 3',
    'kubeproxy_sync_proxy_rules_iptables_last{table="filter"} 0',
    'kubeproxy_sync_proxy_rules_iptables_restore_failures_total 1',
    'kubeproxy_sync_proxy_rules_nftables_sync_failures_total 0',
  ]) assert.ok(text.includes(`${line}\n`), line);
});
