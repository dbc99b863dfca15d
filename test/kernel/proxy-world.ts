// One node of somebody else's cluster for `fairlead proxy` as its own process: an API server, pods that answer HTTP and
// hold streams, and a pod that asks. All in namespaces of their own.
//
//   node (the proxy, the API server on loopback) ─┬─ pod 0 … n-1 (10.244.1.10 …, port 8080, counts who comes)
//                                                 └─ asker (10.244.1.200)
import { execFileSync } from 'node:child_process';
import { createServer, type Server, type Socket } from 'node:net';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import { namespaceSockets } from '../../src/node/netlink/namespace-sockets.ts';
import { createNamespace, inNamespace, type Netns, removeNamespace } from '../../src/node/netlink/namespaces.ts';
import { type ApiUnderTest, startApi } from '../e2e/api-under-test.ts';
import { type PartProcess, startPart } from '../e2e/part-process.ts';

export const object = (kind: string, name: string, rest: object, apiVersion = 'v1'): KubeObject => ({ apiVersion, kind, metadata: { name, ...(kind !== 'Node' && { namespace: 'default' }) }, ...rest }) as KubeObject;

export const serviceObject = (name: string, ip: string, more: object = {}): KubeObject =>
  object('Service', name, { spec: { type: 'ClusterIP', clusterIP: ip, clusterIPs: [ip], ipFamilies: ['IPv4'], ports: [{ port: 80, targetPort: 8080, protocol: 'TCP' }], ...more } });

export const sliceObject = (name: string, service: string, addresses: readonly string[]): KubeObject => ({
  ...object('EndpointSlice', name, { addressType: 'IPv4', ports: [{ name: '', port: 8080, protocol: 'TCP' }], endpoints: addresses.map((address) => ({ addresses: [address], nodeName: 'a', conditions: { ready: true } })) }, 'discovery.k8s.io/v1'),
  metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': service } },
});

export interface EchoPod {
  readonly address: string;
  /** Connections so far. */
  readonly came: () => number;
}

export interface ProxyWorld {
  readonly node: Netns;
  readonly asker: Netns;
  readonly api: ApiUnderTest;
  readonly pods: readonly EchoPod[];
  create(...objects: KubeObject[]): Promise<unknown>;
  update(object: KubeObject): Promise<unknown>;
  startProxy(...flags: string[]): PartProcess;
  /** A program on the node; its output. */
  onNode(program: string, ...words: string[]): string;
  close(): Promise<void>;
}

interface RunningPod extends EchoPod {
  readonly namespace: Netns;
  close(): void;
}

const ip = (namespace: Netns, ...lines: string[]) => inNamespace(namespace, () => execFileSync('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n` }));

/** As the stand-in of a whole cluster does it: HTTP is answered once, everything else is told who it is and echoed. */
function answer(name: string, socket: Socket): void {
  socket.on('error', () => {});
  socket.once('data', (chunk: Buffer) => {
    if (chunk.toString().startsWith('GET ')) return void socket.end(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${name.length}\r\n\r\n${name}`);
    socket.write(`${name} on a\n`);
    socket.pipe(socket);
  });
}

function wire(node: Netns, name: string, index: number, address: string): Netns {
  const pod = createNamespace(`${name}-${index}`);
  ip(node, `link add v${index} type veth peer name eth0 netns ${pod.name}`, `link set v${index} up`, `route add ${address}/32 dev v${index}`);
  ip(pod, 'link set lo up', `addr add ${address}/32 dev eth0`, 'link set eth0 up', 'route add 169.254.1.1/32 dev eth0 scope link', 'route add default via 169.254.1.1');
  return pod;
}

async function startPod(node: Netns, name: string, index: number): Promise<RunningPod> {
  const address = `10.244.1.${10 + index}`;
  const namespace = wire(node, name, index, address);
  const open = new Set<Socket>();
  let came = 0;
  const server: Server = createServer((socket) => {
    came++;
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    answer(`default/pod-${index}`, socket);
  });
  await namespaceSockets(namespace).listenTcp(server, { address: '0.0.0.0', port: 8080 });
  const close = () => {
    for (const socket of open) socket.destroy();
    server.close();
  };
  return { address, namespace, came: () => came, close };
}

export async function createProxyWorld(name: string, count: number): Promise<ProxyWorld> {
  const node = createNamespace(`${name}-node`, { 'net/ipv4/ip_forward': '1', 'net/ipv4/conf/default/proxy_arp': '1', 'net/ipv4/conf/all/rp_filter': '0', 'net/ipv4/conf/default/rp_filter': '0' });
  ip(node, 'link set lo up', 'link add d0 type bridge', 'link set d0 up', 'addr add 10.0.0.1/24 dev d0', 'route add default dev d0');
  const pods = await Promise.all(Array.from({ length: count }, (_, index) => startPod(node, name, index)));
  const asker = wire(node, name, 190, '10.244.1.200');
  const api = await startApi({ sockets: namespaceSockets(node) });
  const running = new Set<PartProcess>();
  const create = (...objects: KubeObject[]) => Promise.all(objects.map((each) => api.store.write({ verb: 'create', object: each })));
  await create(object('Node', 'a', { spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24'] }, status: { addresses: [{ type: 'InternalIP', address: '10.0.0.1' }] } }));

  const startProxy = (...flags: string[]): PartProcess => {
    const part = startPart(node, ['proxy', '--kubeconfig', api.kubeconfig, '--node', 'a', '--service-cidr', '10.96.0.0/16', '--sync-period', '1s', ...flags]);
    running.add(part);
    void part.ended.then(() => running.delete(part));
    return part;
  };

  return {
    node,
    asker,
    api,
    pods,
    create,
    update: (each) => api.store.write({ verb: 'update', object: each }),
    startProxy,
    onNode: (program, ...words) => inNamespace(node, () => execFileSync(program, words, { encoding: 'utf8', maxBuffer: 1 << 26 })),
    async close() {
      await Promise.all([...running].map((part) => part.end()));
      pods.forEach((pod) => pod.close());
      await api.close();
      for (const each of [node, asker, ...pods.map(({ namespace }) => namespace)]) removeNamespace(each);
    },
  };
}
