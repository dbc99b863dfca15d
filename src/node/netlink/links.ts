// Links: veth pairs with each end placed in its namespace at birth (nothing appears at home), bridges, and changes.
// A veth peer must be created down (ENOTCONN otherwise); bring the ends up afterwards.
import { CREATE, EXCLUSIVE, readAttributes, textOf } from './message.ts';
import type { Netns } from './namespaces.ts';
import type { RtRequest } from './rt-request.ts';

export interface Link {
  readonly index: number;
  readonly name: string;
  /** `veth`, `bridge` …; absent for loopback and real devices. */
  readonly kind?: string;
  readonly up: boolean;
  /** Up, and so is whatever is at its other end. */
  readonly running: boolean;
  readonly mtu: number;
  /** `ee:ee:ee:ee:ee:ee` */
  readonly mac?: string;
  /** Index of the bridge it is a port of. */
  readonly master?: number;
}

/** One end of a veth pair. */
export interface VethEnd {
  readonly name: string;
  /** Absent: the namespace of the conversation. */
  readonly namespace?: Netns;
  readonly mac?: string;
  readonly mtu?: number;
}

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;

const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_NET_NS_FD = 28;
const INFO_KIND = 1;
const INFO_DATA = 2;
const VETH_PEER = 1;
const IFF_UP = 1;
const IFF_RUNNING = 0x40;

export const macBytes = (mac: string): Uint8Array => Buffer.from(mac.replaceAll(':', ''), 'hex');
export const printMac = (bytes: Buffer): string => bytes.toString('hex').replace(/..(?!$)/g, '$&:');

/** struct ifinfomsg. `up` undefined leaves the state as it is. */
function linkHeader(index: number, up?: boolean): Buffer {
  const header = Buffer.alloc(16);
  header.writeInt32LE(index, 4);
  header.writeUInt32LE(up ? IFF_UP : 0, 8);
  header.writeUInt32LE(up === undefined ? 0 : IFF_UP, 12);
  return header;
}

const endWords = ({ name, namespace, mac, mtu }: VethEnd) =>
  `name ${name}${namespace ? ` netns ${namespace.name}` : ''}${mac ? ` address ${mac}` : ''}${mtu ? ` mtu ${mtu}` : ''}`;

export function addVeth(near: VethEnd, far: VethEnd): RtRequest {
  return {
    words: `ip link add ${endWords(near)} type veth peer ${endWords(far)}`,
    type: RTM_NEWLINK,
    flags: CREATE | EXCLUSIVE,
    encode({ descriptorOf }) {
      const attributesOf = (end: VethEnd) =>
        [
          [IFLA_IFNAME, end.name],
          [IFLA_ADDRESS, end.mac && macBytes(end.mac)],
          [IFLA_MTU, end.mtu],
          [IFLA_NET_NS_FD, end.namespace && descriptorOf(end.namespace)],
        ] as const;
      const peer = [VETH_PEER, { header: linkHeader(0), attributes: attributesOf(far) }] as const;
      const info = [IFLA_LINKINFO, [[INFO_KIND, 'veth'], [INFO_DATA, [peer]]]] as const;
      return { header: linkHeader(0), attributes: [...attributesOf(near), info] };
    },
  };
}

export const addBridge = (name: string, mac?: string): RtRequest => ({
  words: `ip link add name ${name}${mac ? ` address ${mac}` : ''} type bridge`,
  type: RTM_NEWLINK,
  flags: CREATE | EXCLUSIVE,
  encode: () => ({
    header: linkHeader(0),
    attributes: [
      [IFLA_IFNAME, name],
      [IFLA_ADDRESS, mac && macBytes(mac)],
      [IFLA_LINKINFO, [[INFO_KIND, 'bridge']]],
    ],
  }),
});

export interface LinkChange {
  readonly up?: boolean;
  readonly mtu?: number;
  readonly mac?: string;
  /** Name of the bridge, or null to leave it. */
  readonly master?: string | null;
  /** Needs the link down on kernels before 6.2. */
  readonly rename?: string;
}

const changeWords = ({ up, mtu, mac, master, rename }: LinkChange) =>
  [
    mtu === undefined ? '' : ` mtu ${mtu}`,
    mac === undefined ? '' : ` address ${mac}`,
    master === undefined ? '' : master === null ? ' nomaster' : ` master ${master}`,
    rename === undefined ? '' : ` name ${rename}`,
    up === undefined ? '' : up ? ' up' : ' down',
  ].join('');

export const setLink = (name: string, change: LinkChange): RtRequest => ({
  words: `ip link set dev ${name}${changeWords(change)}`,
  type: RTM_NEWLINK,
  flags: 0,
  encode: ({ indexOf }) => ({
    header: linkHeader(indexOf(name), change.up),
    attributes: [
      [IFLA_IFNAME, change.rename],
      [IFLA_MTU, change.mtu],
      [IFLA_ADDRESS, change.mac && macBytes(change.mac)],
      [IFLA_MASTER, change.master === undefined ? undefined : change.master === null ? 0 : indexOf(change.master)],
    ],
  }),
});

/** Of a veth pair both ends go, at once. */
export const deleteLink = (name: string): RtRequest => ({
  words: `ip link del dev ${name}`,
  type: RTM_DELLINK,
  flags: 0,
  encode: ({ indexOf }) => ({ header: linkHeader(indexOf(name)), attributes: [] }),
});

/** The body of an RTM_NEWLINK message. */
export function readLink(body: Buffer): Link {
  const attributes = readAttributes(body, 16);
  const info = attributes.get(IFLA_LINKINFO);
  const kind = info && readAttributes(info).get(INFO_KIND);
  const mac = attributes.get(IFLA_ADDRESS);
  return {
    index: body.readInt32LE(4),
    name: textOf(attributes.get(IFLA_IFNAME) ?? Buffer.alloc(0)),
    up: (body.readUInt32LE(8) & IFF_UP) !== 0,
    running: (body.readUInt32LE(8) & IFF_RUNNING) !== 0,
    mtu: attributes.get(IFLA_MTU)?.readUInt32LE() ?? 0,
    ...(kind && { kind: textOf(kind) }),
    ...(mac && { mac: printMac(mac) }),
    ...(attributes.has(IFLA_MASTER) && { master: attributes.get(IFLA_MASTER)!.readUInt32LE() }),
  };
}
