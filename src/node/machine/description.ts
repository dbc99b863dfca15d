// What the stand-alone machine room is asked to build, and what can be said against it before anything is built.
import { addressOf, parseAddress, printAddress } from '../../base/net/address.ts';
import { contains, nthAddress, nthSubprefix, overlaps, parsePrefix, type Prefix, prefixOf, printPrefix, sizeOf } from '../../base/net/prefix.ts';

export interface MachineDescription {
  /** A DNS label: it becomes part of namespace and link names. */
  readonly cluster: string;
  /** The node network, one prefix a family: `172.30.0.0/24`, `fd00:172:30::/64`. */
  readonly subnets: readonly string[];
  readonly nodes: readonly HostDescription[];
  /** Machines outside the cluster on the same network, for trying things from there. */
  readonly outside?: readonly HostDescription[];
  /** LoadBalancer addresses that the host and outside machines can reach; inside a subnet or beside it. */
  readonly pools?: readonly string[];
  /** Of this machine on the node network. Absent: number 254 of each subnet, or its last one. */
  readonly hostAddresses?: readonly string[];
  /** Of the router between nodes and the rest of the world. Absent: the first of each subnet. */
  readonly gateways?: readonly string[];
  readonly mtu?: number;
}

export interface HostDescription {
  readonly name: string;
  /** Without length; each in one of the subnets. */
  readonly addresses: readonly string[];
}

/** A route of this machine: where a prefix goes today. */
export interface HostRoute {
  readonly prefix: string;
  readonly link?: string;
}

const HOST_NUMBER = 254n;

export function hostAddressesOf({ hostAddresses, subnets }: MachineDescription): readonly string[] {
  return hostAddresses ?? subnets.map((subnet) => {
    const prefix = prefixOf(subnet);
    const last = sizeOf(prefix) - 2n;
    return printAddress(nthAddress(prefix, last < HOST_NUMBER ? last : HOST_NUMBER));
  });
}

export const gatewaysOf = ({ gateways, subnets }: MachineDescription): readonly string[] =>
  gateways ?? subnets.map((subnet) => printAddress(nthAddress(prefixOf(subnet), 1)));

/** `10.0.2.4` → `10.0.2.4/24`. Throws RangeError outside the subnets. */
export function withLength({ subnets }: MachineDescription, address: string): string {
  const subnet = subnets.map(prefixOf).find((prefix) => contains(prefix, addressOf(address)));
  if (!subnet) throw new RangeError(`${address} is in none of the node subnets ${subnets.join(', ')}`);
  return `${address}/${subnet.length}`;
}

/** The pools that need a route of their own, because they lie beside the subnets. */
export function poolsBeside({ subnets, pools = [] }: MachineDescription): readonly string[] {
  const inside = (pool: Prefix) =>
    subnets.map(prefixOf).some((subnet) => subnet.length <= pool.length && overlaps(subnet, pool));
  return pools.filter((pool) => !inside(prefixOf(pool)));
}

/** What is wrong with the description itself, each as one sentence. Empty: it can be built. */
export function findMistakes(description: MachineDescription): string[] {
  const { cluster, subnets, nodes, outside = [], pools = [] } = description;
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(cluster)) return [`cluster name "${cluster}" must be lower-case letters, digits and dashes`];
  const broken = [...subnets, ...pools].filter((text) => !parsePrefix(text));
  if (broken.length > 0) return broken.map((text) => `${text} is not an address prefix`);
  const takers: [who: string, address: string][] = [
    ...gatewaysOf(description).map((address): [string, string] => ['the gateway', address]),
    ...hostAddressesOf(description).map((address): [string, string] => ['this machine', address]),
    ...[...nodes, ...outside].flatMap(({ name, addresses }) => addresses.map((address): [string, string] => [name, address])),
  ];
  return [...repeatedNames([...nodes, ...outside]), ...takers.flatMap(([who, address], index) => {
    const parsed = parseAddress(address);
    if (!parsed) return [`${address} of ${who} is not an address`];
    if (!subnets.some((subnet) => contains(prefixOf(subnet), parsed))) return [`${address} of ${who} is in none of the node subnets ${subnets.join(', ')}`];
    const pool = pools.find((each) => contains(prefixOf(each), parsed));
    if (pool) return [`${address} of ${who} is in the LoadBalancer pool ${pool}`];
    const first = takers.findIndex(([, other]) => parseAddress(other)?.value === parsed.value);
    return first < index ? [`${address} of ${who} is taken by ${takers[first]![0]}`] : [];
  })];
}

function repeatedNames(hosts: readonly HostDescription[]): string[] {
  const names = hosts.map(({ name }) => name);
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))].map((name) => `the name ${name} is used twice`);
}

/** Networks this machine already reaches otherwise. `ownLink` is the cluster's link, whose routes do not count. */
export function findConflicts(description: MachineDescription, hostRoutes: readonly HostRoute[], ownLink?: string): string[] {
  const wanted = [
    ...description.subnets.map((prefix) => ({ what: 'node subnet', prefix })),
    ...poolsBeside(description).map((prefix) => ({ what: 'LoadBalancer pool', prefix })),
  ];
  return wanted.flatMap(({ what, prefix }) =>
    foreignRoutes(hostRoutes, ownLink)
      .filter((route) => overlaps(prefixOf(route.prefix), prefixOf(prefix)))
      .map((route) => `${what} ${prefix} overlaps ${route.prefix}, which this machine already routes to ${route.link ?? 'nowhere'}`),
  );
}

/** All but the default routes, which everything overlaps. */
const foreignRoutes = (hostRoutes: readonly HostRoute[], ownLink?: string) =>
  hostRoutes.filter(({ prefix, link }) => prefixOf(prefix).length > 0 && (ownLink === undefined || link !== ownLink));

/** The first sub-prefix that collides with no route, e.g. of 172.30.0.0/16 with length 24; undefined: all are taken. */
export function freeSubnet(range: string, length: number, hostRoutes: readonly HostRoute[]): string | undefined {
  const wide = prefixOf(range);
  const taken = foreignRoutes(hostRoutes).map(({ prefix }) => prefixOf(prefix));
  for (let n = 0; n < 2 ** Math.min(length - wide.length, 16); n++) {
    const candidate = nthSubprefix(wide, length, n);
    if (!taken.some((prefix) => overlaps(prefix, candidate))) return printPrefix(candidate);
  }
  return undefined;
}
