// The article as one scenario (WT-01 … WT-31): from `kubectl get nodes` to a load balancer in front of an Ingress.
// Each step is checked on its own, and the whole way is walked by each kubectl. Where our wiring differs on purpose from
// the article's (no bridge, no flannel device, no listening socket for node ports) the step asserts what its sentence is
// about; docs/guides/walkthrough.md says how.
import assert from 'node:assert/strict';
import { createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { namespaceSockets } from '../../src/node/netlink/namespace-sockets.ts';
import { nodeNamespace } from '../../src/node/machine/names.ts';
import { TABLE } from '../../src/node/dataplane/render.ts';
import { eventually, forget, manifest, run, startCluster, type RunningCluster } from './running-cluster.ts';

const nodes = { 'k8s-node1': '10.0.2.4', 'k8s-node2': '10.0.2.5', 'k8s-node3': '10.0.2.15' } as const;
type NodeName = keyof typeof nodes;
const nodeNames = Object.keys(nodes) as NodeName[];
const workers = ['k8s-node2', 'k8s-node3'] as const;
const file = (name: string) => manifest(`walkthrough/${name}`);

interface PodView {
  metadata: { name: string; labels: Record<string, string>; ownerReferences?: { kind: string }[] };
  spec: { nodeName: string; hostNetwork?: boolean };
  status: { podIP: string; hostIP: string; phase: string; conditions: { type: string; status: string }[] };
}
type List<T> = { items: T[] };

let cluster: RunningCluster;
let clusterIP = '';
let nodePort = 0;

const steps: { name: string; take: () => Promise<void> }[] = [];
const step = (name: string, take: () => Promise<void>) => void steps.push({ name, take });

const curl = (host: string, url: string, more = '') => cluster.inside(host, `curl -sS --max-time 3 -o - -w '\n%{http_code}' ${more} ${url}`);
const codeOf = (stdout: string) => Number(stdout.trim().split('\n').at(-1));
const podOf = (body: string) => /pod[":]+ ?"?(?:default\/)?([\w-]+)/.exec(body)?.[1];
const pods = async (selector: string, more = '') => (await cluster.get<List<PodView>>(`pods -l '${selector}' ${more}`)).items;
const isReady = (pod: PodView) => pod.status.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;
const readyPods = (selector: string, count: number) =>
  eventually(`${count} ready pods of ${selector}`, () => pods(selector), (list) => list.length === count && list.every(isReady));
const ruleset = async (host: string) => (await cluster.inside(host, `nft list table inet ${TABLE}`)).stdout;

async function endpointAddresses(service: string): Promise<string[]> {
  const slices = await cluster.get<List<{ endpoints?: { addresses: string[]; conditions: { ready?: boolean } }[]; ports?: { port: number }[] }>>(
    `endpointslices -l kubernetes.io/service-name=${service}`,
  );
  return slices.items.flatMap((slice) => (slice.endpoints ?? []).filter((e) => e.conditions.ready !== false).map((e) => `${e.addresses[0]}:${slice.ports?.[0]?.port}`)).toSorted();
}

step('WT-01: three Ready nodes with their addresses; node1 is the control plane', async () => {
  const rows = (await cluster.ok('get nodes -o wide --no-headers')).trim().split('\n').map((line) => line.split(/\s+/));
  assert.deepEqual(rows.map(([name, status, roles, , , ip]) => [name, status, roles, ip]), [
    ['k8s-node1', 'Ready', 'control-plane', '10.0.2.4'],
    ['k8s-node2', 'Ready', '<none>', '10.0.2.5'],
    ['k8s-node3', 'Ready', '<none>', '10.0.2.15'],
  ]);
  const { items } = await cluster.get<List<{ spec: { podCIDR: string } }>>('nodes');
  assert.deepEqual(items.map((node) => node.spec.podCIDR).toSorted(), ['10.244.0.0/24', '10.244.1.0/24', '10.244.2.0/24']);
});

step('WT-02 WT-19 PROXY-01: two DNS pods, and one proxy and one network pod a node with the node’s own address', async () => {
  await cluster.ok('rollout status -n kube-system deployment/coredns --timeout=20s');
  assert.equal((await pods('k8s-app=kube-dns', '-n kube-system')).length, 2);
  for (const part of ['kube-proxy', 'fairlead-net']) {
    const list = await eventually(`${part} on every node`, () => pods(`k8s-app=${part}`, '-n kube-system'), (l) => l.length === 3 && l.every(isReady));
    assert.deepEqual(list.map((pod) => [pod.spec.nodeName, pod.status.podIP, pod.status.hostIP, pod.spec.hostNetwork]).toSorted(), nodeNames.map((name) => [name, nodes[name], nodes[name], true]));
  }
});

step('WT-03: the Deployment has three pods on the workers, each with an address of its node’s range', async () => {
  await cluster.ok(`apply -f ${file('tomcat.yaml')}`);
  await cluster.ok('rollout status deployment/tomcat6 --timeout=20s');
  const list = await readyPods('app=tomcat6', 3);
  const ranges = Object.fromEntries((await cluster.get<List<{ metadata: { name: string }; spec: { podCIDR: string } }>>('nodes')).items.map((n) => [n.metadata.name, n.spec.podCIDR]));
  for (const pod of list) {
    assert.ok(workers.includes(pod.spec.nodeName as 'k8s-node2'), `${pod.metadata.name} runs on ${pod.spec.nodeName}`);
    assert.equal(pod.status.podIP.split('.').slice(0, 3).join('.'), ranges[pod.spec.nodeName]!.split('.').slice(0, 3).join('.'));
  }
});

step('WT-04: the Service has the default type and an address of 10.96.0.0/12', async () => {
  await cluster.ok(`apply -f ${file('tomcat-service.yaml')}`);
  const { spec } = await cluster.get<{ spec: { type: string; clusterIP: string } }>('service tomcat6');
  assert.equal(spec.type, 'ClusterIP');
  clusterIP = spec.clusterIP;
  const [a, b] = clusterIP.split('.').map(Number);
  assert.ok(a === 10 && b! >= 96 && b! < 112, clusterIP);
});

step('WT-05 WT-06: a pod of its own runs; kubectl get all shows everything there is', async () => {
  await cluster.ok(`apply -f ${file('nginx-pod.yaml')}`);
  await cluster.ok('wait --for=condition=Ready pod/nginx --timeout=20s');
  assert.equal((await cluster.get<PodView>('pod nginx')).metadata.ownerReferences, undefined);
  const lines = (await cluster.ok('get all -o wide --no-headers')).trim().split('\n').filter(Boolean);
  const kinds = lines.map((line) => line.split('/')[0]).toSorted();
  assert.deepEqual(kinds, ['deployment.apps', 'pod', 'pod', 'pod', 'pod', 'replicaset.apps', 'service', 'service']);
  assert.ok(lines.some((line) => /^service\/kubernetes\s+ClusterIP\s+10\.96\.0\.1\s+<none>\s+443\/TCP/.test(line)), lines.join('\n'));
  assert.ok(lines.some((line) => /^service\/tomcat6\s.*80\/TCP.*app=tomcat6$/.test(line)));
  const { items } = await cluster.get<List<{ metadata: { labels: Record<string, string> } }>>('replicasets');
  assert.ok(items[0]!.metadata.labels['pod-template-hash']);
});

step('WT-07: the EndpointSlice holds exactly the three pods at 8080', async () => {
  const wanted = (await readyPods('app=tomcat6', 3)).map((pod) => `${pod.status.podIP}:8080`).toSorted();
  assert.deepEqual(await eventually('three endpoints', () => endpointAddresses('tomcat6'), (list) => list.length === 3), wanted);
});

step('WT-08: every node reaches the Service, node1 without a pod of it too', async () => {
  for (const node of nodeNames) {
    const { stdout } = await eventually(`${node} is answered`, () => curl(node, `http://${clusterIP}/index.html`), (ran) => ran.code === 0);
    assert.equal(codeOf(stdout), 200);
    assert.match(podOf(stdout) ?? '', /^tomcat6-/);
  }
});

step('WT-09: the nginx pod reaches it by address and by name', async () => {
  for (const target of [clusterIP, 'tomcat6', 'tomcat6.default.svc.cluster.local']) {
    const stdout = await cluster.ok(`exec nginx -- curl -sS --max-time 5 http://${target}/index.html`);
    assert.match(podOf(stdout) ?? '', /^tomcat6-/, `${target}: ${stdout}`);
  }
});

step('WT-10 KPX-02: the cluster IP stands on no interface; a node carries only its own addresses', async () => {
  for (const node of nodeNames) {
    const { stdout } = await cluster.inside(node, 'ip -4 -o addr');
    assert.ok(!stdout.includes(clusterIP));
    assert.ok(stdout.includes(nodes[node]));
  }
});

step('WT-11: rules for the cluster IP stand on all three nodes and lead to the three endpoints', async () => {
  const endpoints = await endpointAddresses('tomcat6');
  for (const node of nodeNames) {
    const rules = await ruleset(node);
    for (const endpoint of endpoints) assert.ok(rules.includes(`${endpoint.replace(':', ' . ')}`), `${node} leads to ${endpoint}`);
    assert.ok(rules.includes(clusterIP));
  }
});

step('WT-12: an external host cannot reach the cluster IP', async () => {
  assert.notEqual((await curl('client', `http://${clusterIP}/`)).code, 0);
});

step('WT-13: 300 requests reach each of the three pods at least 60 times', async () => {
  const counts = new Map<string, number>();
  const urls = Array.from({ length: 300 }, () => `http://${clusterIP}/hostname`).join(' ');
  const { stdout } = await cluster.inside('k8s-node1', `curl -sS --no-keepalive --max-time 20 -H 'Connection: close' ${urls}`);
  for (const name of stdout.trim().split('\n')) counts.set(name, (counts.get(name) ?? 0) + 1);
  assert.equal(counts.size, 3);
  for (const [name, count] of counts) assert.ok(count >= 60, `${name}: ${count}`);
});

step('WT-14: a deleted pod is replaced under a new address; Service and name stay', async () => {
  const [victim] = await readyPods('app=tomcat6', 3);
  await cluster.ok(`delete pod ${victim!.metadata.name} --wait=true`);
  const now = await readyPods('app=tomcat6', 3);
  assert.ok(!now.some((pod) => pod.metadata.name === victim!.metadata.name));
  const wanted = now.map((pod) => `${pod.status.podIP}:8080`).toSorted();
  await eventually('the slice follows', () => endpointAddresses('tomcat6'), (list) => list.join() === wanted.join());
  assert.equal((await cluster.get<{ spec: { clusterIP: string } }>('service tomcat6')).spec.clusterIP, clusterIP);
  for (let i = 0; i < 20; i++) assert.equal((await curl('k8s-node1', `http://${clusterIP}/`)).code, 0);
});

step('WT-15: with all pods on one node, the nodes without pods are still answered', async () => {
  await cluster.ok('cordon k8s-node3');
  for (const pod of (await pods('app=tomcat6')).filter((each) => each.spec.nodeName === 'k8s-node3')) await cluster.ok(`delete pod ${pod.metadata.name}`);
  const list = await readyPods('app=tomcat6', 3);
  assert.deepEqual([...new Set(list.map((pod) => pod.spec.nodeName))], ['k8s-node2']);
  for (const node of nodeNames) {
    const { stdout } = await eventually(`${node} is answered`, () => curl(node, `http://${clusterIP}/`), (ran) => ran.code === 0);
    assert.equal(codeOf(stdout), 200);
  }
  await cluster.ok('uncordon k8s-node3');
});

step('SVC-110 WT-16 WT-17: exposed again as NodePort, the old address is dead', async () => {
  await cluster.ok('delete service/tomcat6');
  assert.match(await cluster.ok('expose deployment tomcat6 --port=80 --target-port=8080 --type=NodePort'), /^service\/tomcat6 exposed/);
  const { spec } = await cluster.get<{ spec: { selector: object; clusterIP: string; ports: { nodePort: number }[] } }>('service tomcat6');
  assert.deepEqual(spec.selector, { app: 'tomcat6' });
  nodePort = spec.ports[0]!.nodePort;
  assert.ok(nodePort >= 30_086 && nodePort <= 32_767, String(nodePort));
  assert.match(await cluster.ok('get service tomcat6 --no-headers'), new RegExp(`80:${nodePort}/TCP`));
  for (const node of nodeNames) {
    await eventually(`${clusterIP} is dead on ${node}`, () => curl(node, `http://${clusterIP}/`, '--max-time 1'), (ran) => ran.code !== 0);
  }
});

step('WT-18 KPX-39: no node listens on the node port: forwarding rules alone serve it', async () => {
  for (const node of nodeNames) {
    const hex = nodePort.toString(16).toUpperCase().padStart(4, '0');
    const { stdout } = await cluster.inside(node, 'cat /proc/net/tcp /proc/net/tcp6');
    assert.ok(!stdout.includes(`:${hex} `), `${node} has a socket on ${nodePort}`);
    assert.ok((await ruleset(node)).includes(String(nodePort)));
  }
});

step('WT-20: an external host reaches the node port of every node, node1 without a pod too', async () => {
  for (const node of nodeNames) {
    const { stdout } = await eventually(`${node}:${nodePort}`, () => curl('client', `http://${nodes[node]}:${nodePort}/`), (ran) => ran.code === 0);
    assert.equal(codeOf(stdout), 200);
    assert.match(podOf(stdout) ?? '', /^tomcat6-/);
  }
});

step('WT-21 WT-22: the ingress controller runs on the workers’ own addresses and ports 80 and 443', async () => {
  await cluster.ok(`apply -f ${file('ingress-controller.yaml')}`);
  await cluster.ok('rollout status -n ingress-nginx daemonset/nginx-ingress-controller --timeout=20s');
  assert.match(await cluster.ok('get namespaces --no-headers'), /^ingress-nginx\s+Active/m);
  assert.match(await cluster.ok('get daemonset -n ingress-nginx --no-headers'), /^nginx-ingress-controller\s+2\s+2\s+2/);
  assert.match(await cluster.ok('get service -n ingress-nginx --no-headers'), /ClusterIP.*80\/TCP,443\/TCP/);
  const list = await pods('app.kubernetes.io/name=fairlead-gateway', '-n ingress-nginx');
  assert.deepEqual(list.map((pod) => pod.status.podIP).toSorted(), ['10.0.2.15', '10.0.2.5']);
  const listens = async (node: string) => {
    const { stdout } = await cluster.inside(node, 'cat /proc/net/tcp /proc/net/tcp6');
    return [/ 0+:0050 0+:0000 0A/, / 0+:01BB 0+:0000 0A/].map((socket) => socket.test(stdout));
  };
  for (const node of workers) await eventually(`${node} listens`, () => listens(node), (both) => both.every(Boolean));
  assert.deepEqual(await listens('k8s-node1'), [false, false]);
});

step('WT-23: the article’s old Ingress is refused clearly, the v1 form is accepted', async () => {
  const old = await cluster.kubectl(`apply -f ${file('ingress-old.yaml')}`);
  assert.notEqual(old.code, 0);
  assert.match(old.stderr, /no matches for kind "Ingress" in version "extensions\/v1beta1"/);
  await cluster.ok(`apply -f ${file('ingress.yaml')}`);
});

step('WT-24: kubectl get ingress shows name, host and port', async () => {
  assert.match(await cluster.ok('get ingress --no-headers'), /^web\s+nginx\s+www\.test\.com\s.*\s80\s/);
});

step('WT-25 WT-26: an external host is answered by name on each worker; other names get 404, node1 refuses', async () => {
  for (const node of workers) {
    const { stdout } = await eventually(`Ingress on ${node}`, () => curl('client', 'http://www.test.com/', `--resolve www.test.com:80:${nodes[node]}`), (ran) => codeOf(ran.stdout) === 200);
    assert.match(podOf(stdout) ?? '', /^tomcat6-/);
    assert.equal(codeOf((await curl('client', `http://${nodes[node]}/`, '-H "Host: other.test.com"')).stdout), 404);
  }
  assert.equal((await curl('client', 'http://10.0.2.4/')).code, 7, 'connection refused');
});

step('WT-27: two applications under one host, each path to its own pods', async () => {
  await cluster.ok(`apply -f ${file('two-apps.yaml')}`);
  await cluster.ok('rollout status deployment/second --timeout=20s');
  for (const [path, name] of [['/app1', 'tomcat6-'], ['/app2', 'second-']] as const) {
    for (let i = 0; i < 5; i++) {
      const ask = () => curl('client', `http://www.test.com${path}/x`, '--resolve www.test.com:80:10.0.2.5');
      const { stdout } = await eventually(`${path} is answered`, ask, (ran) => codeOf(ran.stdout) === 200);
      assert.ok(podOf(stdout)?.startsWith(name), `${path} → ${podOf(stdout)}`);
    }
  }
});

/** A conventional load balancer of the article's kind: TCP, round robin, targets that do not accept are left out. */
async function startLoadBalancer(targets: readonly { host: string; port: number }[]) {
  const sockets = namespaceSockets(nodeNamespace('walkthrough', 'slb'));
  const healthy = new Set(targets);
  let turn = 0;
  const connect = ({ host, port }: { host: string; port: number }) => sockets.connectTcp({ address: host, port });
  const check = (target: (typeof targets)[number]) =>
    new Promise<void>((resolve) => {
      const probe = connect(target);
      const done = (ok: boolean) => {
        healthy[ok ? 'add' : 'delete'](target);
        probe.destroy();
        resolve();
      };
      probe.setTimeout(500, () => done(false));
      probe.on('connect', () => done(true)).on('error', () => done(false));
    });
  const server: Server = createServer((client: Socket) => {
    const choice = [...healthy][turn++ % Math.max(healthy.size, 1)];
    if (!choice) return void client.destroy();
    const upstream = connect(choice);
    upstream.on('error', () => client.destroy());
    client.on('error', () => upstream.destroy());
    client.pipe(upstream).pipe(client);
  });
  await sockets.listenTcp(server, { address: '10.0.2.99', port: 80 });
  return { checkAll: () => Promise.all(targets.map(check)), healthy, close: () => new Promise((resolve) => server.close(resolve)) };
}

step('WT-28 WT-29: behind a load balancer the client knows one address, and a stopped node does not matter', async () => {
  const balancer = await startLoadBalancer(nodeNames.map((node) => ({ host: nodes[node], port: nodePort })));
  try {
    await balancer.checkAll();
    assert.equal(balancer.healthy.size, 3);
    for (let i = 0; i < 9; i++) assert.equal(codeOf((await curl('client', 'http://10.0.2.99/')).stdout), 200);
    await cluster.ok('drain k8s-node3 --ignore-daemonsets --force');
    await readyPods('app=tomcat6', 3);
    await run('ip', ['-n', 'fl-walkthrough.UNDERLAY', 'link', 'set', 'to-k8s-node3', 'down']);
    await balancer.checkAll();
    assert.deepEqual([...balancer.healthy].map((each) => each.host), ['10.0.2.4', '10.0.2.5']);
    for (let i = 0; i < 9; i++) assert.equal(codeOf((await curl('client', 'http://10.0.2.99/')).stdout), 200);
  } finally {
    await run('ip', ['-n', 'fl-walkthrough.UNDERLAY', 'link', 'set', 'to-k8s-node3', 'up']);
    await cluster.ok('uncordon k8s-node3');
    await balancer.close();
  }
});

step('WT-30 KPX-29: the single pod moves to another node; the load balancer of two nodes needs no change', async () => {
  const balancer = await startLoadBalancer((['k8s-node1', 'k8s-node2'] as const).map((node) => ({ host: nodes[node], port: nodePort })));
  try {
    await cluster.ok('cordon k8s-node3');
    await cluster.ok('scale deployment/tomcat6 --replicas=1');
    const [before] = await eventually('one pod on node2', () => pods('app=tomcat6'), (list) => list.length === 1 && isReady(list[0]!));
    assert.equal(before!.spec.nodeName, 'k8s-node2');
    await cluster.ok('uncordon k8s-node3');
    await cluster.ok('cordon k8s-node2');
    await cluster.ok('scale deployment/tomcat6 --replicas=2');
    await readyPods('app=tomcat6', 2);
    await cluster.ok(`delete pod ${before!.metadata.name}`);
    await cluster.ok('scale deployment/tomcat6 --replicas=1');
    const [moved] = await eventually('one pod on node3', () => pods('app=tomcat6'), (list) => list.length === 1 && list[0]!.spec.nodeName === 'k8s-node3');
    await eventually('the slice follows', () => endpointAddresses('tomcat6'), (list) => list.join() === `${moved!.status.podIP}:8080`);
    for (let i = 0; i < 10; i++) {
      const { stdout } = await curl('client', 'http://10.0.2.99/');
      assert.equal(podOf(stdout), moved!.metadata.name);
    }
  } finally {
    await cluster.ok('uncordon k8s-node2');
    await balancer.close();
  }
});

step('WT-31 KPX-24: taken down again, nothing of the applications is left on any node', async () => {
  const addresses = (await pods('app in (tomcat6,second)')).map((pod) => pod.status.podIP);
  await cluster.ok('delete ingress/web service/tomcat6 service/second deployment/tomcat6 deployment/second --wait=true');
  await cluster.ok('delete namespace ingress-nginx --wait=true');
  await eventually('the pods are gone', () => pods('app in (tomcat6,second)'), (list) => list.length === 0);
  const leftovers = async () => {
    const seen = await Promise.all(
      nodeNames.map(async (node) => {
        const [rules, routes, sockets] = [await ruleset(node), (await cluster.inside(node, 'ip route')).stdout, (await cluster.inside(node, 'cat /proc/net/tcp /proc/net/tcp6')).stdout];
        const traces = [String(nodePort), clusterIP, ...addresses].filter((each) => rules.includes(each) || routes.includes(`${each} `));
        return / 0+:0050 .* 0A /.test(sockets) ? [...traces, 'port 80'] : traces;
      }),
    );
    return seen.flat();
  };
  assert.deepEqual(await eventually('no trace on any node', leftovers, (list) => list.length === 0), []);
});

for (const version of ['1.32', '1.29', '1.33']) {
  describe(`by kubectl ${version}`, () => {
    before(async () => {
      cluster = await startCluster('walkthrough', { config: file('cluster.yaml'), version });
    });
    after(async () => {
      await cluster.stop();
      forget(cluster);
    });
    for (const { name, take } of steps) test(name, take);
  });
}
