// What a pod finds around itself on a whole cluster: variables, resolv.conf, hosts, names of every record type, both families.
import { dig } from './dig.ts';
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually, forget, manifest, startCluster, type RunningCluster } from './running-cluster.ts';
import { curlFrom, curlInPod, localIn, podIn, podsOf, readyPods, systemReady } from './workloads.ts';

let cluster: RunningCluster;

before(async () => {
  cluster = await startCluster('surroundings', { config: manifest('surroundings/cluster.yaml') });
  await systemReady(cluster);
  for (const file of ['services', 'pods', 'dual-stack']) await cluster.ok(`apply -f ${manifest(`surroundings/${file}.yaml`)}`);
  await cluster.ok('wait --for=condition=Ready pod --all -A --timeout=30s');
});
after(async () => {
  await cluster.stop();
  forget(cluster);
});

const inPod = (pod: string, command: string) => cluster.ok(`exec ${pod} -- ${command}`);
const environment = async (pod: string) => new Map((await inPod(pod, 'env')).split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]));
const clusterIPs = async (service: string) => (await cluster.get<{ spec: { clusterIPs: string[] } }>(`service ${service}`)).spec.clusterIPs;

describe('environment', () => {
  test('DSC-02: redis-primary yields exactly its seven variables', async () => {
    const found = [...(await environment('client'))].filter(([name]) => name.startsWith('REDIS_'));
    assert.deepEqual(Object.fromEntries(found), {
      REDIS_PRIMARY_SERVICE_HOST: '10.96.0.11',
      REDIS_PRIMARY_SERVICE_PORT: '6379',
      REDIS_PRIMARY_PORT: 'tcp://10.96.0.11:6379',
      REDIS_PRIMARY_PORT_6379_TCP: 'tcp://10.96.0.11:6379',
      REDIS_PRIMARY_PORT_6379_TCP_PROTO: 'tcp',
      REDIS_PRIMARY_PORT_6379_TCP_PORT: '6379',
      REDIS_PRIMARY_PORT_6379_TCP_ADDR: '10.96.0.11',
    });
  });

  test('DSC-03 DSC-04 DSC-05 DSC-10: every port and protocol, names of ports, IPv6 in brackets; what the pod says wins', async () => {
    const found = await environment('client');
    const [six] = await clusterIPs('six');
    assert.equal(found.get('DNS_LIKE_SERVICE_PORT_QUERY'), '53');
    assert.equal(found.get('DNS_LIKE_SERVICE_PORT_TRANSFER_TCP'), '53');
    assert.match(found.get('DNS_LIKE_PORT_53_UDP') ?? '', /^udp:\/\/.*:53$/);
    assert.match(found.get('DNS_LIKE_PORT_53_TCP') ?? '', /^tcp:\/\/.*:53$/);
    assert.equal(found.get('DNS_LIKE_SERVICE_PORT'), 'mine');
    assert.equal(found.get('SIX_PORT'), `tcp://[${six}]:80`);
    assert.equal(found.get('SIX_SERVICE_HOST'), six);
  });

  test('DSC-07 DSC-08 DSC-09: headless, ExternalName and other namespaces add nothing; without links only kubernetes stays', async () => {
    const found = [...(await environment('client')).keys()];
    assert.ok(!found.some((name) => /^(NO_HEAD|ELSEWHERE|HIDDEN)_/.test(name)));
    const bare = [...(await environment('no-links')).keys()].filter((name) => /_SERVICE_(HOST|PORT)/.test(name));
    assert.deepEqual(bare.toSorted(), ['KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT', 'KUBERNETES_SERVICE_PORT_HTTPS']);
    assert.equal((await environment('-n other neighbour')).get('KUBERNETES_SERVICE_HOST'), '10.96.0.1');
  });

  test('DSC-06 DSC-11: a Service made later is not in the environment, but in DNS', async () => {
    await cluster.ok('create service clusterip later --tcp=80:80');
    const [address] = await clusterIPs('later');
    assert.equal((await eventually('the name', () => cluster.kubectl('exec client -- getent hosts later'), ({ code }) => code === 0)).stdout.split(/\s+/)[0], address);
    assert.ok(![...(await environment('client')).keys()].some((name) => name.startsWith('LATER_')));
  });
});

describe('files', () => {
  test('DNS-01: resolv.conf points at the cluster’s DNS and searches the pod’s namespace first', async () => {
    const expected = (namespace: string) => `nameserver 10.96.0.10\nsearch ${namespace}.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n`;
    assert.equal(await inPod('client', 'cat /etc/resolv.conf'), expected('default'));
    assert.equal(await inPod('-n other neighbour', 'cat /etc/resolv.conf'), expected('other'));
    assert.equal(await inPod('own-dns', 'cat /etc/resolv.conf'), 'nameserver 192.0.2.1\nsearch ns1.svc.cluster-domain.example my.dns.search.suffix\noptions ndots:2 edns0\n');
  });

  test('hosts names the pod itself under its own addresses, and its aliases', async () => {
    const { status } = await cluster.get<{ status: { podIPs: { ip: string }[] } }>('pod no-links');
    const hosts = await inPod('no-links', 'cat /etc/hosts');
    for (const { ip } of status.podIPs) assert.ok(hosts.includes(`${ip}\tcalled.no-head.default.svc.cluster.local\tcalled\n`), hosts);
    assert.match(hosts, /^10\.1\.2\.3\tfoo\.local\tbar\.local$/m);
    assert.equal((await inPod('no-links', 'hostname')).trim(), 'called');
    assert.equal((await inPod('client', 'hostname')).trim(), 'client');
  });
});

describe('names', () => {
  test('DSC-12 DSC-13: short names in one’s own namespace, longer ones from another', async () => {
    const [address] = await clusterIPs('redis-primary');
    for (const name of ['redis-primary', 'redis-primary.default', 'redis-primary.default.svc', 'redis-primary.default.svc.cluster.local']) {
      assert.equal((await inPod('client', `getent ahostsv4 ${name}`)).split(/\s+/)[0], address);
    }
    assert.equal((await inPod('-n other neighbour', 'getent ahostsv4 redis-primary.default')).split(/\s+/)[0], address);
    assert.notEqual((await cluster.kubectl('exec -n other neighbour -- getent hosts redis-primary')).code, 0);
  });

  test('DSC-14: A, AAAA and SRV of a Service with both families; none for what it has not', async () => {
    const [four, six] = await clusterIPs('dual');
    const name = 'dual.default.svc.cluster.local';
    const ask = (asked: string, type: string) => dig(cluster, 'client', asked, type);
    assert.deepEqual((await ask(name, 'A')).records, [four]);
    assert.deepEqual((await ask(name, 'AAAA')).records, [six]);
    assert.deepEqual((await ask(`_http._tcp.${name}`, 'SRV')).records, [`0 100 80 ${name}.`]);
    assert.equal((await ask(`_https._tcp.${name}`, 'SRV')).code, 'NXDOMAIN');
    assert.deepEqual(await ask('redis-primary.default.svc.cluster.local', 'AAAA'), { code: 'NOERROR', records: [] });
    assert.equal((await ask('nobody.default.svc.cluster.local', 'A')).code, 'NXDOMAIN');
  });

  test('a cluster IP leads back to its name', async () => {
    const [address] = await clusterIPs('redis-primary');
    assert.match(await inPod('client', `getent hosts ${address}`), /\sredis-primary\.default\.svc\.cluster\.local\s/);
  });
});

describe('both families', () => {
  test('pods have an address of each family', async () => {
    for (const { status } of await readyPods(cluster, '-l app=dual', 2)) assert.deepEqual(status.podIPs?.map(({ ip }) => ip.includes(':')), [false, true]);
  });

  test('a pod and a node reach the Service by either cluster IP, and IPv6 alone', async () => {
    const addresses = [...(await clusterIPs('dual')), ...(await clusterIPs('only-six'))].map((ip) => (ip.includes(':') ? `[${ip}]` : ip));
    assert.equal(addresses.length, 3);
    for (const address of [...addresses, 'dual', 'only-six']) {
      const { body } = await eventually(`${address} from the pod`, () => curlInPod(cluster, 'client', `http://${address}/`), ({ status }) => status === 200);
      assert.ok(podIn(body)?.startsWith('default/dual-'));
      // `dual` may be asked by either.
      if (address !== 'dual') assert.equal(localIn(body)?.startsWith('['), address.startsWith('[') || address === 'only-six', `${address} reached ${localIn(body)}`);
    }
    for (const address of addresses) assert.equal((await curlFrom(cluster, 'node1', `http://${address}/`)).status, 200, `${address} from node1`);
  });

  test('KPX-30: the node port answers on both addresses of every node, from outside', async () => {
    for (const address of ['10.7.0.11', '[fd00:7::11]', '10.7.0.13', '[fd00:7::13]']) {
      const { body } = await curlFrom(cluster, 'client', `http://${address}:30090/`);
      assert.ok(podIn(body)?.startsWith('default/dual-'), `${address}: ${body}`);
    }
    assert.equal((await podsOf(cluster, '-l app=dual')).length, 2);
  });
});
