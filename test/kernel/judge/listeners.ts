// Who answers in the namespaces of a world: every place hears TCP and UDP on every port it is asked to, and tells who it
// is, at which address and port it was reached, and as whom it saw the sender. Serves the kernel judge.
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server } from 'node:net';
import { namespaceSockets } from '../../../src/node/netlink/namespace-sockets.ts';
import type { Netns } from '../../../src/node/netlink/namespaces.ts';

/** What the receiver saw of a probe. */
export interface Reception {
  readonly who: string;
  /** Where it was reached; UDP cannot tell. */
  readonly address?: string;
  readonly port: number;
  /** The sender, as the receiver saw it. */
  readonly peer: string;
}

export interface Listeners {
  /** Opens what is missing; what is open stays open. */
  listen(ports: Iterable<number>): Promise<void>;
  close(): void;
}

/** IPv4 on an IPv6 socket is written `::ffff:10.1.2.3`. */
const plain = (address = ''): string => address.replace(/^::ffff:/, '');

export function openListeners(namespace: Netns, who: string): Listeners {
  const sockets = namespaceSockets(namespace);
  const open = new Map<number, [Server, UdpSocket]>();

  async function listenTcp(port: number): Promise<Server> {
    const server = createServer((stream) => {
      stream.on('error', () => {});
      const seen: Reception = { who, port, address: plain(stream.localAddress), peer: plain(stream.remoteAddress) };
      stream.end(JSON.stringify(seen));
    });
    await sockets.listenTcp(server, { address: '::', port });
    return server;
  }

  async function bindUdp(port: number): Promise<UdpSocket> {
    const socket = createSocket('udp6');
    socket.on('error', () => {});
    socket.on('message', (_, peer) => {
      const seen: Reception = { who, port, peer: plain(peer.address) };
      socket.send(JSON.stringify(seen), peer.port, peer.address, () => {});
    });
    await sockets.bindUdp(socket, { address: '::', port });
    return socket;
  }

  return {
    async listen(ports) {
      for (const port of ports) if (!open.has(port)) open.set(port, [await listenTcp(port), await bindUdp(port)]);
    },
    close() {
      for (const [server, socket] of open.values()) {
        server.close();
        socket.close();
      }
      open.clear();
    },
  };
}
