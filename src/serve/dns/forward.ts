// Asks other servers what is not ours to know: the query's bytes under an id of our own, one server after the other.
import { createSocket, type Socket } from 'node:dgram';
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

export function createForwarder(clock: Clock = realClock): Forwarder {
  const servers = new Map<string, UdpUpstream>();

  function askUdp(packet: Buffer, upstream: Upstream): Promise<Buffer | undefined> {
    const key = `${upstream.address} ${upstream.port}`;
    let server = servers.get(key);
    if (!server || server.broken) servers.set(key, (server = new UdpUpstream(upstream, clock)));
    return server.ask(packet);
  }

  return {
    async ask(packet, over, upstreams) {
      for (const upstream of upstreams) {
        const answer = await (over === 'udp' ? askUdp(packet, upstream) : askTcp(packet, upstream, clock));
        if (answer && answer.length >= 12) return withId(answer, packet.readUInt16BE(0));
      }
      return undefined;
    },
    close() {
      for (const server of servers.values()) server.close();
      servers.clear();
    },
  };
}

interface Waiting {
  question: Buffer;
  resolve(answer: Buffer | undefined): void;
}

/** One connected socket a server: the kernel drops answers that come from anybody else. */
class UdpUpstream {
  /** The network refused: a later question tries with a new socket. */
  broken = false;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #connected: Promise<unknown>;
  readonly #waiting = new Map<number, Waiting>();

  constructor({ address, port }: Upstream, clock: Clock) {
    this.#clock = clock;
    this.#socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    this.#socket.on('message', (answer) => this.#receive(answer));
    // Refused or unreachable: those who wait go on to the next server.
    this.#socket.on('error', () => {
      this.broken = true;
      for (const each of this.#waiting.values()) each.resolve(undefined);
    });
    this.#connected = new Promise((resolve) => this.#socket.once('connect', () => resolve(undefined)));
    this.#socket.connect(port, address);
    this.#socket.unref();
  }

  ask(packet: Buffer): Promise<Buffer | undefined> {
    let id = randomInt(65_536);
    while (this.#waiting.has(id)) id = randomInt(65_536);
    return new Promise((resolve) => {
      const settle = (answer: Buffer | undefined) => {
        cancel();
        this.#waiting.delete(id);
        resolve(answer);
      };
      const cancel = this.#clock.after(patienceMs, () => settle(undefined));
      this.#waiting.set(id, { question: packet.subarray(12), resolve: settle });
      void this.#connected.then(() => this.#socket.send(withId(packet, id), (error) => error && settle(undefined)));
    });
  }

  close(): void {
    if (!this.broken) this.#socket.close();
    for (const each of this.#waiting.values()) each.resolve(undefined);
  }

  #receive(answer: Buffer): void {
    const asked = answer.length >= 12 ? this.#waiting.get(answer.readUInt16BE(0)) : undefined;
    if (asked && sameQuestion(answer, asked.question)) asked.resolve(answer);
  }
}

function askTcp(packet: Buffer, { address, port }: Upstream, clock: Clock): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: address, port });
    const settle = (answer: Buffer | undefined) => {
      cancel();
      socket.destroy();
      resolve(answer);
    };
    const cancel = clock.after(patienceMs, () => settle(undefined));
    const frames = new TcpFrames();
    socket.on('data', (chunk: Buffer) => {
      for (const answer of frames.push(chunk)) settle(answer);
    });
    socket.on('error', () => settle(undefined));
    socket.on('close', () => settle(undefined));
    socket.write(frame(packet));
  });
}

function withId(packet: Buffer, id: number): Buffer {
  const copy = Buffer.from(packet);
  copy.writeUInt16BE(id, 0);
  return copy;
}

/** Letter case may change on the way; everything else of name, type and class must come back. */
function sameQuestion(answer: Buffer, asked: Buffer): boolean {
  let end = 0;
  while (asked[end]) end += asked[end]! + 1;
  const lower = (bytes: Buffer) => bytes.toString('latin1').toLowerCase();
  return lower(answer.subarray(12, 12 + end + 5)) === lower(asked.subarray(0, end + 5));
}
