// Pings and SCTP greetings by raw sockets: Node speaks neither, and the kernel may have no SCTP at all. Each receiver has
// an ear; what one hears is told by the number that the probe carries. IPv4 only: over IPv6 a raw socket tells no sender.
import koffi from 'koffi';
import { setTimeout as wait } from 'node:timers/promises';
import { AF_INET, closeDescriptor, openSocket, receiveBytes, sendBytes, SOCK_RAW, SystemCallError } from '../../../src/node/netlink/ffi.ts';
import { inNamespace, type Netns } from '../../../src/node/netlink/namespaces.ts';
import { answerOfError, type Answer, openSender, type Sending, socketAddress } from './probes.ts';
import type { Reception } from './listeners.ts';

export type RawProtocol = 'ICMP' | 'SCTP';

const numbers = { ICMP: 1, SCTP: 132 } as const;
const connect = koffi.load('libc.so.6').func('int connect(int, const uint8_t *, uint32_t)');

/** RFC 1071. */
function onesComplement(bytes: Buffer): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += bytes.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** RFC 9260, appendix A: CRC32c, reflected. The kernel's tracker drops what does not add up. */
function crc32c(bytes: Buffer): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0);
  }
  return ~crc >>> 0;
}

/** An echo request whose payload is the number. */
function ping(number: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes[0] = 8;
  bytes.writeUInt16BE(number & 0xffff, 4);
  bytes.writeUInt32BE(number, 8);
  bytes.writeUInt16BE(onesComplement(bytes), 2);
  return bytes;
}

/** A common header and an INIT chunk whose tag is the number (RFC 9260, section 3.3.2). */
function sctpInit(number: number, port: number): Buffer {
  const bytes = Buffer.alloc(32);
  bytes.writeUInt16BE(20_000 + (number % 40_000), 0);
  bytes.writeUInt16BE(port, 2);
  bytes[12] = 1;
  bytes.writeUInt16BE(20, 14);
  bytes.writeUInt32BE(number, 16);
  bytes.writeUInt32BE(0x1_0000, 20);
  bytes.writeUInt16BE(1, 24);
  bytes.writeUInt16BE(1, 26);
  bytes.writeUInt32BE(number, 28);
  bytes.writeUInt32LE(crc32c(bytes), 8);
  return bytes;
}

/** Of one datagram with its IP header: the number, the port, the sender. */
function read(protocol: RawProtocol, bytes: Buffer): { number: number; port: number; peer: string } | undefined {
  const body = bytes.subarray((bytes[0]! & 0xf) * 4);
  const peer = [...bytes.subarray(12, 16)].join('.');
  if (protocol === 'ICMP') return body[0] === 8 && body.length >= 12 ? { number: body.readUInt32BE(8), port: 0, peer } : undefined;
  return body[12] === 1 ? { number: body.readUInt32BE(16), port: body.readUInt16BE(2), peer } : undefined;
}

/** Each is good until the next one is asked for. */
function* drain(fd: number): Iterable<Buffer> {
  const buffer = Buffer.alloc(2048);
  for (let got = receiveBytes(fd, buffer, false); got !== undefined; got = receiveBytes(fd, buffer, false)) yield buffer.subarray(0, got);
}

export interface Ear {
  hear(): { number: number; reception: Reception }[];
  close(): void;
}

export function openEar(namespace: Netns, who: string, protocol: RawProtocol): Ear {
  const fd = inNamespace(namespace, () => openSocket({ family: AF_INET, type: SOCK_RAW, protocol: numbers[protocol] }));
  return {
    hear() {
      const heard: { number: number; reception: Reception }[] = [];
      for (const bytes of drain(fd)) {
        const probe = read(protocol, bytes);
        if (probe) heard.push({ number: probe.number, reception: { who, port: probe.port, peer: probe.peer } });
      }
      return heard;
    },
    close: () => closeDescriptor(fd),
  };
}

let lastNumber = 0;

/** One probe each. Raw packets cross veth pairs before send() returns or within the moment that is waited here. */
export async function sendRaw(protocol: RawProtocol, sendings: readonly Sending[], ears: readonly Ear[]): Promise<Answer[]> {
  for (const ear of ears) ear.hear();
  const sent = sendings.map((sending) => {
    const number = (lastNumber += 1);
    const fd = openSender(sending, SOCK_RAW, numbers[protocol]);
    const to = socketAddress(sending.destination, 0);
    const bytes = protocol === 'ICMP' ? ping(number) : sctpInit(number, sending.port);
    if (Number(connect(fd, to, to.length)) < 0) return { number, fd, early: answerOfError(new SystemCallError('connect', koffi.errno(), sending.destination)) };
    sendBytes(fd, bytes);
    return { number, fd };
  });
  await wait(60);
  const heard = new Map(ears.flatMap((ear) => ear.hear()).map(({ number, reception }) => [number, reception]));
  return sent.map(({ number, fd, early }) => {
    const answer = early ?? heard.get(number) ?? refusalOn(fd);
    closeDescriptor(fd);
    return answer;
  });
}

/** The kernel tells a connected raw socket of ICMP errors at its next read. */
function refusalOn(fd: number): Answer {
  try {
    for (const _ of drain(fd));
    return 'silence';
  } catch (error) {
    return answerOfError(error as NodeJS.ErrnoException);
  }
}
