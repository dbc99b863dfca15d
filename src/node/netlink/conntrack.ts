// The kernel's table of connections: list and forget entries. Needed for UDP, whose packets keep following an old
// entry (to an endpoint that is gone) for as long as somebody sends (linux/netfilter/nfnetlink_conntrack.h).
import type { Family } from '../../kube/objects/meta.ts';
import { addressFromBytes, printAddress } from '../../base/net/address.ts';
import { AF_INET, AF_INET6 } from './ffi.ts';
import { ACK, beginMessage, DUMP, endMessage, MESSAGE_ERROR, newWriter, putBytes, readAttributes, REQUEST } from './message.ts';
import type { Netns } from './namespaces.ts';
import { NetlinkError, NetlinkSocket, refusalOf } from './netlink-socket.ts';

/** One direction of a connection. */
export interface FlowSide {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

export interface Flow {
  /** 6 TCP, 17 UDP, 132 SCTP. */
  readonly protocol: number;
  /** As the first packet was sent. */
  readonly original: FlowSide;
  /** As answers come: its source is the endpoint behind a translated destination. */
  readonly reply: FlowSide;
}

const NETFILTER = 12;
const GET = (1 << 8) | 1;
const DELETE = (1 << 8) | 2;
const NESTED = 0x8000;
const TUPLE_ORIGINAL = 1;
const TUPLE_REPLY = 2;
const TUPLE_ADDRESSES = 1;
const TUPLE_PROTOCOL = 2;
const PROTOCOL_NUMBER = 1;
const SOURCE_PORT = 2;
const DESTINATION_PORT = 3;
const FAMILY_HEADER_BYTES = 4;
/** A dump of a hundred thousand entries must not overflow while it is read. */
const RECEIVE_BUFFER = 4 * 1024 * 1024;

/** Attribute numbers of the addresses: IPv4 source, destination, then IPv6's. */
const addressAttributes = { [AF_INET]: [1, 2], [AF_INET6]: [3, 4] } as const;

function readSide(tuple: Buffer, family: 2 | 10): FlowSide | undefined {
  const parts = readAttributes(tuple);
  const addresses = readAttributes(parts.get(TUPLE_ADDRESSES) ?? Buffer.alloc(0));
  const protocol = readAttributes(parts.get(TUPLE_PROTOCOL) ?? Buffer.alloc(0));
  const [source, destination] = addressAttributes[family].map((type) => addresses.get(type));
  if (!source || !destination) return undefined;
  return {
    source: printAddress(addressFromBytes(source)),
    destination: printAddress(addressFromBytes(destination)),
    sourcePort: protocol.get(SOURCE_PORT)?.readUInt16BE() ?? 0,
    destinationPort: protocol.get(DESTINATION_PORT)?.readUInt16BE() ?? 0,
  };
}

function readFlow(body: Buffer): { flow: Flow; tuple: Buffer } | undefined {
  const family = body[0];
  if (family !== AF_INET && family !== AF_INET6) return undefined;
  const attributes = readAttributes(body, FAMILY_HEADER_BYTES);
  const tuple = attributes.get(TUPLE_ORIGINAL);
  const answer = attributes.get(TUPLE_REPLY);
  const [original, reply] = [tuple && readSide(tuple, family), answer && readSide(answer, family)];
  if (!tuple || !original || !reply) return undefined;
  const number = readAttributes(readAttributes(tuple).get(TUPLE_PROTOCOL)!).get(PROTOCOL_NUMBER);
  return { flow: { protocol: number?.[0] ?? 0, original, reply }, tuple: Buffer.from(tuple) };
}

const familyNumbers = { 4: AF_INET, 6: AF_INET6 } as const;

/**
 * Calls back for each entry. The tuple is what the kernel wants to hear to find it again.
 * The kernel walks the table of the whole machine for each family: some milliseconds, however few the entries.
 */
function eachFlow(socket: NetlinkSocket, families: Iterable<Family>, read: (flow: Flow, tuple: Buffer, family: number) => void): void {
  for (const family of [...families].map((each) => familyNumbers[each])) {
    const question = newWriter(64);
    const header = { type: GET, flags: REQUEST | DUMP, sequence: socket.nextSequence() };
    endMessage(question, beginMessage(question, header, Buffer.from([family, 0, 0, 0])));
    const refusal = socket.dump(question, ({ body }) => {
      const found = readFlow(body);
      if (found) read(found.flow, found.tuple, family);
    });
    if (refusal) throw new NetlinkError('conntrack -L', refusal);
  }
}

function withSocket<T>(namespace: Netns, body: (socket: NetlinkSocket) => T): T {
  const socket = new NetlinkSocket(namespace, NETFILTER);
  try {
    socket.setBuffers(RECEIVE_BUFFER);
    return body(socket);
  } finally {
    socket.close();
  }
}

/** All entries of the namespace, both families. */
export function listFlows(namespace: Netns): Flow[] {
  const flows: Flow[] = [];
  withSocket(namespace, (socket) => eachFlow(socket, [4, 6], (flow) => flows.push(flow)));
  return flows;
}

const flowWords = ({ protocol, original: { source, destination, sourcePort, destinationPort } }: Flow) =>
  `conntrack -D -p ${protocol} -s ${source} -d ${destination} --sport ${sourcePort} --dport ${destinationPort}`;

/** Forgets the matching entries; their next packet starts afresh. Returns how many there were. Throws NetlinkError. */
export function deleteFlows(namespace: Netns, families: ReadonlySet<Family>, matches: (flow: Flow) => boolean): number {
  if (families.size === 0) return 0;
  return withSocket(namespace, (socket) => {
    const doomed: { flow: Flow; tuple: Buffer; family: number }[] = [];
    eachFlow(socket, families, (flow, tuple, family) => void (matches(flow) && doomed.push({ flow, tuple, family })));
    return doomed.filter(({ flow, tuple, family }) => deleteFlow(socket, flowWords(flow), { tuple, family })).length;
  });
}

/** False when it was gone by itself in the meantime. */
function deleteFlow(socket: NetlinkSocket, words: string, { tuple, family }: { tuple: Buffer; family: number }): boolean {
  const request = newWriter(256);
  const header = { type: DELETE, flags: REQUEST | ACK, sequence: socket.nextSequence() };
  const mark = beginMessage(request, header, Buffer.from([family, 0, 0, 0]));
  putBytes(request, TUPLE_ORIGINAL | NESTED, tuple);
  endMessage(request, mark);
  socket.send(request);
  for (;;) {
    for (const message of socket.receive()!) {
      if (message.type !== MESSAGE_ERROR || message.sequence !== header.sequence) continue;
      const refusal = refusalOf(message);
      if (refusal && refusal.code !== 'ENOENT') throw new NetlinkError(words, refusal);
      return refusal === undefined;
    }
  }
}
