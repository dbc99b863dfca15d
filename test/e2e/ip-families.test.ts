// Clusters without IPv4, and with IPv6 first: everything that a cluster promises, by the families it has; and a Service
// that changes its families while it is used.
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { nodeNamespace } from '../../src/node/machine/names.ts';
import { namespaceSockets } from '../../src/node/netlink/namespace-sockets.ts';
import { dig } from './dig.ts';
import { eventually, forget, manifest, startCluster, type RunningCluster } from './running-cluster.ts';
import { curlFrom, curlInPod, podIn, podsOf, readyPods, slicesOf, systemReady } from './workloads.ts';

interface ServiceView {
  spec: { clusterIP: string; clusterIPs: string[]; ipFamilies: string[]; ipFamilyPolicy: string };
  status: { loadBalancer: { ingress?: { ip: string }[] } };
}

interface NodeView {
  spec: { podCIDR: string; podCIDRs: string[] };
  status: { addresses: { type: string; address: string }[] };
}

const shape = (address: string): string => (address.includes(':') ? 'IPv6' : 'IPv4');
const urlOf = (address: string, port = 80): string => `http://${address.includes(':') ? `[${address}]` : address}:${port}/`;

interface Kind {
  readonly name: string;
  readonly config: string;
  readonly families: readonly string[];
  /** The client's own addresses. */
  readonly client: readonly string[];
}

const kinds: readonly Kind[] = [
  { name: 'six', config: 'ip-families/ipv6-only.yaml', families: ['IPv6'], client: ['fd00:10:15::100'] },
  { name: 'six-four', config: 'ip-families/ipv6-first.yaml', families: ['IPv6', 'IPv4'], client: ['fd00:10:14::100', '10.14.0.100'] },
];

for (const { name, config, families, client } of kinds) {
  describe(`a cluster of ${families.join(' and ')}`, () => {
    let cluster: RunningCluster;
    let servers: Server[] = [];
    let nodes: NodeView[] = [];
    const peers: string[] = [];
    const serviceOf = (service: string) => cluster.get<ServiceView>(`service ${service}`);
    const isWeb = (body: string): boolean => podIn(body)?.startsWith('default/web-') ?? false;
    const answers = (about: string, look: () => ReturnType<typeof curlFrom>) => eventually(about, look, ({ body }) => isWeb(body));
    const ownIps = ({ status }: NodeView) => status.addresses.filter(({ type }) => type === 'InternalIP').map(({ address }) => address);

    before(async () => {
      cluster = await startCluster(name, { config: manifest(config) });
      await systemReady(cluster);
      await cluster.ok(`apply -f ${manifest('ip-families/web.yaml')}`);
      await readyPods(cluster, '', 4);
      nodes = (await cluster.get<{ items: NodeView[] }>('nodes')).items;
      servers = client.map(() => createServer((request, response) => response.end(String(peers.push(request.socket.remoteAddress ?? '')))));
      for (const [i, address] of client.entries()) await namespaceSockets(nodeNamespace(name, 'client')).listenTcp(servers[i]!, { address, port: 80 });
    });
    after(async () => {
      for (const server of servers) server.close();
      await cluster.stop();
      forget(cluster);
    });

    test('DS-03, DS-05, DS-26: every node has an address and a part of the pod ranges in each family', () => {
      for (const node of nodes) {
        assert.deepEqual(ownIps(node).map(shape), families);
        assert.deepEqual(node.spec.podCIDRs.map((cidr) => `${shape(cidr)} ${cidr.split('/')[1]}`), families.map((family) => `${family} ${family === 'IPv6' ? 64 : 24}`));
        assert.equal(node.spec.podCIDR, node.spec.podCIDRs[0]);
      }
    });

    test('DS-01: every pod has one address of each family, the first family first', async () => {
      for (const { status } of await podsOf(cluster, '')) {
        assert.deepEqual(status.podIPs?.map(({ ip }) => shape(ip)), families);
        assert.equal(status.podIP, status.podIPs?.[0]?.ip);
      }
    });

    test('DS-06, DS-10, DS-27, DS-28: a Service that says nothing has the first family: address, slices, Endpoints', async () => {
      const { spec } = await serviceOf('web');
      assert.deepEqual([spec.ipFamilyPolicy, spec.ipFamilies, spec.clusterIPs], ['SingleStack', ['IPv6'], [spec.clusterIP]]);
      assert.equal(shape(spec.clusterIP), 'IPv6');
      const web = await slicesOf(cluster, 'web');
      assert.deepEqual(web.map(({ addressType }) => addressType), ['IPv6']);
      const { subsets } = await cluster.get<{ subsets: { addresses: { ip: string }[] }[] }>('endpoints web');
      assert.deepEqual(subsets.flatMap(({ addresses }) => addresses.map(({ ip }) => shape(ip))), ['IPv6', 'IPv6']);
    });

    test('DS-06: names lead to it, with the records of its family alone', async () => {
      const { spec } = await serviceOf('web');
      assert.deepEqual(await dig(cluster, 'friend', 'web.default.svc.cluster.local', 'AAAA'), { code: 'NOERROR', records: [spec.clusterIP] });
      assert.deepEqual(await dig(cluster, 'friend', 'web.default.svc.cluster.local', 'A'), { code: 'NOERROR', records: [] });
      await answers('by name', () => curlInPod(cluster, 'friend', 'http://web/'));
      for (const node of ['node1', 'node2', 'node3']) await answers(node, () => curlFrom(cluster, node, urlOf(spec.clusterIP)));
    });

    test('DS-06: the node port is open on every node address of its family', async () => {
      for (const address of nodes.flatMap(ownIps)) {
        if (shape(address) === 'IPv6') await answers(address, () => curlFrom(cluster, 'client', urlOf(address, 30_080)));
        else assert.notEqual((await curlFrom(cluster, 'client', urlOf(address, 30_080))).curlCode, 0, address);
      }
    });

    test('DS-06: the Ingress answers on each family of the workers', async () => {
      for (const address of nodes.slice(1).flatMap(ownIps)) {
        await answers(address, () => curlFrom(cluster, 'client', urlOf(address), "-H 'Host: web.example.com'"));
      }
    });

    test('DS-08, DS-23: PreferDualStack takes the families that there are; a balancer gives an address of each', async () => {
      await cluster.ok('expose deployment web --name=wide --port=80 --target-port=8080 --type=LoadBalancer --overrides={"spec":{"ipFamilyPolicy":"PreferDualStack"}}');
      const wide = await eventually('addresses', () => serviceOf('wide'), ({ status }) => status.loadBalancer.ingress?.length === families.length);
      assert.deepEqual([wide.spec.ipFamilyPolicy, wide.spec.ipFamilies, wide.spec.clusterIPs.map(shape)], ['PreferDualStack', families, families]);
      for (const { ip } of wide.status.loadBalancer.ingress!) await answers(ip, () => curlFrom(cluster, 'client', urlOf(ip)));
      for (const ip of wide.spec.clusterIPs) await answers(ip, () => curlInPod(cluster, 'friend', urlOf(ip)));
      await cluster.ok('delete service wide');
    });

    test('DS-09: RequireDualStack is for clusters that have both', async () => {
      const { code, stderr } = await cluster.kubectl('create service clusterip both --tcp=80 --dry-run=server -o yaml');
      assert.equal(code, 0, stderr);
      const asked = await cluster.kubectl('apply -f - --dry-run=server', {
        stdin: '{"apiVersion":"v1","kind":"Service","metadata":{"name":"both"},"spec":{"ipFamilyPolicy":"RequireDualStack","ports":[{"port":80}]}}',
      });
      if (families.length === 2) assert.equal(asked.code, 0, asked.stderr);
      else assert.match(asked.stderr, /this cluster is not configured for dual-stack services/);
    });

    test('DS-24: pods reach the world outside in each family, with the address of their node', async () => {
      for (const address of client) {
        assert.equal((await curlInPod(cluster, 'friend', urlOf(address))).status, 200, address);
        const seen = peers.at(-1)!;
        assert.ok(nodes.flatMap(ownIps).includes(seen.replace(/^::ffff:/, '')), `${address} saw ${seen}`);
      }
    });

    test('DS-42: containers are told of the primary address', async () => {
      const { spec } = await serviceOf('kubernetes');
      const environment = await cluster.ok('exec friend -- env');
      assert.match(environment, new RegExp(`^KUBERNETES_SERVICE_HOST=${spec.clusterIP}$`, 'm'));
      assert.equal(shape(spec.clusterIP), 'IPv6');
    });

    test('a policy tells friends from strangers in each family', async () => {
      const addresses = (await podsOf(cluster, '-l app=web')).flatMap(({ status }) => status.podIPs!.map(({ ip }) => ip));
      assert.deepEqual([...new Set(addresses.map(shape))].toSorted(), [...families].toSorted());
      const reaches = async (pod: string, address: string) => isWeb((await curlInPod(cluster, pod, urlOf(address, 8080), '--max-time 1')).body);
      for (const address of addresses) assert.ok(await reaches('stranger', address), address);
      await cluster.ok(`apply -f ${manifest('ip-families/friends-only.yaml')}`);
      await eventually('strangers are kept out', () => reaches('stranger', addresses[0]!), (reached) => !reached);
      const found = await Promise.all(addresses.map(async (address) => [address, await reaches('friend', address), await reaches('stranger', address)]));
      assert.deepEqual(found, addresses.map((address) => [address, true, false]));
      await cluster.ok(`delete -f ${manifest('ip-families/friends-only.yaml')}`);
    });

    if (families.length < 2) return;
    test('DS-20, DS-21, DS-27, DS-28, DS-41: a Service changes its families while it is used', async () => {
      const first = (await serviceOf('web')).spec.clusterIP;
      const failures: string[] = [];
      let asking = true;
      const steady = (async () => {
        for (; asking; ) {
          const { body, curlCode } = await curlInPod(cluster, 'friend', urlOf(first));
          if (!isWeb(body)) failures.push(`curl ended with ${curlCode}: ${body}`);
        }
      })();
      const patch = (policy: string) => cluster.ok(`patch service web --type=merge -p '{"spec":{"ipFamilyPolicy":"${policy}"}}'`);
      const v4Nodes = nodes.flatMap(ownIps).filter((address) => shape(address) === 'IPv4');
      const types = async () => (await slicesOf(cluster, 'web')).map(({ addressType }) => addressType).toSorted().join();

      await patch('PreferDualStack');
      const both = (await serviceOf('web')).spec;
      assert.deepEqual([both.clusterIP, both.clusterIPs[0], both.ipFamilies, both.clusterIPs.map(shape)], [first, first, families, families]);
      await answers('the new address', () => curlInPod(cluster, 'friend', urlOf(both.clusterIPs[1]!)));
      assert.equal(await types(), 'IPv4,IPv6');
      for (const address of v4Nodes) await answers(address, () => curlFrom(cluster, 'client', urlOf(address, 30_080)));
      assert.deepEqual((await dig(cluster, 'friend', 'web.default.svc.cluster.local', 'A')).records, [both.clusterIPs[1]]);
      const { subsets } = await cluster.get<{ subsets: { addresses: { ip: string }[] }[] }>('endpoints web');
      assert.ok(subsets.every(({ addresses }) => addresses.every(({ ip }) => shape(ip) === 'IPv6')), 'Endpoints know the first family only');

      await patch('SingleStack');
      const single = (await serviceOf('web')).spec;
      assert.deepEqual([single.clusterIPs, single.ipFamilies], [[first], ['IPv6']]);
      await eventually('no IPv4 slice', types, (seen) => seen === 'IPv6');
      await eventually('the second address is nobody’s', () => curlInPod(cluster, 'friend', urlOf(both.clusterIPs[1]!), '--max-time 1'), ({ curlCode }) => curlCode !== 0);
      assert.notEqual((await curlFrom(cluster, 'client', urlOf(v4Nodes[0]!, 30_080))).curlCode, 0, 'nor is the node port');
      assert.deepEqual((await dig(cluster, 'friend', 'web.default.svc.cluster.local', 'A')).records, []);
      const claimed = `{"apiVersion":"v1","kind":"Service","metadata":{"name":"heir"},"spec":{"clusterIP":"${both.clusterIPs[1]}","ports":[{"port":80}]}}`;
      await cluster.ok('apply -f -', { stdin: claimed });
      await cluster.ok('delete service heir');

      asking = false;
      await steady;
      assert.deepEqual(failures, [], 'the first address served all the time');
    });
  });
}
