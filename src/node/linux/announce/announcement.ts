// Tells a link's neighbours that an address is here from now on: gratuitous ARP, unsolicited neighbour advertisement.
// Without it they would send to the former holder's MAC until their entry turns stale and a probe fails (30 s and more).
// The frames are built whole, because the address is none of the link's own and the kernel would not speak for it.
import { type Address, addressBytes, addressOf } from '../../../base/net/address.ts';
import { bindSocket, closeDescriptor, openSocket, sendBytes, SOCK_RAW } from '../../netlink/ffi.ts';
import { macBytes } from '../../netlink/links.ts';
import { inNamespace, type Netns } from '../../netlink/namespaces.ts';
import { withRtnetlink } from '../../netlink/rtnetlink.ts';

const AF_PACKET = 17;
const ETHERTYPE_ARP = 0x0806;
const ETHERTYPE_IPV6 = 0x86dd;
const ARP_REQUEST = 1;
const ARP_REPLY = 2;
const ICMPV6 = 58;
const NEIGHBOUR_ADVERTISEMENT = 136;
const ROUTER_AND_OVERRIDE = 0xa0;
const TARGET_LINK_ADDRESS = 2;

const everyone = { mac: macBytes('ff:ff:ff:ff:ff:ff'), mac6: macBytes('33:33:00:00:00:01'), ip6: addressBytes(addressOf('ff02::1')) };

const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);

/** RFC 1071. */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

/** RFC 5227: sender and target are the same. Some neighbours heed only requests, others only replies. */
function arpFrame(operation: number, mac: Uint8Array, address: Uint8Array): Buffer {
  const head = Buffer.from([0, 1, 8, 0, 6, 4, 0, operation]);
  return Buffer.concat([everyone.mac, mac, u16(ETHERTYPE_ARP), head, mac, address, everyone.mac, address]);
}

/** RFC 4861, 7.2.6. */
function advertisementFrame(mac: Uint8Array, address: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from([NEIGHBOUR_ADVERTISEMENT, 0, 0, 0, ROUTER_AND_OVERRIDE, 0, 0, 0]), address, Buffer.from([TARGET_LINK_ADDRESS, 1]), mac]);
  const pseudo = Buffer.concat([address, everyone.ip6, Buffer.from([0, 0, 0, body.length, 0, 0, 0, ICMPV6]), body]);
  body.writeUInt16BE(checksum(pseudo), 2);
  const head = Buffer.from([0x60, 0, 0, 0, 0, body.length, ICMPV6, 255]);
  return Buffer.concat([everyone.mac6, mac, u16(ETHERTYPE_IPV6), head, address, everyone.ip6, body]);
}

const framesFor = (address: Address, mac: Uint8Array): Buffer[] =>
  address.family === 4
    ? [ARP_REQUEST, ARP_REPLY].map((operation) => arpFrame(operation, mac, addressBytes(address)))
    : [advertisementFrame(mac, addressBytes(address))];

/** struct sockaddr_ll; no protocol: this socket only sends. */
function linkAddress(index: number): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt16LE(AF_PACKET);
  bytes.writeInt32LE(index, 4);
  return bytes;
}

/** A link that is missing or has no MAC has nobody to tell. Throws SystemCallError, ENETDOWN for a link that is down. */
export function announceAddresses(namespace: Netns, linkName: string, addresses: readonly string[]): void {
  const link = withRtnetlink(namespace, (rtnetlink) => rtnetlink.link(linkName));
  if (!link?.mac) return;
  const mac = macBytes(link.mac);
  const fd = inNamespace(namespace, () => openSocket({ family: AF_PACKET, type: SOCK_RAW }));
  try {
    bindSocket(fd, linkAddress(link.index), linkName);
    for (const address of addresses) for (const frame of framesFor(addressOf(address), mac)) sendBytes(fd, frame);
  } finally {
    closeDescriptor(fd);
  }
}
