// Asks other servers, one after the other, under an id of our own. A forged answer must guess id, port and question:
// every datagram goes out from a port of its own (RFC 5452, section 9), and sockets are connected, so that the kernel
// drops what comes from anybody else.
import { createSocket } from 'node:dgram';
import { createConnection, isIPv6 } from 'node:net';
import { randomInt } from 'node:crypto';
import { type Clock, realClock } from '../../base/run/clock.ts';
import { TcpFrames, frame } from './tcp-frames.ts';

export interface Upstream {
  address: string;
  port: number;
}

export interface Forwarder {
  /** The answer under the query's own id; undefined when no server answered in time. */
  ask(packet: Buffer, over: 'udp' | 'tcp', upstreams: readonly Upstream[]): Promise<Buffer | undefined>;
  close(): void;
}

const patienceMs = 2_000;
/** More than that many open questions are an attack or an outage: the asker is told at once, and sockets stay bounded. */
const maxOpen = 1_000;

export function createForwarder(clock: Clock = realClock): Forwarder {
  const open = new Set<() => void>();

  function askOne(packet: Buffer, over: 'udp' | 'tcp', upstream: Upstream): Promise<Buffer | undefined> {
    if (open.size >= maxOpen) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const settle = (answer?: Buffer) => {
        cancel();
        open.delete(giveUp);
        end();
        resolve(answer);
      };
      const giveUp = () => settle();
      const cancel = clock.after(patienceMs, giveUp);
      const receive = (answer: Buffer) => isAnswerTo(packet, answer) && settle(answer);
      open.add(giveUp);
      const end = (over === 'udp' ? sendUdp : sendTcp)(packet, upstream, receive, giveUp);
    });
  }

  return {
    async ask(packet, over, upstreams) {
      let failure: Buffer | undefined;
      for (const upstream of upstreams) {
        const answer = await askOne(withId(packet, randomInt(65_536)), over, upstream);
        if (!answer) continue;
        const ours = withId(answer, packet.readUInt16BE(0));
        if (!isFailure(ours)) return ours;
        failure ??= ours;
      }
      return failure;
    },
    close() {
      for (const giveUp of open) giveUp();
    },
  };
}

type Send = (packet: Buffer, to: Upstream, receive: (answer: Buffer) => void, fail: () => void) => () => void;

/** Returns how to end it. */
const sendUdp: Send = (packet, { address, port }, receive, fail) => {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  let isOpen = true;
  const end = () => {
    if (isOpen) socket.close();
    isOpen = false;
  };
  socket.on('message', receive);
  // Refused or unreachable: the next server is asked.
  socket.on('error', fail);
  socket.once('connect', () => isOpen && socket.send(packet, (error) => error && fail()));
  socket.connect(port, address);
  return end;
};

const sendTcp: Send = (packet, { address, port }, receive, fail) => {
  const socket = createConnection({ host: address, port });
  const frames = new TcpFrames();
  socket.on('data', (chunk: Buffer) => {
    for (const answer of frames.push(chunk)) receive(answer);
  });
  socket.on('error', fail);
  socket.on('close', fail);
  socket.write(frame(packet));
  return () => {
    socket.off('close', fail);
    socket.destroy();
  };
};

const codeServerFailure = 2;
const codeNotImplemented = 4;
const codeRefused = 5;

/** The next server may know better. */
const isFailure = (answer: Buffer): boolean => [codeServerFailure, codeNotImplemented, codeRefused].includes(answer[3]! & 0xf);

export function withId(packet: Buffer, id: number): Buffer {
  const copy = Buffer.from(packet);
  copy.writeUInt16BE(id, 0);
  return copy;
}

/** Letter case may change on the way; everything else of id, name, type and class must come back. */
function isAnswerTo(asked: Buffer, answer: Buffer): boolean {
  if (answer.length < 12 || (answer[2]! & 0x80) === 0 || answer.readUInt16BE(0) !== asked.readUInt16BE(0)) return false;
  let end = 12;
  while (asked[end]) end += asked[end]! + 1;
  const question = (bytes: Buffer) => bytes.toString('latin1', 12, end + 5).toLowerCase();
  return question(answer) === question(asked);
}
