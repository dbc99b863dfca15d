// The fake machine's hand for wiring: holds what it was told and makes the kernel's checks, so that a wish that Linux
// would refuse is refused here too. A link must exist before it is used, be up before it is routed over, a gateway must
// be reachable, a source address must be one's own.
import { addressOf } from '../../base/net/address.ts';
import { contains, prefixOf } from '../../base/net/prefix.ts';
import { type Driver, DriverError } from './driver.ts';
import { addressKey, farEndOf, linkPrefix, neighbourKey, noWiring, routeKey, type WiredAddress, type WiredLink, type WiredRoute, type Wiring } from './wiring.ts';
import { createWiringDriver, type WiringChange } from './wiring-driver.ts';

/** One network namespace that exists only here. */
export interface MemoryNetwork {
  /** Links that are there without us, with their addresses: `eth0` → `10.0.2.4/24`. */
  readonly foreign: ReadonlyMap<string, readonly string[]>;
  readonly sysctls: Map<string, string>;
  held: Wiring;
}

export const newMemoryNetwork = (
  foreign: Readonly<Record<string, readonly string[]>> = { lo: ['127.0.0.1/8', '::1/128'] },
  sysctls: Readonly<Record<string, string>> = {},
): MemoryNetwork => ({ foreign: new Map(Object.entries(foreign)), sysctls: new Map(Object.entries(sysctls)), held: noWiring });

const name = 'wiring (memory)';

function refuse(request: string, code: string): never {
  throw new DriverError(name, `${request}: ${code}`, request);
}

/** What names no link needs none. */
function hasLink({ foreign, held }: MemoryNetwork, link: string | undefined): boolean {
  return link === undefined || foreign.has(link) || [...held.links.values()].some((each) => each.name === link || farEndOf(each) === link);
}

/** Every address of the namespace with its link. */
const localAddresses = ({ foreign, held }: MemoryNetwork): WiredAddress[] => [
  ...[...foreign].flatMap(([link, addresses]) => addresses.map((address) => ({ link, address }))),
  ...held.addresses.values(),
];

const isOwn = (network: MemoryNetwork, address: string) =>
  localAddresses(network).some((own) => addressOf(own.address.split('/')[0]!).value === addressOf(address).value);

/** On a link's own network, or behind a route that needs no gateway. */
function isReachable(network: MemoryNetwork, via: string, link: string | undefined): boolean {
  const direct = [
    ...localAddresses(network).map((own) => ({ prefix: own.address, link: own.link })),
    ...[...network.held.routes.values()].filter((route) => route.via === undefined && route.type === undefined),
    // Every IPv6 link has its link-local network.
    ...[...network.foreign.keys()].map((each) => ({ prefix: 'fe80::/64', link: each })),
  ];
  return direct.some((way) => (link === undefined || way.link === link) && contains(prefixOf(way.prefix), addressOf(via)));
}

const routeWords = ({ prefix, via, link }: WiredRoute) => `ip route replace ${prefix}${via ? ` via ${via}` : ''}${link ? ` dev ${link}` : ''}`;

/** The kernel's first objection. */
function faultOf(network: MemoryNetwork, { link, via, source, onlink, type }: WiredRoute): string | undefined {
  const leadsNowhere = type === undefined && link === undefined && via === undefined;
  if (leadsNowhere || !hasLink(network, link)) return 'ENODEV';
  if (via !== undefined && !onlink && !isReachable(network, via, link)) return 'ENETUNREACH';
  return source !== undefined && !isOwn(network, source) ? 'EINVAL' : undefined;
}

const changed = <T>(map: ReadonlyMap<string, T>, key: string, value: T | undefined): ReadonlyMap<string, T> => {
  const copy = new Map(map);
  if (value === undefined) copy.delete(key);
  else copy.set(key, value);
  return copy;
};

/** With a link goes all that hangs on it. */
function withoutLink(held: Wiring, link: WiredLink): Wiring {
  const gone = new Set([link.name, farEndOf(link)]);
  const standing = <T extends { readonly link?: string }>(things: ReadonlyMap<string, T>) =>
    new Map([...things].filter(([, thing]) => thing.link === undefined || !gone.has(thing.link)));
  return { ...held, links: changed(held.links, link.name, undefined), addresses: standing(held.addresses), routes: standing(held.routes), neighbours: standing(held.neighbours) };
}

function changeLink(network: MemoryNetwork, op: 'add' | 'change' | 'remove', link: WiredLink): void {
  if (op === 'add' && hasLink(network, link.name)) refuse(`ip link add name ${link.name} type ${link.kind}`, 'EEXIST');
  if (op !== 'remove' && !hasLink(network, link.master)) refuse(`ip link set dev ${link.name} master ${link.master}`, 'ENODEV');
  const { held } = network;
  network.held = op === 'remove' ? withoutLink(held, link) : { ...held, links: changed(held.links, link.name, link) };
}

function setSysctl({ sysctls }: MemoryNetwork, key: string, value: string): void {
  if (!sysctls.has(key)) refuse(`sysctl -w ${key}=${value}`, 'ENOENT');
  sysctls.set(key, value);
}

function add(network: MemoryNetwork, each: Exclude<WiringChange, { what: 'link' | 'sysctl' }>): Wiring {
  const { held } = network;
  if (each.what === 'route') {
    const fault = faultOf(network, each.value);
    return fault ? refuse(routeWords(each.value), fault) : { ...held, routes: changed(held.routes, routeKey(each.value), each.value) };
  }
  if (!hasLink(network, each.value.link)) refuse(`ip ${each.what} replace ${each.value.address} dev ${each.value.link}`, 'ENODEV');
  return each.what === 'address'
    ? { ...held, addresses: changed(held.addresses, addressKey(each.value), each.value) }
    : { ...held, neighbours: changed(held.neighbours, neighbourKey(each.value), each.value) };
}

function remove({ held }: MemoryNetwork, each: Exclude<WiringChange, { what: 'link' | 'sysctl' }>): Wiring {
  if (each.what === 'route') return { ...held, routes: changed(held.routes, routeKey(each.value), undefined) };
  return each.what === 'address'
    ? { ...held, addresses: changed(held.addresses, addressKey(each.value), undefined) }
    : { ...held, neighbours: changed(held.neighbours, neighbourKey(each.value), undefined) };
}

/** As in the kernel the first refusal ends it, and what was done before stays done. */
function changeOne(network: MemoryNetwork, each: WiringChange): void {
  if (each.what === 'link') changeLink(network, each.op, each.value);
  else if (each.what === 'sysctl') setSysctl(network, each.key, each.value);
  else network.held = each.op === 'add' ? add(network, each) : remove(network, each);
}

export const memoryWiringDriver = (network: MemoryNetwork): Driver<Wiring> =>
  createWiringDriver({
    name,
    look(sysctls) {
      const found = [...sysctls].map((key): [string, string] => [key, network.sysctls.get(key) ?? refuse(`sysctl ${key}`, 'ENOENT')]);
      const links = [...network.held.links].filter(([link]) => link.startsWith(linkPrefix));
      return { ...network.held, links: new Map(links), sysctls: new Map(found) };
    },
    async change(changes) {
      for (const each of changes) changeOne(network, each);
    },
  });
