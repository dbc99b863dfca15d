// Where servers get their sockets from: the machine's own network, or (node/netlink/namespace-sockets.ts) another
// network namespace. Servers take a Sockets and never know the difference.
import type { Socket as UdpSocket } from 'node:dgram';
import { createConnection, type Server, type Socket } from 'node:net';

export interface SocketAddress {
  /** An IP literal, never a name: names resolve asynchronously and would leave the namespace. */
  address: string;
  port: number;
}

export interface Sockets {
  /** Rejects with the system's error (EADDRINUSE …). */
  listenTcp(server: Server, at: SocketAddress): Promise<void>;
  bindUdp(socket: UdpSocket, at: SocketAddress): Promise<void>;
  /** Returned before it is connected; emits 'connect' or 'error' like net.createConnection. */
  connectTcp(to: SocketAddress): Socket;
}

/** Resolves when it listens, rejects with why it cannot. */
export const listening = (emitter: Server | UdpSocket, start: () => void) =>
  new Promise<void>((resolve, reject) => {
    emitter.once('error', reject);
    emitter.once('listening', () => {
      emitter.off('error', reject);
      resolve();
    });
    start();
  });

export const hostSockets: Sockets = {
  listenTcp: (server, at) => listening(server, () => server.listen(at.port, at.address)),
  bindUdp: (socket, at) => listening(socket, () => socket.bind(at.port, at.address)),
  connectTcp: (to) => createConnection({ host: to.address, port: to.port }),
};

/** Every address of the machine: both families through one socket; where the kernel has no IPv6, IPv4 alone. */
export async function onAnyAddress(listen: (address: '::' | '0.0.0.0') => Promise<void>): Promise<void> {
  try {
    await listen('::');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL') throw error;
    await listen('0.0.0.0');
  }
}
