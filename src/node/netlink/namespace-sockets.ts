// Sockets of another network namespace, for servers and clients that live in this process.
// The descriptor is opened in a window and handed to Node, because Node's own listen(port, host) and connect
// resolve the host a turn later, when the thread is home again.
import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { Socket } from 'node:net';
import { addressBytes, addressOf } from '../../base/net/address.ts';
import { listening, type SocketAddress, type Sockets } from '../../base/run/sockets.ts';
import {
  AF_INET,
  AF_INET6,
  bindSocket,
  closeDescriptor,
  openSocket,
  setSocketOption,
  SOCK_DGRAM,
  SOCK_STREAM,
  SystemCallError,
} from './ffi.ts';
import { inNamespace, type Netns } from './namespaces.ts';

const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const on = Buffer.from([1, 0, 0, 0]);

/** struct sockaddr_in or sockaddr_in6. */
function socketAddress({ address, port }: SocketAddress): Uint8Array {
  const parsed = addressOf(address);
  const bytes = Buffer.alloc(parsed.family === 4 ? 16 : 28);
  bytes.writeUInt16LE(parsed.family === 4 ? AF_INET : AF_INET6);
  bytes.writeUInt16BE(port, 2);
  bytes.set(addressBytes(parsed), parsed.family === 4 ? 4 : 8);
  return bytes;
}

const familyOf = (at: SocketAddress) => (addressOf(at.address).family === 4 ? AF_INET : AF_INET6);

/** A bound descriptor. TCP takes SO_REUSEADDR, as Node does, so that a restart need not wait for TIME_WAIT. */
function boundDescriptor(namespace: Netns, type: number, at: SocketAddress): number {
  return inNamespace(namespace, () => {
    const fd = openSocket({ family: familyOf(at), type });
    try {
      if (type === SOCK_STREAM) setSocketOption(fd, SOL_SOCKET, SO_REUSEADDR, on);
      bindSocket(fd, socketAddress(at), `${at.address}:${at.port}`);
      return fd;
    } catch (error) {
      closeDescriptor(fd);
      throw error instanceof SystemCallError ? Object.assign(error, at) : error;
    }
  });
}

function connectTcp(namespace: Netns, to: SocketAddress): Socket {
  try {
    const fd = inNamespace(namespace, () => openSocket({ family: familyOf(to), type: SOCK_STREAM }));
    // manualStart: a descriptor that is not connected yet must not be read.
    const options = { fd, readable: true, writable: true, manualStart: true };
    return new Socket(options).connect({ host: to.address, port: to.port });
  } catch (error) {
    // The namespace is gone: told like every other failed connection.
    return new Socket().destroy(error as Error);
  }
}

/** What node:net and node:dgram do, in the given namespace. The caller closes what it opened, as always. */
export const namespaceSockets = (namespace: Netns): Sockets => ({
  async listenTcp(server, at) {
    const fd = boundDescriptor(namespace, SOCK_STREAM, at);
    await listening(server, () => server.listen({ fd }));
  },
  async bindUdp(socket, at) {
    const fd = boundDescriptor(namespace, SOCK_DGRAM, at);
    await listening(socket, () => socket.bind({ fd }));
  },
  connectTcp: (to) => connectTcp(namespace, to),
});

/** child_process.spawn with the child in the namespace: 2 ms, against 11 ms through `ip netns exec`. */
export const spawnIn = (namespace: Netns, command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess =>
  inNamespace(namespace, () => spawn(command, args, options));
