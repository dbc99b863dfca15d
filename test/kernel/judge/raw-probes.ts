// Pings and SCTP greetings by raw sockets: Node speaks neither, and the kernel may have no SCTP at all. Each receiver has
// an ear in each family; what it hears is told apart by the number that the probe carries.
import koffi from 'koffi';
import { setTimeout as wait } from 'node:timers/promises';
import { addressFromBytes, familyOf, printAddress } from '../../../src/base/net/address.ts';
import type { Family } from '../../../src/kube/objects/meta.ts';
import { AF_INET, AF_INET6, closeDescriptor, openSocket, sendBytes, SOCK_RAW, SystemCallError } from '../../../src/node/netlink/ffi.ts';
import { inNamespace, type Netns } from '../../../src/node/netlink/namespaces.ts';
import type { Reception } from './listeners.ts';
import { answerOfError, type Answer, openSender, type Sending } from './probes.ts';
import { socketAddress } from './socket-address.ts';

export type RawProtocol = 'ICMP' | 'SCTP';

const numbers = { 4: { ICMP: 1, SCTP: 132 }, 6: { ICMP: 58, SCTP: 132 } } as const;
const echoRequest = { 4: 8, 6: 128 } as const;
const libc = koffi.load('libc.so.6');
const connect = libc.func('int connect(int, const uint8_t *, uint32_t)');
const recvfrom = libc.func('int64_t recvfrom(int, _Out_ uint8_t *, size_t, int, _Out_ uint8_t *, _Inout_ uint32_t *)');
const DONT_WAIT = 0x40;

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

/** An echo request whose payload is the number. The kernel itself sums up ICMPv6. */
function ping(number: number, family: Family): Buffer {
  const bytes = Buffer.alloc(12);
  bytes[0] = echoRequest[family];
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

/** Number and port of one datagram; undefined for others' and for answers. */
function read(protocol: RawProtocol, family: Family, bytes: Buffer): { number: number; port: number } | undefined {
  // IPv4 raw sockets get the header too.
  const body = family === 4 ? bytes.subarray((bytes[0]! & 0xf) * 4) : bytes;
  if (protocol === 'ICMP') return body[0] === echoRequest[family] && body.length >= 12 ? { number: body.readUInt32BE(8), port: 0 } : undefined;
  return body[12] === 1 ? { number: body.readUInt32BE(16), port: body.readUInt16BE(2) } : undefined;
}

/** Each is good until the next one is asked for. Throws what the kernel has to tell about earlier packets. */
function* drain(fd: number): Iterable<{ bytes: Buffer; peer: string }> {
  const [buffer, from] = [Buffer.alloc(2048), Buffer.alloc(28)];
  for (;;) {
    const got = Number(recvfrom(fd, buffer, buffer.length, DONT_WAIT, from, [from.length]));
    if (got < 0) {
      const error = new SystemCallError('recv', koffi.errno(), '');
      if (error.code === 'EAGAIN') return;
      throw error;
    }
    const address = from.readUInt16LE() === AF_INET ? from.subarray(4, 8) : from.subarray(8, 24);
    yield { bytes: buffer.subarray(0, got), peer: printAddress(addressFromBytes(address)) };
  }
}

export interface Ear {
  hear(): { number: number; reception: Reception }[];
  close(): void;
}

const families = [4, 6] as const;

export function openEar(namespace: Netns, who: string, protocol: RawProtocol): Ear {
  const fds = families.map((family) =>
    inNamespace(namespace, () => openSocket({ family: family === 4 ? AF_INET : AF_INET6, type: SOCK_RAW, protocol: numbers[family][protocol] })),
  );
  return {
    hear() {
      const heard: { number: number; reception: Reception }[] = [];
      for (const [index, family] of families.entries()) {
        for (const { bytes, peer } of drain(fds[index]!)) {
          const probe = read(protocol, family, bytes);
          // IPv4 raw sockets see the header, and with it where the packet was sent.
          const address = family === 4 ? { address: printAddress(addressFromBytes(bytes.subarray(16, 20))) } : {};
          if (probe) heard.push({ number: probe.number, reception: { who, port: probe.port, peer, ...address } });
        }
      }
      return heard;
    },
    close: () => fds.forEach(closeDescriptor),
  };
}

let lastNumber = 0;

const TURN_MS = 60;
/** A router that must first find a neighbour takes its time. */
const mostTurns = 20;

/** One probe each. Raw packets cross veth pairs before send() returns or within a turn; what is awaited gets several. */
export async function sendRaw(protocol: RawProtocol, sendings: readonly Sending[], ears: readonly Ear[]): Promise<Answer[]> {
  for (const ear of ears) ear.hear();
  const sent = sendings.map((sending) => {
    const number = (lastNumber += 1);
    const family = familyOf(sending.source);
    const fd = openSender(sending, SOCK_RAW, numbers[family][protocol]);
    const bytes = protocol === 'ICMP' ? ping(number, family) : sctpInit(number, sending.port);
    return { number, fd, isAwaited: sending.isAwaited === true, early: sendOne(fd, sending, bytes) };
  });
  const answers = new Map<number, Answer>(sent.flatMap(({ number, early }) => (early === undefined ? [] : [[number, early]])));
  const open = () => sent.filter(({ number }) => !answers.has(number));
  for (let turn = 0; turn === 0 || (turn < mostTurns && open().some(({ isAwaited }) => isAwaited)); turn++) {
    await wait(TURN_MS);
    for (const { number, reception } of ears.flatMap((ear) => ear.hear())) answers.set(number, reception);
    for (const { number, fd } of open()) if (refusalOn(fd) !== 'silence') answers.set(number, 'refused');
  }
  for (const { fd } of sent) closeDescriptor(fd);
  return sent.map(({ number }) => answers.get(number) ?? 'silence');
}

/** An answer only when the packet could not even leave. */
function sendOne(fd: number, { destination }: Sending, bytes: Buffer): Answer | undefined {
  const to = socketAddress(destination, 0);
  try {
    if (Number(connect(fd, to, to.length)) < 0) throw new SystemCallError('connect', koffi.errno(), destination);
    sendBytes(fd, bytes);
    return undefined;
  } catch (error) {
    return answerOfError(error as NodeJS.ErrnoException);
  }
}

/** The kernel tells a connected raw socket of ICMP errors at its next read. */
function refusalOn(fd: number): Answer {
  try {
    for (const _ of drain(fd));
    return 'silence';
  } catch (error) {
    return answerOfError(error as NodeJS.ErrnoException) ?? 'silence';
  }
}
