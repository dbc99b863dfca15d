// NetworkPolicy on a whole cluster: what curl finds in each pod, and whether `fairlead why` says the same.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { nodeNamespace } from '../../src/node/machine/names.ts';
import { namespaceSockets } from '../../src/node/netlink/namespace-sockets.ts';
import { eventually, forget, manifest, startCluster, type RunningCluster } from './running-cluster.ts';
import { readyPods, systemReady } from './workloads.ts';

const outside = { friend: '10.4.0.100', foe: '10.4.0.101' };

let cluster: RunningCluster;
const servers = Object.entries(outside).map(([name, address]) => ({ name, address, server: createServer((_request, response) => response.end(name)) }));

before(async () => {
  cluster = await startCluster('policies', { config: manifest('policies/cluster.yaml') });
  for (const { name, address, server } of servers) await namespaceSockets(nodeNamespace('policies', name)).listenTcp(server, { address, port: 80 });
  await systemReady(cluster);
  await cluster.ok(`apply -f ${manifest('policies/shop.yaml')}`);
  for (const [namespace, count] of [['shop', 3], ['partners', 1], ['strangers', 1]] as const) await readyPods(cluster, `-n ${namespace}`, count);
});
after(async () => {
  for (const { server } of servers) server.close();
  await cluster.stop();
  forget(cluster);
});

/** namespace/pod, destination as the pod writes it, does it connect? */
type Row = readonly [from: string, to: string, connects: boolean];

/** Patient where a connection is expected, as the machine may be busy; a dropped packet is told by silence. */
const connectsNow = async ([from, to, expected]: Row): Promise<boolean> => {
  const [namespace, pod] = from.split('/');
  const { code } = await cluster.kubectl(`exec -n ${namespace} ${pod} -- curl -sS -o /dev/null --max-time ${expected ? 4 : 0.8} http://${to}/`);
  return code === 0;
};

const explained = async (from: string, to: string) => {
  const { code, stdout, stderr } = await cluster.fairlead(`why ${from} ${to}`);
  return { code, text: stdout + stderr };
};

/** First waits for the last row, as a change needs its moment; then all must agree, model and kernel. */
async function check(rows: readonly Row[]): Promise<void> {
  const last = rows.at(-1)!;
  await eventually(`${last.join(' ')}`, () => connectsNow(last), (found) => found === last[2]);
  const found = await Promise.all(rows.map(async (row) => [row[0], row[1], await connectsNow(row)]));
  assert.deepEqual(found, rows, 'what curl finds');
  for (const [pod, destination, expected] of rows) {
    const { code, text } = await explained(pod, destination);
    assert.equal(code, expected ? 0 : 1, `fairlead why ${pod} ${destination}\n${text}`);
  }
}

const apply = (name: string) => cluster.ok(`apply -f ${manifest(`policies/${name}.yaml`)}`);

test('NP-01: without a policy every pod reaches every other and the world outside', () =>
  check([
    ['shop/client', 'web', true],
    ['shop/client', 'db:5432', true],
    ['shop/web', 'db:5432', true],
    ['partners/partner', 'web.shop', true],
    ['strangers/stranger', 'web.shop:9090', true],
    ['shop/client', outside.friend, true],
    ['shop/client', outside.foe, true],
  ]));

test('NP-25, NP-35: default deny cuts the shop off, in and out; others go on', async () => {
  await apply('default-deny');
  await check([
    ['partners/partner', outside.friend, true],
    ['partners/partner', 'web.shop', false],
    ['shop/client', 'web', false],
    ['shop/client', outside.friend, false],
    ['shop/client', 'kube-dns.kube-system:53', false],
    ['shop/web', 'db:5432', false],
  ]);
});

test('what egress permits by label is of no use by name while DNS is denied', async () => {
  await apply('allow-labels');
  const { spec } = await cluster.get<{ spec: { clusterIP: string } }>('service web -n shop');
  await check([
    ['shop/client', 'web', false],
    ['shop/client', spec.clusterIP, true],
  ]);
});

test('with DNS allowed: labels, namespaces and ports decide', async () => {
  await apply('allow-dns');
  await check([
    ['shop/client', 'db:5432', false],
    ['shop/client', 'web:9090', false],
    ['shop/web', 'db:5432', true],
    ['shop/db', 'web', false],
    ['partners/partner', 'web.shop', true],
    ['partners/partner', 'web.shop:9090', false],
    ['partners/partner', 'db.shop:5432', false],
    ['strangers/stranger', 'web.shop', false],
    ['shop/client', outside.friend, false],
    ['shop/client', 'web', true],
  ]);
});

test('labels that change, of a namespace and of a pod, change who may', async () => {
  await cluster.ok('label namespace strangers team=partners');
  await check([['partners/partner', 'web.shop', true], ['strangers/stranger', 'web.shop', true]]);
  await cluster.ok('label namespace strangers team-');
  await check([['strangers/stranger', 'web.shop', false]]);
  await cluster.ok('label pod client -n shop role=other --overwrite');
  await check([['shop/client', 'web', false]]);
  await cluster.ok('label pod client -n shop role=client --overwrite');
  await check([['shop/client', 'web', true]]);
});

test('an ipBlock lets out to its range, except what it excepts', async () => {
  await apply('ip-block');
  await check([
    ['shop/client', outside.foe, false],
    ['shop/web', outside.friend, false],
    ['shop/client', outside.friend, true],
  ]);
});

test('NP-42: a connection that stands goes on when a policy denies new ones', async () => {
  const { status } = await cluster.get<{ status: { podIP: string } }>('pod web -n shop');
  const two = `exec -n partners partner -- curl -sS --max-time 8 http://${status.podIP}:8080/first?delayMs=1500 http://${status.podIP}:8080/second`;
  const standing = cluster.kubectl(two);
  await eventually('the first request is under way', () => cluster.ok('logs web -n shop'), (log) => log.includes('/first'));
  await cluster.ok('delete networkpolicy web -n shop');
  await check([['partners/partner', 'web.shop', false]]);
  const { code, stdout } = await standing;
  assert.equal(code, 0);
  assert.match(stdout, /request: GET \/second /);
});

test('when the last policy is gone, everything is open again', async () => {
  await cluster.ok('delete networkpolicy --all -n shop');
  await check([['strangers/stranger', 'web.shop:9090', true], ['shop/client', outside.foe, true], ['shop/client', 'db:5432', true]]);
});
