// Addresses on links. IPv6 ones skip duplicate address detection: nobody else can hold them, and it costs two seconds.
import { addressBytes, addressFromBytes, addressOf, printAddress } from '../../base/net/address.ts';
import { AF_INET, AF_INET6 } from './ffi.ts';
import { CREATE, readAttributes, REPLACE } from './message.ts';
import { routeProtocol } from './routes.ts';
import type { RtRequest } from './rt-request.ts';

/** An address with the length of its network, as `ip address` takes it: `10.0.2.4/24`. */
export interface LinkAddress {
  readonly link: string;
  readonly address: string;
}

export interface AddressEntry extends LinkAddress {
  /** Who put it there: our routeProtocol, or another number; 0 on kernels before 5.18. */
  readonly protocol: number;
}

const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_PROTO = 11;
const IFA_F_NODAD = 0x02;

function addressRequest(verb: 'replace' | 'del', { link, address }: LinkAddress, protocol?: number): RtRequest {
  const [host = '', length = ''] = address.split('/');
  const parsed = addressOf(host);
  const bytes = addressBytes(parsed);
  return {
    words: `ip address ${verb} ${address} dev ${link}${protocol ? ` proto ${protocol}` : ''}`,
    type: verb === 'del' ? RTM_DELADDR : RTM_NEWADDR,
    flags: verb === 'del' ? 0 : CREATE | REPLACE,
    encode: ({ indexOf }) => {
      const header = Buffer.from([parsed.family === 4 ? AF_INET : AF_INET6, Number(length), IFA_F_NODAD, 0, 0, 0, 0, 0]);
      header.writeUInt32LE(indexOf(link), 4);
      const mark = protocol === undefined ? undefined : Buffer.from([protocol]);
      return { header, attributes: [[IFA_ADDRESS, bytes], [IFA_LOCAL, bytes], [IFA_PROTO, mark]] };
    },
  };
}

/** Adds it, or does nothing when it is there. */
export const addAddress = (wish: LinkAddress, protocol: number = routeProtocol): RtRequest =>
  addressRequest('replace', wish, protocol);

export const removeAddress = (wish: LinkAddress): RtRequest => addressRequest('del', wish);

/** The body of an RTM_NEWADDR message. */
export function readAddress(body: Buffer, names: ReadonlyMap<number, string>): AddressEntry {
  const attributes = readAttributes(body, 8);
  const bytes = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS) ?? Buffer.alloc(4);
  const index = body.readUInt32LE(4);
  return {
    link: names.get(index) ?? `#${index}`,
    address: `${printAddress(addressFromBytes(bytes))}/${body[1]}`,
    protocol: attributes.get(IFA_PROTO)?.[0] ?? 0,
  };
}
