// Two pods on the node that a bench loads with rules: a stream through it whose pauses are measured, and connections.
// The stream is a process of its own (packet-stream.ts): whoever loads the rules must not hold up the clock.
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { namespaceSockets } from '../../src/node/netlink/namespace-sockets.ts';
import { createNamespace, homeNamespace, inNamespace, type Netns, removeNamespace } from '../../src/node/netlink/namespaces.ts';
import { writeSysctlHere } from '../../src/node/netlink/sysctl.ts';
import { attachPod, detachPod } from '../../src/node/linux/pod-link.ts';
import { podIp } from './many-services.ts';
import { OTHER_CORE, startRole } from './processes.ts';

export const clientAddress = '10.1.0.200';
const workers = 8;

export interface StreamPauses {
  readonly longestMs: number;
  readonly packets: number;
}

export interface NodePath {
  readonly client: Netns;
  /** The pauses of a stream through the node while the body runs. */
  during<T>(body: () => Promise<T>): Promise<{ result: T; pauses: StreamPauses }>;
  /** New TCP connections a second, one request each way not included. */
  connectsPerSecond(address: string, port: number, seconds: number): Promise<number>;
  close(): Promise<void>;
}

/** The server pod has the addresses of the first Service's endpoints. */
export async function createNodePath(endpoints: number): Promise<NodePath> {
  inNamespace(homeNamespace, () => writeSysctlHere('net/ipv4/ip_forward', '1'));
  const [client, server] = [createNamespace('bench-client'), createNamespace('bench-server')];
  attachPod(homeNamespace, { podNs: client, name: 'bench-c', ips: [clientAddress] });
  attachPod(homeNamespace, { podNs: server, name: 'bench-s', ips: Array.from({ length: endpoints }, (_, i) => podIp(i + 1)) });
  const listening: Server = createServer((socket) => socket.on('error', () => {}).destroy());
  await namespaceSockets(server).listenTcp(listening, { address: '0.0.0.0', port: 8080 });
  return {
    client,
    async during(body) {
      const { child } = await startRole(OTHER_CORE, join(import.meta.dirname, 'packet-stream.ts'), [client.path, server.path, podIp(1)]);
      const told = new Promise<StreamPauses>((resolve) => child.once('message', (message) => resolve(message as StreamPauses)));
      const result = await body();
      child.send('stop');
      return { result, pauses: await told };
    },
    connectsPerSecond: (address, port, seconds) => connectRate(client, { address, port }, seconds),
    async close() {
      listening.close();
      for (const link of ['bench-c', 'bench-s']) await detachPod(homeNamespace, link);
      for (const namespace of [client, server]) removeNamespace(namespace);
    },
  };
}

async function connectRate(client: Netns, to: { address: string; port: number }, seconds: number): Promise<number> {
  const sockets = namespaceSockets(client);
  const start = performance.now();
  let done = 0;
  const connect = () =>
    new Promise<void>((resolve, reject) => {
      const socket = sockets.connectTcp(to);
      socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? undefined : reject(error)));
      // Reset on close: no TIME_WAIT, and ports never run out.
      socket.on('connect', () => socket.resetAndDestroy());
      socket.on('close', () => resolve());
    });
  const work = async () => {
    for (; performance.now() - start < seconds * 1000; done++) await connect();
  };
  await Promise.all(Array.from({ length: workers }, work));
  return (done * 1000) / (performance.now() - start);
}
