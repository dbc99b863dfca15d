// Two pods on the node that a bench loads with rules: a stream through it whose pauses are measured, and connections.
// The stream is a process of its own (packet-stream.ts): whoever loads the rules must not hold up the clock.
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { namespaceSockets } from '../../src/node/netlink/namespace-sockets.ts';
import { createNamespace, homeNamespace, inNamespace, type Netns, removeNamespace } from '../../src/node/netlink/namespaces.ts';
import { writeSysctlHere } from '../../src/node/netlink/sysctl.ts';
import { attachPod, detachPod } from '../../src/node/linux/pod-link.ts';
import { podIp } from './many-services.ts';
import { OTHER_CORE, printed, startRole } from './processes.ts';

export const clientAddress = '10.1.0.200';

export interface StreamPauses {
  readonly longestMs: number;
  readonly packets: number;
}

export interface NodePath {
  readonly client: Netns;
  /** The pauses of a stream through the node while the body runs. */
  during<T>(body: () => Promise<T>): Promise<{ result: T; pauses: StreamPauses }>;
  /** New TCP connections a second, one after the other, in the best of several batches; nothing is said in them. */
  connectsPerSecond(address: string, port: number): Promise<number>;
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
    connectsPerSecond: (address, port) => connectRate(client, address, port),
    async close() {
      listening.close();
      for (const link of ['bench-c', 'bench-s']) await detachPod(homeNamespace, link);
      for (const namespace of [client, server]) removeNamespace(namespace);
    },
  };
}

/** By a process that does nothing else (connect-loop.ts): this one has a large heap, whose upkeep would be measured, too. */
async function connectRate(client: Netns, address: string, port: number): Promise<number> {
  const loop = join(import.meta.dirname, 'connect-loop.ts');
  const answer = await printed(OTHER_CORE, ['nsenter', `--net=${client.path}`, process.execPath, loop, 'connect', address, String(port)]);
  return 1e6 / (JSON.parse(answer) as { microseconds: number }).microseconds;
}
