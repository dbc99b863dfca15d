// Routes of both families. Ours carry a protocol number of their own, so that they are recognised without memory.
import { addressBytes, addressFromBytes, addressOf, printAddress } from '../../base/net/address.ts';
import { prefixOf, printPrefix } from '../../base/net/prefix.ts';
import { AF_INET, AF_INET6 } from './ffi.ts';
import { CREATE, EXCLUSIVE, readAttributes, REPLACE } from './message.ts';
import type { RtRequest } from './rt-request.ts';

/** `ip route … proto 70`: not assigned in rtnetlink.h or iproute2's rt_protos. Wiring drivers own these. */
export const routeProtocol = 70;
/** Routes made once with the machine and its pods, which no wiring driver may sweep. */
export const fixedRouteProtocol = 71;

export interface Route {
  /** `10.244.1.0/24`; the default routes are `0.0.0.0/0` and `::/0`. */
  readonly prefix: string;
  /** Absent: unicast. */
  readonly type?: RouteType;
  readonly via?: string;
  readonly link?: string;
  /** Preferred source address. */
  readonly source?: string;
  /** The gateway counts as a neighbour even where no route says so. */
  readonly onlink?: boolean;
  /** Absent: the main table. */
  readonly table?: number;
  /** Absent: the kernel's default. */
  readonly metric?: number;
}

export type RouteType = keyof typeof typeNumbers;

export interface RouteEntry extends Route {
  readonly protocol: number;
}

const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;

const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_PREFSRC = 7;
const RTA_TABLE = 15;

const typeNumbers = { unicast: 1, local: 2, blackhole: 6, unreachable: 7, prohibit: 8 } as const;
const typeNames = new Map<number, RouteType>(
  Object.entries(typeNumbers).map(([name, number]) => [number, name as RouteType]),
);
const MAIN_TABLE = 254;
const LOCAL_TABLE = 255;
const SCOPE = { everywhere: 0, link: 253, host: 254, nowhere: 255 } as const;
const RTNH_F_ONLINK = 4;
const RTM_F_CLONED = 0x200;
/** What the kernel gives an IPv6 route that asks for no metric. */
const IPV6_DEFAULT_METRIC = 1024;

function scopeOf({ type = 'unicast', via }: Route): number {
  if (type === 'local') return SCOPE.host;
  return type === 'unicast' && via === undefined ? SCOPE.link : SCOPE.everywhere;
}

const option = (word: string, value: string | number | undefined) => (value === undefined ? '' : ` ${word} ${value}`);

const routeWords = (verb: string, route: Route, protocol: number) =>
  `ip route ${verb} ${route.type ? `${route.type} ` : ''}${route.prefix}${option('via', route.via)}${option('dev', route.link)}` +
  `${option('src', route.source)}${route.onlink ? ' onlink' : ''}${option('table', route.table)}${option('metric', route.metric)}` +
  ` proto ${protocol}`;

/** struct rtmsg */
function routeHeader(route: Route, protocol: number, forRemoval: boolean): Buffer {
  const { family, length } = prefixOf(route.prefix);
  const header = Buffer.alloc(12);
  header[0] = family === 4 ? AF_INET : AF_INET6;
  header[1] = length;
  header[4] = Math.min(route.table ?? MAIN_TABLE, MAIN_TABLE);
  header[5] = protocol;
  header[6] = forRemoval ? SCOPE.nowhere : scopeOf(route);
  header[7] = typeNumbers[route.type ?? 'unicast'];
  header.writeUInt32LE(route.onlink ? RTNH_F_ONLINK : 0, 8);
  return header;
}

function routeRequest(verb: 'add' | 'replace' | 'del', route: Route, protocol: number): RtRequest {
  const prefix = prefixOf(route.prefix);
  const bytes = (address: string | undefined) => (address === undefined ? undefined : addressBytes(addressOf(address)));
  return {
    words: routeWords(verb, route, protocol),
    type: verb === 'del' ? RTM_DELROUTE : RTM_NEWROUTE,
    flags: verb === 'del' ? 0 : CREATE | (verb === 'add' ? EXCLUSIVE : REPLACE),
    encode: ({ indexOf }) => ({
      header: routeHeader(route, protocol, verb === 'del'),
      attributes: [
        [RTA_DST, prefix.length === 0 ? undefined : addressBytes({ family: prefix.family, value: prefix.first })],
        [RTA_GATEWAY, bytes(route.via)],
        [RTA_OIF, route.link === undefined ? undefined : indexOf(route.link)],
        [RTA_PREFSRC, bytes(route.source)],
        [RTA_PRIORITY, route.metric],
        [RTA_TABLE, route.table],
      ],
    }),
  };
}

/** Refused with EEXIST where there is a route of the same prefix, table and metric. */
export const addRoute = (route: Route, protocol = routeProtocol): RtRequest => routeRequest('add', route, protocol);
/** Takes the place of a route of the same prefix, table and metric. */
export const replaceRoute = (route: Route, protocol = routeProtocol): RtRequest => routeRequest('replace', route, protocol);
export const removeRoute = (route: Route, protocol = routeProtocol): RtRequest => routeRequest('del', route, protocol);

/** The body of an RTM_NEWROUTE message; undefined for the kernel's own bookkeeping (local table, cached clones). */
export function readRoute(body: Buffer, names: ReadonlyMap<number, string>): RouteEntry | undefined {
  const attributes = readAttributes(body, 12);
  const number = (attribute: number) => attributes.get(attribute)?.readUInt32LE();
  const table = number(RTA_TABLE) ?? body[4]!;
  const type = typeNames.get(body[7]!);
  const flags = body.readUInt32LE(8);
  if (table === LOCAL_TABLE || !type || flags & RTM_F_CLONED) return undefined;
  const family = body[0] === AF_INET ? 4 : 6;
  const address = (attribute: number) => attributes.has(attribute) && addressFromBytes(attributes.get(attribute)!);
  const first = address(RTA_DST);
  const [via, source] = [address(RTA_GATEWAY), address(RTA_PREFSRC)];
  return {
    prefix: printPrefix({ family, first: first ? first.value : 0n, length: body[1]! }),
    protocol: body[5]!,
    ...(via && { via: printAddress(via) }),
    ...(source && { source: printAddress(source) }),
    ...linkOf(type, number(RTA_OIF), names),
    ...(flags & RTNH_F_ONLINK && { onlink: true }),
    ...(table !== MAIN_TABLE && { table }),
    ...metricOf(family, number(RTA_PRIORITY)),
  };
}

/** Type and link; IPv6 says `dev lo` of routes that lead nowhere, IPv4 says nothing. */
function linkOf(type: RouteType, index: number | undefined, names: ReadonlyMap<number, string>): Pick<Route, 'type' | 'link'> {
  if (type !== 'unicast' && type !== 'local') return { type };
  const link = index === undefined ? {} : { link: names.get(index) ?? `#${index}` };
  return type === 'unicast' ? link : { type, ...link };
}

const metricOf = (family: 4 | 6, metric: number | undefined): Pick<Route, 'metric'> =>
  metric === undefined || (family === 6 && metric === IPV6_DEFAULT_METRIC) ? {} : { metric };
