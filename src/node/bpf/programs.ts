// The programs: at the moment when a process names a Service's address, it is given an endpoint instead. No packet is
// ever translated, so such connections cost what direct ones cost. Whatever a program does not know, it leaves alone:
// the rules of nftables (node/dataplane) stay complete underneath and give the same answers.
//
//   connect      TCP: front? ─▶ pick endpoint ─▶ remember peer ─▶ connect there
//   sendmsg      UDP without connection: the same for each datagram; one socket keeps its endpoint while they are the same
//   recvmsg      UDP: a datagram from an endpoint seems to come from the front it was sent to
//   getpeername  TCP: the peer is the front
//
// UDP with a connection is left to nftables: nobody could lead such a socket to another endpoint when its own goes away,
// but whoever cleans the connection table can.
import type { At, Instruction } from './assembler.ts';
import { clients, endpoints, fronts, type MapShape, members, peers, protocols, replies } from './maps.ts';
import { at, call, copy, forget, jump, jumpIf, label, letPass, load, lookUp, move, multiply, number, shiftLeft, shiftRight, stack, store, subtract, update } from './words.ts';

export interface Program {
  readonly name: string;
  /** linux/bpf.h, enum bpf_attach_type. */
  readonly attachAt: number;
  readonly code: readonly Instruction[];
}

type Family = 4 | 6;

/** What the kernel shows of the call: struct bpf_sock_addr. */
const context = { address4: 4, address6: 8, port: 24, protocol: 36 } as const;
/** Registers 6 to 9 outlive helpers. */
const [ctx, frontValue, sticky] = [6, 7, 9] as const;

/** The stack. What is a key or value of a map must be in one piece, so that some parts overlap on purpose. */
const frame = {
  /** Then the front itself: together a client. */
  namespace: stack(-32),
  front: stack(-24),
  endpointKey: stack(-40),
  /** Id, then a place: 24 bytes. */
  member: stack(-64),
  /** When, then a place: 32 bytes. */
  choice: stack(-96),
  /** Then a place: 28 bytes. */
  socket: stack(-128),
} as const;

const plus = ({ base, offset }: At, bytes: number): At => at(base, offset + bytes);
const placeOf = (whole: At, before: number): At => plus(whole, before);
const chosen = placeOf(frame.choice, 8);

/** The first 12 bytes of ::ffff:0.0.0.0. */
const mappedPrefix = (to: At): Instruction[] => [store(to, number(0), 4), store(plus(to, 4), number(0), 4), store(plus(to, 8), number(-0x10000), 4)];

/** The call's address and port; `last` fills the two bytes after them. */
function readPlace(family: Family, to: At, last: number): Instruction[] {
  const address = family === 4 ? [...mappedPrefix(to), load(1, at(ctx, context.address4), 4), store(plus(to, 12), 1, 4)] : copy(to, at(ctx, context.address6), 4);
  return [...address, load(1, at(ctx, context.port), 4), store(plus(to, 16), 1, 2), store(plus(to, 18), number(last), 2)];
}

const writePlace = (family: Family, from: At): Instruction[] => [
  ...(family === 4 ? copy(at(ctx, context.address4), plus(from, 12), 1) : copy(at(ctx, context.address6), from, 4)),
  load(1, plus(from, 16), 2),
  store(at(ctx, context.port), 1, 4),
];

const intoSocketKey: Instruction[] = [move(1, ctx), call('get_socket_cookie'), store(frame.socket, 0, 8)];

/** A client that was here lately, and whose endpoint is still one of the front's, has chosen already. */
const askMemory: Instruction[] = [
  load(sticky, at(frontValue, 8), 8),
  jumpIf(sticky, '==', number(0), 'spread'),
  move(1, ctx),
  call('get_netns_cookie'),
  store(frame.namespace, 0, 8),
  ...lookUp(clients.name, frame.namespace),
  jumpIf(0, '==', number(0), 'spread'),
  move(8, 0),
  ...copy(chosen, at(8, 8), 5),
  load(8, at(8, 0), 8),
  call('ktime_get_ns'),
  subtract(0, 8),
  jumpIf(0, '>', sticky, 'spread'),
  ...copy(frame.member, at(frontValue, 0), 1),
  ...copy(plus(frame.member, 4), chosen, 5),
  ...lookUp(members.name, frame.member),
  jumpIf(0, '!=', number(0), 'chosen'),
];

/** Any endpoint: by chance for TCP; for UDP by the socket, so that its datagrams go one way. */
const spread = (protocol: 'TCP' | 'UDP'): Instruction[] => [
  ...(protocol === 'TCP'
    ? [call('get_prandom_u32')]
    : // Cookies are consecutive numbers; multiples of the golden ratio of 2^32 spread these evenly.
      [load(0, frame.socket, 8), multiply(0, number(0x61c8_8647)), shiftLeft(0, 32), shiftRight(0, 32)]),
  // As a fraction of 2^32, times the count.
  load(1, at(frontValue, 4), 4),
  multiply(0, 1),
  shiftRight(0, 32),
  store(plus(frame.endpointKey, 4), 0, 4),
  ...copy(frame.endpointKey, at(frontValue, 0), 1),
  ...lookUp(endpoints.name, frame.endpointKey),
  jumpIf(0, '==', number(0), 'not ours'),
  ...copy(chosen, at(0, 0), 5),
];

const remember: Instruction[] = [
  jumpIf(sticky, '==', number(0), 'remembered'),
  call('ktime_get_ns'),
  store(frame.choice, 0, 8),
  store(plus(frame.choice, 28), number(0), 4),
  ...update(clients.name, frame.namespace, frame.choice),
  label('remembered'),
];

/** What connect and sendmsg share; `noted` says how the way back is found, `direct` forgets what it was before. */
const lead = (family: Family, protocol: 'TCP' | 'UDP', { noted, direct }: { noted: readonly Instruction[]; direct: readonly Instruction[] }): Instruction[] => [
  move(ctx, 1),
  load(1, at(ctx, context.protocol), 4),
  jumpIf(1, '!=', number(protocols[protocol]), 'done'),
  ...readPlace(family, frame.front, protocols[protocol]),
  ...intoSocketKey,
  ...lookUp(fronts.name, frame.front),
  jumpIf(0, '==', number(0), 'not ours'),
  move(frontValue, 0),
  ...askMemory,
  label('spread'),
  ...spread(protocol),
  label('chosen'),
  ...remember,
  ...noted,
  ...writePlace(family, chosen),
  jump('done'),
  label('not ours'),
  ...direct,
  label('done'),
  ...letPass,
];

const connect = (family: Family): Instruction[] =>
  lead(family, 'TCP', { noted: update(peers.name, frame.socket, frame.front), direct: forget(peers.name, frame.socket) });

const replyPlace = plus(frame.socket, 8);

const sendmsg = (family: Family): Instruction[] =>
  lead(family, 'UDP', {
    noted: [...copy(replyPlace, chosen, 5), ...update(replies.name, frame.socket, frame.front)],
    // The same socket may have met this endpoint through a Service before.
    direct: [...copy(replyPlace, frame.front, 4), ...copy(plus(replyPlace, 16), plus(frame.front, 16), 1), store(plus(replyPlace, 18), number(0), 2), ...forget(replies.name, frame.socket)],
  });

/** The way back: whoever is known under another address shows that one. */
const back = (family: Family, map: MapShape, key: readonly Instruction[]): Instruction[] => [
  move(ctx, 1),
  ...intoSocketKey,
  ...key,
  ...lookUp(map.name, frame.socket),
  jumpIf(0, '==', number(0), 'done'),
  move(8, 0),
  ...writePlace(family, at(8, 0)),
  label('done'),
  ...letPass,
];

const recvmsg = (family: Family): Instruction[] => back(family, replies, readPlace(family, replyPlace, 0));

const getpeername = (family: Family): Instruction[] => [
  move(ctx, 1),
  load(1, at(ctx, context.protocol), 4),
  jumpIf(1, '!=', number(protocols.TCP), 'done'),
  move(1, ctx),
  ...back(family, peers, []),
];

const both = (name: string, attachAt: readonly [four: number, six: number], code: (family: Family) => Instruction[]): Program[] => [
  { name: `${name}4`, attachAt: attachAt[0], code: code(4) },
  { name: `${name}6`, attachAt: attachAt[1], code: code(6) },
];

/** The ways back stand before the ways there: nobody is led to an endpoint before its answers are understood. */
export const programs: readonly Program[] = [
  ...both('getpeername', [29, 30], getpeername),
  ...both('recvmsg', [19, 20], recvmsg),
  ...both('connect', [10, 11], connect),
  ...both('sendmsg', [14, 15], sendmsg),
];
