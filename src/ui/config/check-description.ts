// Says what is wrong with a cluster description: every complaint names field, value and reason.
import { addressOf, parseAddress } from '../../base/net/address.ts';
import { contains, overlaps, parsePrefix, prefixOf } from '../../base/net/prefix.ts';
import { type ClusterDescription, clusterName, connectTimeModes, maxNodes, proxyModes } from './cluster-description.ts';

export interface Complaint {
  /** Steps into the file: ['nodes', 1, 'addresses', 0]. */
  path: (string | number)[];
  message: string;
}

type Path = (string | number)[];
const quote = (value: unknown) => JSON.stringify(value);
const label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** What a file may say, and in what shape; docs/reference/config.md is made from these three. */
export const fields: Readonly<Record<string, 'text' | 'list' | 'map' | 'flag' | 'number'>> = {
  name: 'text',
  nodes: 'list',
  outside: 'list',
  nodeCIDRs: 'list',
  podCIDRs: 'list',
  serviceCIDRs: 'list',
  loadBalancerCIDRs: 'list',
  internalLoadBalancerCIDRs: 'list',
  nodePorts: 'map',
  maxEndpointsPerSlice: 'number',
  proxyMode: 'text',
  nodeHeartbeat: 'map',
  domain: 'text',
  ingress: 'flag',
  connectTimeBalancing: 'text',
  auditLogPath: 'text',
  images: 'map',
};
export const nodeFields = { name: 'text', addresses: 'list', roles: 'list', zone: 'text', labels: 'map' } as const;
export const outsideFields = { name: 'text', addresses: 'list' } as const;

const looksLike = {
  text: (value: unknown) => typeof value === 'string',
  flag: (value: unknown) => typeof value === 'boolean',
  number: (value: unknown) => typeof value === 'number',
  list: (value: unknown) => Array.isArray(value),
  map: (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value),
};
const inWords = { text: 'a text', flag: 'true or false', number: 'a number', list: 'a list', map: 'a map' };

function shape(value: unknown, known: Readonly<Record<string, keyof typeof looksLike>>, path: Path): Complaint[] {
  if (!looksLike.map(value)) return [{ path, message: `must be a map with the fields ${Object.keys(known).join(', ')}` }];
  return Object.entries(value as object).flatMap(([key, inner]): Complaint[] => {
    const kind = known[key];
    if (!kind) return [{ path: [...path, key], message: `unknown field ${quote(key)}; known are ${Object.keys(known).join(', ')}` }];
    return looksLike[kind](inner) ? [] : [{ path: [...path, key], message: `${quote(inner)} must be ${inWords[kind]}` }];
  });
}

/** The file's own shape, before defaults: unknown fields, wrong types, nodes without names. */
export function checkShape(raw: unknown): Complaint[] {
  const complaints = shape(raw, fields, []);
  if (complaints.length > 0) return complaints;
  const { nodes = [], outside = [] } = raw as { nodes?: unknown[]; outside?: unknown[] };
  return [
    ...nodes.flatMap((node, i) => [...shape(node, nodeFields, ['nodes', i]), ...named(node, ['nodes', i])]),
    ...outside.flatMap((host, i) => [...shape(host, outsideFields, ['outside', i]), ...named(host, ['outside', i])]),
  ];
}

function named(item: unknown, path: Path): Complaint[] {
  const { name } = (item ?? {}) as { name?: unknown };
  if (typeof name === 'string' && label.test(name)) return [];
  return [{ path: [...path, 'name'], message: `${quote(name)} is no host name: lower-case letters, digits and '-', at most 63` }];
}

function checkPrefixes(cidrs: readonly string[], field: string): Complaint[] {
  const wrong = cidrs.flatMap((cidr, i) => (parsePrefix(cidr) ? [] : [{ path: [field, i], message: `${quote(cidr)} is no address prefix such as 10.0.0.0/16` }]));
  if (wrong.length > 0) return wrong;
  if (cidrs.length === 0 && field !== 'internalLoadBalancerCIDRs') return [{ path: [field], message: 'needs at least one prefix' }];
  const families = cidrs.map((cidr) => prefixOf(cidr).family);
  return new Set(families).size === families.length ? [] : [{ path: [field], message: `${quote(cidrs)} has two prefixes of one IP family` }];
}

/** NET-11: the three address spaces never overlap. */
function checkOverlaps(description: ClusterDescription): Complaint[] {
  const spaces = (['nodeCIDRs', 'podCIDRs', 'serviceCIDRs', 'internalLoadBalancerCIDRs'] as const).flatMap((field) => description[field].map((cidr, i) => ({ field, i, cidr })));
  return spaces.flatMap((a, n) =>
    spaces
      .slice(n + 1)
      .filter((b) => b.field !== a.field && overlaps(prefixOf(a.cidr), prefixOf(b.cidr)))
      .map((b) => ({ path: [b.field, b.i], message: `${b.cidr} overlaps ${a.field} ${a.cidr}; node, pod, service and internal balancer ranges must be apart` })),
  );
}

/** DS-26: pods and Services have only families that the nodes' link carries. */
function checkFamilies(description: ClusterDescription): Complaint[] {
  const linked = description.nodeCIDRs.map((cidr) => prefixOf(cidr).family);
  return (['podCIDRs', 'serviceCIDRs', 'loadBalancerCIDRs'] as const).flatMap((field) =>
    description[field].flatMap((cidr, i) => {
      const { family } = prefixOf(cidr);
      return linked.includes(family) ? [] : [{ path: [field, i], message: `${cidr} is IPv${family}, but nodeCIDRs (${description.nodeCIDRs.join(', ')}) has no IPv${family} prefix to carry it` }];
    }),
  );
}

function checkAddress(address: unknown, description: ClusterDescription, path: Path): Complaint[] {
  if (typeof address !== 'string' || !parseAddress(address)) return [{ path, message: `${quote(address)} is no IP address` }];
  const home = description.nodeCIDRs.some((cidr) => contains(prefixOf(cidr), addressOf(address)));
  if (!home) return [{ path, message: `${address} is outside nodeCIDRs (${description.nodeCIDRs.join(', ')})` }];
  const pool = description.loadBalancerCIDRs.find((cidr) => contains(prefixOf(cidr), addressOf(address)));
  return pool ? [{ path, message: `${address} lies in loadBalancerCIDRs ${pool}, whose addresses are for Services` }] : [];
}

function checkHosts(description: ClusterDescription): Complaint[] {
  const hosts = (['nodes', 'outside'] as const).flatMap((field) => description[field].map((host, i) => ({ field, i, host })));
  const seen = new Map<string, string>();
  const once = (what: string, where: Path) => {
    const before = seen.get(what);
    seen.set(what, where.join('.'));
    return before ? [{ path: where, message: `${quote(what)} is already used by ${before}` }] : [];
  };
  return hosts.flatMap(({ field, i, host }) => [
    ...once(host.name, [field, i, 'name']),
    ...host.addresses.flatMap((address, n) => {
      const path = [field, i, 'addresses', n];
      const wrong = checkAddress(address, description, path);
      return wrong.length > 0 ? wrong : once(address, path);
    }),
  ]);
}

function checkModes({ proxyMode, connectTimeBalancing }: ClusterDescription): Complaint[] {
  const asked: [field: string, mode: string, known: readonly string[]][] = [
    ['proxyMode', proxyMode, proxyModes],
    ['connectTimeBalancing', connectTimeBalancing, connectTimeModes],
  ];
  return asked.flatMap(([field, mode, known]) => (known.includes(mode) ? [] : [{ path: [field], message: `${quote(mode)} is no mode; known are ${known.join(', ')}` }]));
}

function checkNumbers({ nodePorts, maxEndpointsPerSlice }: ClusterDescription): Complaint[] {
  const isWithin = (value: number, least: number, most: number) => Number.isInteger(value) && value >= least && value <= most;
  const { first, last } = nodePorts;
  const isRange = isWithin(first, 1, 65535) && isWithin(last, first, 65535);
  return [
    ...(isRange ? [] : [{ path: ['nodePorts'], message: `${quote(nodePorts)} is no port range such as { first: 30000, last: 32767 }` }]),
    ...(isWithin(maxEndpointsPerSlice, 1, 1000) ? [] : [{ path: ['maxEndpointsPerSlice'], message: `${maxEndpointsPerSlice} is no number of endpoints; 1 to 1000 are possible` }]),
  ];
}

/** One renewal may get lost without a node's being given up. */
function checkHeartbeat({ nodeHeartbeat: { leaseSeconds, graceSeconds } }: ClusterDescription): Complaint[] {
  const fits = [leaseSeconds, graceSeconds].every((seconds) => Number.isInteger(seconds) && seconds > 0) && 2 * graceSeconds > leaseSeconds;
  const message = `${quote({ leaseSeconds, graceSeconds })} must be two whole numbers such as { leaseSeconds: 40, graceSeconds: 50 }, the second more than half of the first`;
  return fits ? [] : [{ path: ['nodeHeartbeat'], message }];
}

/** The completed description: ranges, addresses, names that must agree with each other. */
export function checkDescription(description: ClusterDescription): Complaint[] {
  const { name, nodes, domain } = description;
  const prefixes = (['nodeCIDRs', 'podCIDRs', 'serviceCIDRs', 'loadBalancerCIDRs', 'internalLoadBalancerCIDRs'] as const).flatMap((field) => checkPrefixes(description[field], field));
  if (prefixes.length > 0) return prefixes;
  const complaints = [...checkOverlaps(description), ...checkFamilies(description), ...checkHosts(description), ...checkModes(description), ...checkNumbers(description), ...checkHeartbeat(description)];
  if (!clusterName.test(name)) complaints.unshift({ path: ['name'], message: `${quote(name)} is no cluster name: lower-case letters, digits and '-', at most 20` });
  if (nodes.length < 1 || nodes.length > maxNodes) complaints.push({ path: ['nodes'], message: `there are ${nodes.length} nodes; 1 to ${maxNodes} are possible` });
  if (!domain.split('.').every((part) => label.test(part))) complaints.push({ path: ['domain'], message: `${quote(domain)} is no DNS domain` });
  return complaints;
}
