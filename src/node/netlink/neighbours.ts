// Neighbours: permanent entries (no ARP or ND is ever asked) and proxy entries (we answer for an address on a link).
// A proxied IPv4 address is answered for only where the route to it leaves by another link (net/ipv4/arp.c).
import { addressBytes, addressFromBytes, addressOf, printAddress } from '../../base/net/address.ts';
import { AF_INET, AF_INET6 } from './ffi.ts';
import { macBytes, printMac } from './links.ts';
import { CREATE, readAttributes, REPLACE } from './message.ts';
import { routeProtocol } from './routes.ts';
import type { RtRequest } from './rt-request.ts';

export interface Neighbour {
  readonly link: string;
  readonly address: string;
  /** Absent: a proxy entry. */
  readonly mac?: string;
}

export interface NeighbourEntry extends Neighbour {
  readonly permanent: boolean;
  readonly protocol: number;
}

const RTM_NEWNEIGH = 28;
const RTM_DELNEIGH = 29;

const NDA_DST = 1;
const NDA_LLADDR = 2;
const NDA_PROTOCOL = 12;
const NUD_PERMANENT = 0x80;
const NTF_PROXY = 8;

const neighbourWords = (verb: string, { link, address, mac }: Neighbour) =>
  mac ? `ip neigh ${verb} ${address} lladdr ${mac} dev ${link} nud permanent` : `ip neigh ${verb} proxy ${address} dev ${link}`;

function neighbourRequest(verb: 'replace' | 'del', neighbour: Neighbour, protocol?: number): RtRequest {
  const address = addressOf(neighbour.address);
  return {
    words: neighbourWords(verb, neighbour),
    type: verb === 'del' ? RTM_DELNEIGH : RTM_NEWNEIGH,
    flags: verb === 'del' ? 0 : CREATE | REPLACE,
    encode: ({ indexOf }) => {
      const header = Buffer.alloc(12);
      header[0] = address.family === 4 ? AF_INET : AF_INET6;
      header.writeInt32LE(indexOf(neighbour.link), 4);
      header.writeUInt16LE(neighbour.mac ? NUD_PERMANENT : 0, 8);
      header[10] = neighbour.mac ? 0 : NTF_PROXY;
      const mark = protocol === undefined ? undefined : Buffer.from([protocol]);
      const mac = neighbour.mac && verb !== 'del' ? macBytes(neighbour.mac) : undefined;
      return { header, attributes: [[NDA_DST, addressBytes(address)], [NDA_LLADDR, mac], [NDA_PROTOCOL, mark]] };
    },
  };
}

export const setNeighbour = (neighbour: Neighbour, protocol: number = routeProtocol): RtRequest =>
  neighbourRequest('replace', neighbour, protocol);

export const removeNeighbour = (neighbour: Neighbour): RtRequest => neighbourRequest('del', neighbour);

/** The body of an RTM_NEWNEIGH message; undefined for entries of other families (bridge ports). */
export function readNeighbour(body: Buffer, names: ReadonlyMap<number, string>): NeighbourEntry | undefined {
  const attributes = readAttributes(body, 12);
  const address = attributes.get(NDA_DST);
  const mac = attributes.get(NDA_LLADDR);
  if (!address || (body[0] !== AF_INET && body[0] !== AF_INET6)) return undefined;
  const index = body.readInt32LE(4);
  const isProxy = (body[10]! & NTF_PROXY) !== 0;
  return {
    link: names.get(index) ?? `#${index}`,
    address: printAddress(addressFromBytes(address)),
    permanent: isProxy || (body.readUInt16LE(8) & NUD_PERMANENT) !== 0,
    protocol: attributes.get(NDA_PROTOCOL)?.[0] ?? 0,
    ...(mac && !isProxy && { mac: printMac(mac) }),
  };
}
