// `fairlead proxy` as its own process in a node's network: what it writes and when, and what survives its ends.
//
//   node (the proxy, clients, the API server on loopback) ── pod (10.244.1.2, an echo of lines on 8080)
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { nodeKind } from '../../src/kube/kinds/node.ts';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import { namespaceSockets } from '../../src/node/netlink/namespace-sockets.ts';
import { createNamespace, inNamespace, type Netns, removeNamespace } from '../../src/node/netlink/namespaces.ts';
import { readSysctlHere } from '../../src/node/netlink/sysctl.ts';
import { type ApiUnderTest, startApi } from '../e2e/api-under-test.ts';
import { accountOf, type PartProcess, startPart } from '../e2e/part-process.ts';
import { eventually } from '../e2e/running-cluster.ts';

const clusterIp = '10.96.0.10';
const table = 'table inet fairlead';
let node: Netns;
let pod: Netns;
let api: ApiUnderTest;
let echo: Server;
const streams = new Set<Socket>();
const running = new Set<PartProcess>();

const object = (kind: string, name: string, rest: object, apiVersion = 'v1'): KubeObject => ({ apiVersion, kind, metadata: { name, ...(kind !== 'Node' && { namespace: 'default' }) }, ...rest }) as KubeObject;
const service = (name: string, ip: string) =>
  object('Service', name, { spec: { type: 'ClusterIP', clusterIP: ip, clusterIPs: [ip], ipFamilies: ['IPv4'], ports: [{ port: 80, targetPort: 8080, protocol: 'TCP' }] } });
const slice = (name: string, of: string) => ({
  ...object('EndpointSlice', name, { addressType: 'IPv4', ports: [{ name: '', port: 8080, protocol: 'TCP' }], endpoints: [{ addresses: ['10.244.1.2'], nodeName: 'a', conditions: { ready: true } }] }, 'discovery.k8s.io/v1'),
  metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': of } },
});

const ip = (namespace: Netns, ...lines: string[]) => inNamespace(namespace, () => execFileSync('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n` }));
const tables = () => inNamespace(node, () => execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' }));
const holds = (text: string) => inNamespace(node, () => execFileSync('nft', ['list', 'ruleset'], { encoding: 'utf8' })).includes(text);
const create = (...objects: KubeObject[]) => Promise.all(objects.map((each) => api.store.write({ verb: 'create', object: each })));

before(async () => {
  const sysctls = { 'net/ipv4/ip_forward': '1' };
  node = createNamespace(`part-n-${process.pid}`, sysctls);
  pod = createNamespace(`part-p-${process.pid}`);
  ip(node, 'link set lo up', `link add p0 type veth peer name e0 netns ${pod.name}`, 'link set p0 up', 'addr add 10.244.1.1/24 dev p0', 'route add 10.96.0.0/16 dev p0');
  ip(pod, 'link set lo up', 'link set e0 up', 'addr add 10.244.1.2/24 dev e0', 'route add default via 10.244.1.1');
  echo = createServer((stream) => {
    streams.add(stream);
    stream.on('error', () => {}).pipe(stream);
  });
  await namespaceSockets(pod).listenTcp(echo, { address: '0.0.0.0', port: 8080 });
  api = await startApi({ sockets: namespaceSockets(node) });
  await create(
    object('Node', 'a', { spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24'] }, status: { addresses: [{ type: 'InternalIP', address: '10.244.1.1' }] } }),
    service('web', clusterIp),
    slice('web-1', 'web'),
  );
});

after(async () => {
  await Promise.all([...running].map((part) => part.end()));
  for (const stream of streams) stream.destroy();
  echo.close();
  await api.close();
  for (const each of [node, pod]) removeNamespace(each);
});

function start(...more: string[]): PartProcess {
  const part = startPart(node, ['proxy', '--kubeconfig', api.kubeconfig, '--node', 'a', '--service-cidr', '10.96.0.0/16', '--sync-period', '1s', ...more]);
  running.add(part);
  void part.ended.then(() => running.delete(part));
  return part;
}

/** A stream through the cluster IP: each `say` must come back. */
async function openStream() {
  const stream = namespaceSockets(node).connectTcp({ address: clusterIp, port: 80 });
  streams.add(stream);
  await once(stream, 'connect');
  const lines = createInterface({ input: stream })[Symbol.asyncIterator]();
  return {
    async say(text: string) {
      stream.write(`${text}\n`);
      assert.equal((await lines.next()).value, text);
    },
    end: () => stream.destroy(),
  };
}

const status = async (port: number, path: string) => {
  const out = inNamespace(node, () => execFileSync('curl', ['-s', '-w', ' %{http_code}', `http://127.0.0.1:${port}${path}`], { encoding: 'utf8' }));
  return out;
};

test('KPX-26, PROXY-02: nothing is written before Services and slices have been listed in full', async () => {
  // As an account that may read Services but, so far, no slices.
  const account = await accountOf(api, 'proxy');
  await account.forbid('endpointslices');
  const proxy = start('--kubeconfig', account.kubeconfig);
  await eventually('the metrics answer', async () => status(10_249, '/proxyMode').catch(() => ''), (text) => text.includes('nftables'));
  assert.equal(tables(), '');
  await account.forbid();
  await proxy.serving();
  assert.ok(tables().includes(table));
  assert.ok(holds(clusterIp), 'with the manifest’s whole role it serves');
  assert.equal(await proxy.end(), 0);
});

test('PROXY-05: without nft it ends at once and says so; no other mode is taken instead', async () => {
  const proxy = startPart(node, ['proxy', '--kubeconfig', api.kubeconfig, '--node', 'a'], { PATH: '/nonexistent' });
  assert.deepEqual([await proxy.ended, proxy.said().trim()], [1, 'fairlead: proxy mode nftables cannot be served here: nft is not installed']);
});

test('KPX-26, PROXY-82: a stream through a cluster IP outlives the end, a kill -9 and the new start of the proxy, and an API outage', async () => {
  const first = start();
  await first.serving();
  const stream = await openStream();
  await stream.say('under the first');
  assert.equal(await first.end(), 0);
  await stream.say('under none');
  await (await openStream()).say('a new one, under none');
  const second = start();
  await second.serving();
  await stream.say('under the second');
  await second.end('SIGKILL');
  await stream.say('after kill -9');
  await create(service('late', '10.96.0.20'), slice('late-1', 'late'));
  await api.store.write({ verb: 'delete', target: { apiVersion: 'v1', kind: 'Service', name: 'late', namespace: 'default' } });
  const third = start();
  await third.serving();
  await stream.say('under the third');
  await api.pause();
  await stream.say('without an API server');
  await (await openStream()).say('a new one, without an API server');
  await api.resume();
  await create(service('after', '10.96.0.30'), slice('after-1', 'after'));
  await eventually('the proxy follows again', async () => holds('10.96.0.30'), (seen) => seen);
  await stream.say('with the API server again');
  stream.end();
  await third.end();
});

test('KPX-25, KPX-46, KPX-27, PROXY-08: connections are remembered for a day; a flushed table is back within the sync period; health and metrics answer; --cleanup leaves nothing', async () => {
  const proxy = start();
  await proxy.serving();
  assert.equal(inNamespace(node, () => readSysctlHere('net/netfilter/nf_conntrack_tcp_timeout_established')), '86400');
  inNamespace(node, () => execFileSync('nft', ['flush', 'ruleset']));
  await eventually('the table is back', async () => holds(clusterIp), (seen) => seen);
  assert.match(await status(10_256, '/healthz'), /"nodeEligible":true.* 200$/s);
  assert.match(await status(10_249, '/metrics'), /^kubeproxy_sync_proxy_rules_duration_seconds_count [1-9]/m);
  const seen = api.store.snapshot().get(nodeKind, 'a')!;
  await api.store.write({ verb: 'update', object: { ...seen, spec: { ...seen.spec, taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] } } as KubeObject });
  await eventually('the node is on its way out', async () => status(10_256, '/healthz'), (text) => /"nodeEligible":false.* 503$/s.test(text));
  assert.match(await status(10_256, '/livez'), / 200$/);
  assert.equal(await proxy.end(), 0);
  assert.ok(tables().includes(table), 'the end of the proxy is not the end of its rules');
  assert.equal(await startPart(node, ['proxy', '--cleanup']).ended, 0);
  assert.equal(tables(), '');
});
