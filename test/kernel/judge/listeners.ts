// Who answers in the namespaces of a world: every place hears TCP and UDP on every port it is asked to, and tells who it
// is, at which address and port it was reached, and as whom it saw the sender. Serves the kernel judge.
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { addressOf } from '../../../src/base/net/address.ts';
import { AF_INET, AF_INET6, bindSocket, openSocket, setSocketOption, SOCK_DGRAM } from '../../../src/node/netlink/ffi.ts';
import { namespaceSockets } from '../../../src/node/netlink/namespace-sockets.ts';
import { inNamespace, type Netns } from '../../../src/node/netlink/namespaces.ts';
import { socketAddress } from './socket-address.ts';

/** What the receiver saw of a probe. */
export interface Reception {
  readonly who: string;
  /** Where it was reached; a socket for all addresses cannot tell it of UDP. */
  readonly address?: string;
  readonly port: number;
  /** The sender, as the receiver saw it. */
  readonly peer: string;
}

export interface Listeners {
  /** Opens what is missing; what is open stays open. */
  listen(ports: Iterable<number>): Promise<void>;
  /** UDP at an address that is nobody's, where everything is routed to. */
  listenAt(address: string, port: number): Promise<void>;
  close(): void;
}

/** IPv4 on an IPv6 socket is written `::ffff:10.1.2.3`. */
const plain = (address = ''): string => address.replace(/^::ffff:/, '');

/** A datagram's answer must come from where it was sent to: one socket an address, which need not be the machine's own. */
function bindTransparent(namespace: Netns, address: string, port: number): number {
  return inNamespace(namespace, () => {
    const family = addressOf(address).family;
    const fd = openSocket({ family: family === 4 ? AF_INET : AF_INET6, type: SOCK_DGRAM });
    const option = family === 4 ? { level: 0, name: 19 } : { level: 41, name: 75 };
    setSocketOption(fd, option.level, option.name, Uint8Array.of(1, 0, 0, 0));
    bindSocket(fd, socketAddress(address, port), address);
    return fd;
  });
}

/** `isEverybody`: it answers for addresses that are not its own, so UDP needs listenAt. */
export function openListeners(namespace: Netns, who: string, isEverybody = false): Listeners {
  const sockets = namespaceSockets(namespace);
  const open = new Map<number, { server: Server; socket?: UdpSocket }>();
  const strange = new Map<string, UdpSocket>();

  async function listenTcp(port: number): Promise<Server> {
    const server = createServer((stream) => {
      stream.on('error', () => {});
      const seen: Reception = { who, port, address: plain(stream.localAddress), peer: plain(stream.remoteAddress) };
      stream.end(JSON.stringify(seen));
    });
    await sockets.listenTcp(server, { address: '::', port });
    return server;
  }

  function answerUdp(socket: UdpSocket, at: { port: number; address?: string }): UdpSocket {
    socket.on('error', () => {});
    socket.on('message', (_, peer) => {
      const seen: Reception = { who, ...at, peer: plain(peer.address) };
      socket.send(JSON.stringify(seen), peer.port, peer.address, () => {});
    });
    return socket;
  }

  async function bindUdp(port: number): Promise<UdpSocket> {
    const socket = answerUdp(createSocket('udp6'), { port });
    await sockets.bindUdp(socket, { address: '::', port });
    return socket;
  }

  return {
    async listen(ports) {
      for (const port of ports) {
        if (!open.has(port)) open.set(port, { server: await listenTcp(port), ...(isEverybody ? {} : { socket: await bindUdp(port) }) });
      }
    },
    async listenAt(address, port) {
      const key = `${address} ${port}`;
      if (strange.has(key)) return;
      const socket = answerUdp(createSocket(addressOf(address).family === 4 ? 'udp4' : 'udp6'), { address, port });
      strange.set(key, socket);
      const bound = once(socket, 'listening');
      socket.bind({ fd: bindTransparent(namespace, address, port) });
      await bound;
    },
    close() {
      for (const { server, socket } of open.values()) {
        server.close();
        socket?.close();
      }
      for (const socket of strange.values()) socket.close();
      open.clear();
      strange.clear();
    },
  };
}
