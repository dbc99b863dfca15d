// The DNS server: UDP and TCP on any number of addresses (RFC 1035, 7766), answers by the responders in order.
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import { logFor } from '../../base/run/log.ts';
import type { SocketAddress, Sockets } from '../../base/run/sockets.ts';
import { answerPacket } from './answer.ts';
import type { RememberedAnswers } from './remembered.ts';
import type { Responder } from './responders.ts';
import { frame, TcpFrames } from './tcp-frames.ts';

export interface DnsServer {
  /** Both protocols on one address. Rejects with the system's error. */
  listen(sockets: Sockets, at: SocketAddress): Promise<void>;
  close(): Promise<void>;
}

const log = logFor('dns');
const idleMs = 10_000;
const maxConnections = 1_000;
/** One asker cannot take all connections from the others. */
const maxConnectionsEach = 100;
/** Who does not read the answers is not read either. */
const maxUnread = 1 << 20;

export interface DnsServerParts {
  /** Asked in order when nothing is remembered. */
  responders: readonly Responder[];
  remembered?: Pick<RememberedAnswers, 'find'>;
  count?(answer: Buffer | undefined): void;
}

export function createDnsServer({ responders, remembered, count = () => {} }: DnsServerParts): DnsServer {
  const udp = new Set<UdpSocket>();
  const tcp = new Set<Server>();
  const connections = new Set<Socket>();

  function reply(packet: Buffer, over: 'udp' | 'tcp', send: (answer: Buffer) => void): void {
    const done = (bytes: Buffer | undefined) => {
      count(bytes);
      if (bytes) send(bytes);
    };
    const result = (over === 'udp' && remembered?.find(packet)) || answerPacket(responders, packet, over);
    // Most answers are at hand: no promise, no wait.
    if (result instanceof Promise) void result.then(done);
    else done(result);
  }

  function accept(socket: Socket): void {
    const from = socket.remoteAddress;
    const same = [...connections].filter((other) => other.remoteAddress === from).length;
    if (connections.size >= maxConnections || same >= maxConnectionsEach) return void socket.destroy();
    connections.add(socket);
    const frames = new TcpFrames();
    socket.setTimeout(idleMs, () => socket.destroy());
    socket.on('close', () => connections.delete(socket));
    // A client that vanishes has nobody to tell.
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      for (const packet of frames.push(chunk)) {
        if (packet.length < 12) socket.destroy();
        else reply(packet, 'tcp', (bytes) => send(socket, bytes));
      }
    });
  }

  function send(socket: Socket, answer: Buffer): void {
    if (!socket.writable) return;
    socket.write(frame(answer));
    if (socket.writableLength <= maxUnread || socket.isPaused()) return;
    socket.pause();
    socket.once('drain', () => socket.resume());
  }

  return {
    async listen(sockets, at) {
      const datagrams = createSocket({ type: isIPv6(at.address) ? 'udp6' : 'udp4', recvBufferSize: 1 << 21, sendBufferSize: 1 << 21 });
      datagrams.on('message', (packet, from) => reply(packet, 'udp', (bytes) => datagrams.send(bytes, from.port, from.address)));
      // Unreachable askers come back as errors of the socket; the next query is none the worse for it.
      datagrams.on('error', (error) => log.debug({ err: error }, 'udp'));
      const server = createServer(accept);
      udp.add(datagrams);
      tcp.add(server);
      await sockets.bindUdp(datagrams, at);
      await sockets.listenTcp(server, at);
    },
    async close() {
      for (const socket of udp) socket.close();
      for (const socket of connections) socket.destroy();
      await Promise.all([...tcp].map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}
