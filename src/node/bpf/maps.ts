// The maps that programs (programs.ts) and driver (bpf/connect-driver.ts) share: their shapes, byte by byte.
//
//   fronts     front                       → id, endpoint count, sticky nanoseconds
//   endpoints  id, index in [0, count)     → place
//   members    id, place                   → 1             sticky only: is the remembered endpoint still one of them?
//   clients    network namespace, front    → last use, place    sticky only; filled by connections, like the two below
//   peers      socket                      → front         TCP: whom the program meant to speak to
//   replies    socket, place               → front         UDP: under which address the program knows the sender
//
//   place: address (16), port (2), zero (2)      front: address (16), port (2), protocol (2)
//
// Addresses are IPv6; IPv4 is written ::ffff:a.b.c.d, as the kernel itself does for IPv4 on IPv6 sockets: so one set of
// maps serves both families, and such sockets need no special case. Addresses and ports are in network order, all else
// in the machine's, which must be little-endian.
import { addressBytes, addressOf } from '../../base/net/address.ts';

/** linux/bpf.h, enum bpf_map_type. */
const HASH = 1;
const LRU_HASH = 9;
/** An element takes memory when it is there, not before. */
const NO_PREALLOC = 1;

export interface MapShape {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
}

const filledByUs = (name: string, keyBytes: number, valueBytes: number): MapShape => ({ name, type: HASH, flags: NO_PREALLOC, keyBytes, valueBytes });
/** The one used longest ago makes room. */
const filledByPackets = (name: string, keyBytes: number, valueBytes: number): MapShape => ({ name, type: LRU_HASH, flags: 0, keyBytes, valueBytes });

const place = 20;
const front = 20;

export const fronts = filledByUs('fronts', front, 16);
export const endpoints = filledByUs('endpoints', 8, place);
export const members = filledByUs('members', 4 + place, 4);
export const clients = filledByPackets('clients', 8 + front, 32);
export const peers = filledByPackets('peers', 8, front);
export const replies = filledByPackets('replies', 8 + place, front);

/** How many sockets and clients are remembered. A forgotten client is no longer sticky, a forgotten peer shows its real address. */
export const MOST_REMEMBERED = 16_384;

export const protocols = { TCP: 6, UDP: 17 } as const;

const mapped = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]);

function placeBytes(address: string, port: number, last: number): Buffer {
  const bytes = Buffer.alloc(place);
  const number = addressBytes(addressOf(address));
  if (number.length === 4) bytes.set(mapped);
  bytes.set(number, 16 - number.length);
  bytes.writeUInt16BE(port, 16);
  bytes.writeUInt16LE(last, 18);
  return bytes;
}

export interface Place {
  readonly address: string;
  readonly port: number;
}

export const frontKey = ({ address, port, protocol }: Place & { readonly protocol: keyof typeof protocols }): Buffer => placeBytes(address, port, protocols[protocol]);

export const endpointValue = ({ address, port }: Place): Buffer => placeBytes(address, port, 0);

export function endpointKey(id: number, index: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(id);
  bytes.writeUInt32LE(index, 4);
  return bytes;
}

export function memberKey(id: number, endpoint: Place): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(id);
  return Buffer.concat([bytes, endpointValue(endpoint)]);
}

export const memberValue = Buffer.from([1, 0, 0, 0]);

export function frontValue(id: number, count: number, stickySeconds: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32LE(id);
  bytes.writeUInt32LE(count, 4);
  bytes.writeBigUInt64LE(BigInt(stickySeconds) * 1_000_000_000n, 8);
  return bytes;
}
