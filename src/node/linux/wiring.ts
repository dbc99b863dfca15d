// What one namespace's network should look like, beside its rules: links, addresses, routes, neighbours, settings, and
// where connections to Services may lead.
// Plain data, rendered from the model; the wiring drivers make it so. What is not listed and not ours is left alone.
import { addressOf, familyOf, printAddress } from '../../base/net/address.ts';
import { prefixOf, printPrefix } from '../../base/net/prefix.ts';
import type { Ref } from '../../kube/objects/meta.ts';
import type { LinkAddress } from '../netlink/addresses.ts';
import type { Neighbour } from '../netlink/neighbours.ts';
import type { Route } from '../netlink/routes.ts';

/** A link of our own making; its name begins with linkPrefix. Links of others are referred to by name only. */
export interface WiredLink {
  readonly name: string;
  readonly kind: 'bridge' | 'veth';
  /** veth: the other end, in the same namespace. Absent: the name with a `p` behind it. */
  readonly peer?: string;
  readonly mtu?: number;
  readonly mac?: string;
  /** Name of the bridge it is a port of. */
  readonly master?: string;
}

/** The name of the other end; a bridge has none. */
export const farEndOf = ({ name, kind, peer }: WiredLink): string | undefined => (kind === 'veth' ? (peer ?? `${name}p`) : undefined);

/** Everything may say which object caused it. */
type Caused<T> = T & { readonly origin?: Ref };

export type WiredAddress = Caused<LinkAddress>;
export type WiredRoute = Caused<Route>;
export type WiredNeighbour = Caused<Neighbour>;

/** Each thing under the key by which the kernel tells two of its kind apart. */
export interface Wiring {
  readonly links: ReadonlyMap<string, WiredLink>;
  readonly addresses: ReadonlyMap<string, WiredAddress>;
  readonly routes: ReadonlyMap<string, WiredRoute>;
  readonly neighbours: ReadonlyMap<string, WiredNeighbour>;
  /** `net/ipv4/ip_forward` → `1`. Taken back to what they were when no longer wished for. */
  readonly sysctls: ReadonlyMap<string, string>;
}

/** So begin the names of links that a wiring driver may remove; not like the machine room's, which has `fl-`. */
export const linkPrefix = 'flw-';

export interface WiringParts {
  readonly links?: Iterable<WiredLink>;
  readonly addresses?: Iterable<WiredAddress>;
  readonly routes?: Iterable<WiredRoute>;
  readonly neighbours?: Iterable<WiredNeighbour>;
  readonly sysctls?: Readonly<Record<string, string>>;
}

/** Two routes of one prefix may stand side by side only in different tables or with different metrics. */
export const routeKey = ({ prefix, table, metric }: Route): string =>
  `${prefix}${table === undefined ? '' : ` table ${table}`}${metric === undefined ? '' : ` metric ${metric}`}`;

export const addressKey = ({ link, address }: LinkAddress): string => `${address} on ${link}`;

export const neighbourKey = ({ link, address, mac }: Neighbour): string => `${mac ? '' : 'proxy '}${address} on ${link}`;

const plain = (address: string): string => printAddress(addressOf(address));

/** The kernel's defaults, which it does not tell apart from a wish for the same. */
const MAIN_TABLE = 254;
const defaultMetric = (prefix: string) => (familyOf(prefix) === 4 ? 0 : 1024);

/** As the kernel gives things back: otherwise a thing written differently would look like another thing. */
function canonicalAddress(wish: WiredAddress): WiredAddress {
  const [address = '', length] = wish.address.split('/');
  return { ...wish, address: `${plain(address)}/${length}` };
}

function canonicalRoute(wish: WiredRoute): WiredRoute {
  const { prefix, type, via, source, table, metric } = wish;
  return {
    ...wish,
    prefix: printPrefix(prefixOf(prefix)),
    type: type === 'unicast' ? undefined : type,
    via: via === undefined ? undefined : plain(via),
    source: source === undefined ? undefined : plain(source),
    table: table === MAIN_TABLE ? undefined : table,
    metric: metric === defaultMetric(prefix) ? undefined : metric,
  };
}

const keyed = <T>(things: Iterable<T> = [], keyOf: (thing: T) => string): Map<string, T> =>
  new Map([...things].map((thing) => [keyOf(thing), thing]));

/** Of two things with one key the later one counts. Throws RangeError for what is no address or prefix. */
export const wiringOf = ({ links, addresses = [], routes = [], neighbours = [], sysctls = {} }: WiringParts): Wiring => ({
  links: keyed(links, ({ name }) => name),
  addresses: keyed([...addresses].map(canonicalAddress), addressKey),
  routes: keyed([...routes].map(canonicalRoute), routeKey),
  neighbours: keyed([...neighbours].map((wish) => ({ ...wish, address: plain(wish.address) })), neighbourKey),
  sysctls: new Map(Object.entries(sysctls)),
});

export const noWiring: Wiring = wiringOf({});

/** Where packets to one address may be led now. */
export interface FlowTargets {
  readonly protocol: 'UDP' | 'SCTP';
  readonly address: string;
  readonly port: number;
  /** Of all policies together; none: packets are refused. */
  readonly endpoints: readonly { readonly address: string; readonly port: number }[];
}

/** By flowKey. Unchanged entries should keep their identity. */
export type FlowWishes = ReadonlyMap<string, FlowTargets>;

export const flowKey = ({ protocol, address, port }: Pick<FlowTargets, 'protocol' | 'address' | 'port'>): string =>
  `${protocol} ${address} ${port}`;
