// One real TCP connection or UDP datagram from a place in a world, and what its sender learns. Serves the kernel judge.
import { createSocket } from 'node:dgram';
import { Socket } from 'node:net';
import { addressOf } from '../../../src/base/net/address.ts';
import { AF_INET, AF_INET6, bindSocket, closeDescriptor, openSocket, setSocketOption, SOCK_DGRAM, SOCK_STREAM } from '../../../src/node/netlink/ffi.ts';
import { inNamespace, type Netns } from '../../../src/node/netlink/namespaces.ts';
import { inCgroup } from './in-cgroup.ts';
import type { Reception } from './listeners.ts';
import { socketAddress } from './socket-address.ts';

export interface Sending {
  readonly namespace: Netns;
  readonly source: string;
  readonly destination: string;
  readonly port: number;
  /** Chooses the sender's way out, where it has several. */
  readonly mark?: number;
  /** The sender is one of this control group. */
  readonly cgroup?: string;
  /** Raw probes: something should come back or arrive, so that it is worth a longer wait on a busy machine. */
  readonly isAwaited?: boolean;
  /** UDP: the datagram is sent without a connection. */
  readonly unconnected?: boolean;
}

/** Silence is what is left when nothing comes. */
export type Answer = Reception | 'refused' | 'silence';

const SOL_SOCKET = 1;
const SO_MARK = 36;

export function openSender({ namespace, source, mark, cgroup }: Sending, type: number, protocol = 0): number {
  const open = () => inNamespace(namespace, () => {
    const fd = openSocket({ family: addressOf(source).family === 4 ? AF_INET : AF_INET6, type, protocol });
    try {
      if (mark !== undefined) setSocketOption(fd, SOL_SOCKET, SO_MARK, new Uint8Array(Uint32Array.of(mark).buffer));
      bindSocket(fd, socketAddress(source, 0), source);
      return fd;
    } catch (error) {
      closeDescriptor(fd);
      throw error;
    }
  });
  return cgroup === undefined ? open() : inCgroup(cgroup, open);
}

/** Whoever was addressed, the answer must seem to come from there, however it was translated. */
function checkPeer(peer: string | undefined, { destination }: Sending): void {
  if (peer !== destination) throw new Error(`sent to ${destination}, answered by ${peer}`);
}

/** Whoever sends cannot tell a packet without a way from a dropped one: no route, blackhole, unreachable host or net. */
const lost = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'EINVAL', 'EACCES', 'ETIMEDOUT']);

/** undefined: not known yet. A packet stopped before it left may still be refused: that is told a moment later. */
export function answerOfError(error: NodeJS.ErrnoException): Answer | undefined {
  if (error.code === 'EPERM') return undefined;
  if (error.code === 'ECONNREFUSED') return 'refused';
  if (lost.has(error.code ?? '')) return 'silence';
  throw error;
}

/** Settles when something is known; 'silence' when the signal says that it is time. */
export function sendTcp(sending: Sending, giveUp: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // manualStart: a descriptor that is not connected yet must not be read.
    const options = { fd: openSender(sending, SOCK_STREAM), readable: true, writable: true, manualStart: true };
    const stream = new Socket(options);
    let text = '';
    const settle = (answer: Answer | undefined) => {
      if (answer === undefined) return;
      stream.destroy();
      resolve(answer);
    };
    giveUp.addEventListener('abort', () => settle('silence'), { once: true });
    stream.on('data', (data) => (text += data.toString()));
    stream.on('connect', () => attempt(() => checkPeer(stream.remoteAddress, sending), reject));
    stream.on('end', () => (text === '' ? undefined : settle(JSON.parse(text) as Reception)));
    stream.on('error', (error) => attempt(() => settle(answerOfError(error)), reject));
    stream.connect({ host: sending.destination, port: sending.port });
  });
}

export function sendUdp(sending: Sending, giveUp: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(addressOf(sending.source).family === 4 ? 'udp4' : 'udp6');
    let isOpen = true;
    const settle = (answer: Answer | undefined) => {
      if (answer === undefined) return;
      if (isOpen) socket.close();
      isOpen = false;
      resolve(answer);
    };
    const failed = (error: Error | null) => void (error && isOpen && attempt(() => settle(answerOfError(error)), reject));
    giveUp.addEventListener('abort', () => settle('silence'), { once: true });
    socket.on('error', failed);
    socket.on('message', (data, peer) => {
      attempt(() => checkPeer(peer.address, sending), reject);
      settle(JSON.parse(data.toString()) as Reception);
    });
    socket.bind({ fd: openSender(sending, SOCK_DGRAM) }, () => {
      if (sending.unconnected) return socket.send('who is there?', sending.port, sending.destination, failed);
      socket.connect(sending.port, sending.destination, (error?: Error) => {
        failed(error ?? null);
        if (isOpen) socket.send('who is there?', failed);
      });
    });
  });
}

function attempt(body: () => void, reject: (error: unknown) => void): void {
  try {
    body();
  } catch (error) {
    reject(error);
  }
}
