// What the cluster's zone answers to a question: a pure function of the directory (DNS specification 1.1.0, sections 2.2–2.5).
// Names are lower-case and absolute, without the final dot. Cost: a few map look-ups, whatever the number of Services.
import { familyOf } from '../../base/net/address.ts';
import type { NameDirectory, NamedEndpoint, NamedPort, NamedService, NameRecord } from '../network-model.ts';
import { namesOfAddress, readReverseName, reverseZone } from './reverse.ts';

export type RecordType = NameRecord['type'];

/**
 * `notOurs`: outside the zone, for another server. After CNAMEs the outcome is that of the last name (RFC 6604),
 * and `records` still hold the way there; a CNAME that leaves the zone leaves its target to the asker.
 */
export interface NameAnswer {
  readonly outcome: 'found' | 'noData' | 'noSuchName' | 'notOurs';
  readonly records: readonly NameRecord[];
  readonly additional: readonly NameRecord[];
}

const schemaVersion = '1.1.0';
const maxCnames = 8;

const nothing = (outcome: NameAnswer['outcome']): NameAnswer => ({ outcome, records: [], additional: [] });
const found = (records: readonly NameRecord[], additional: readonly NameRecord[] = []): NameAnswer =>
  records.length > 0 ? { outcome: 'found', records, additional } : nothing('noData');

export function resolveName(directory: NameDirectory, name: string, type: RecordType | 'other'): NameAnswer {
  const chain: NameRecord[] = [];
  for (let asked = name; ; ) {
    const answer = resolveOnce(directory, asked, type);
    const [alias] = answer.records;
    if (alias?.type !== 'CNAME' || type === 'CNAME') return { ...answer, records: [...chain, ...answer.records] };
    chain.push(alias);
    asked = alias.target;
    const goesOn = labelsBelow(directory.domain, asked) !== undefined && chain.length < maxCnames && !chain.some((record) => record.name === asked);
    if (!goesOn) return found(chain);
  }
}

function resolveOnce(directory: NameDirectory, name: string, type: RecordType | 'other'): NameAnswer {
  if (name.endsWith('.in-addr.arpa') || name.endsWith('.ip6.arpa')) return resolveReverse(directory, name, type);
  const labels = labelsBelow(directory.domain, name);
  if (!labels) return nothing('notOurs');
  const [top, namespace, service, ...rest] = labels.toReversed();
  if (top === undefined) return resolveApex(directory, type);
  if (top === 'svc' || top === 'pod') return resolveScope(directory, { name, type, top, namespace, service, rest });
  if (labels.length === 1 && top === 'dns-version') return found(type === 'TXT' ? [{ name, type, text: schemaVersion, ...base(directory) }] : []);
  if (labels.length === 2 && name === `ns.dns.${directory.domain}`) return found(nameServerAddresses(directory).filter((record) => record.type === type));
  return nothing('noSuchName');
}

const base = (directory: NameDirectory) => ({ ttlSeconds: directory.ttlSeconds });

/** Labels left of the domain, in written order; undefined outside of it. */
function labelsBelow(domain: string, name: string): string[] | undefined {
  if (name === domain) return [];
  return name.endsWith(`.${domain}`) ? name.slice(0, -domain.length - 1).split('.') : undefined;
}

/** Of the zone in which the name lies: the cluster's own, or that of one of its address ranges. */
export const startOfAuthority = (directory: NameDirectory, name = directory.domain): NameRecord => ({
  name: reverseZone(directory.reverseCIDRs, name) ?? directory.domain,
  type: 'SOA',
  primary: `ns.dns.${directory.domain}`,
  mailbox: `hostmaster.${directory.domain}`,
  serial: 1,
  minimumSeconds: directory.ttlSeconds,
  ttlSeconds: Math.min(directory.ttlSeconds, 300),
});

function resolveApex(directory: NameDirectory, type: RecordType | 'other'): NameAnswer {
  if (type === 'SOA') return found([startOfAuthority(directory)]);
  if (type !== 'NS') return nothing('noData');
  return found([{ name: directory.domain, type, target: `ns.dns.${directory.domain}`, ...base(directory) }], nameServerAddresses(directory));
}

/** The DNS Service itself, where it is called as everyone calls it (DNS-53). */
function nameServerAddresses(directory: NameDirectory): NameRecord[] {
  const service = directory.services.get('kube-system/kube-dns');
  return service ? addressRecords(`ns.dns.${directory.domain}`, service.addresses, directory, service) : [];
}

interface Question {
  name: string;
  type: RecordType | 'other';
  top: string;
  namespace: string | undefined;
  service: string | undefined;
  /** Labels left of the Service, nearest first. */
  rest: readonly string[];
}

function resolveScope(directory: NameDirectory, question: Question): NameAnswer {
  const { namespace, service, top } = question;
  if (namespace === undefined) return nothing('noData');
  // Pod records are off (DNS-40): nothing lies below `pod`.
  if (top === 'pod' || !directory.namespaces.has(namespace)) return nothing('noSuchName');
  if (service === undefined) return nothing('noData');
  const named = directory.services.get(`${namespace}/${service}`);
  if (!named) return nothing('noSuchName');
  if (named.type === 'externalName') return question.rest.length > 0 ? nothing('noSuchName') : found(aliasRecords(directory, question, named));
  if (named.type === 'headless' && named.endpoints.length === 0) return nothing('noSuchName');
  return resolveBelowService(directory, question, named);
}

function resolveBelowService(directory: NameDirectory, question: Question, named: NamedService): NameAnswer {
  const { rest } = question;
  if (rest.length === 0) return resolveService(directory, question, named);
  if (rest.length === 1) return resolveEndpoint(directory, question, named);
  const [protocol, port] = rest as [string, string];
  if (rest.length > 2 || !protocol.startsWith('_') || !port.startsWith('_')) return nothing('noSuchName');
  const targets = serviceTargets(directory, question, named).filter(
    (target) => target.port.name !== '' && `_${target.port.name}` === port && `_${target.port.protocol.toLowerCase()}` === protocol,
  );
  return targets.length === 0 ? nothing('noSuchName') : question.type === 'SRV' ? serviceLocation(directory, question, targets) : nothing('noData');
}

function addressRecords(name: string, addresses: readonly string[], directory: NameDirectory, { origin }: Pick<NamedService, 'origin'>): NameRecord[] {
  return addresses.map((address) => ({ name, type: familyOf(address) === 4 ? 'A' : 'AAAA', address, origin, ...base(directory) }));
}

const endpointAddresses = (name: string, endpoints: readonly NamedEndpoint[], directory: NameDirectory): NameRecord[] =>
  endpoints.flatMap((endpoint) => addressRecords(name, [endpoint.address], directory, endpoint));

function resolveService(directory: NameDirectory, question: Question, named: NamedService): NameAnswer {
  const { name, type } = question;
  if (type === 'SRV') return serviceLocation(directory, question, serviceTargets(directory, question, named));
  const all = named.type === 'headless' ? oncePerAddress(endpointAddresses(name, named.endpoints, directory)) : addressRecords(name, named.addresses, directory, named);
  return found(all.filter((record) => record.type === type));
}

const oncePerAddress = (records: readonly NameRecord[]): NameRecord[] => [...new Map(records.map((record) => ['address' in record ? record.address : '', record])).values()];

function resolveEndpoint(directory: NameDirectory, { name, type, rest }: Question, named: NamedService): NameAnswer {
  const endpoints = named.endpoints.filter((endpoint) => endpoint.label === rest[0]);
  if (endpoints.length === 0) return nothing('noSuchName');
  return found(endpointAddresses(name, endpoints, directory).filter((record) => record.type === type));
}

interface Target {
  host: string;
  port: NamedPort;
  addresses: NameRecord[];
  origin: NamedService['origin'];
}

/** Where each port leads: the Service itself, or each endpoint of a headless one; one host has a port only once, in both families. */
function serviceTargets(directory: NameDirectory, question: Question, named: NamedService): Target[] {
  const host = `${question.service}.${question.namespace}.svc.${directory.domain}`;
  if (named.type !== 'headless') {
    return named.ports.map((port) => ({ host, port, addresses: addressRecords(host, named.addresses, directory, named), origin: named.origin }));
  }
  const targets = new Map<string, Target>();
  for (const endpoint of named.endpoints) {
    const target = `${endpoint.label}.${host}`;
    const addresses = addressRecords(target, [endpoint.address], directory, endpoint);
    for (const port of endpoint.ports) {
      const key = `${endpoint.label} ${port.name} ${port.protocol} ${port.port}`;
      const known = targets.get(key);
      targets.set(key, known ? { ...known, addresses: [...known.addresses, ...addresses] } : { host: target, port, addresses, origin: endpoint.origin });
    }
  }
  return [...targets.values()];
}

/** Weights share 100 among the records (DNS-16); targets' addresses ride along (DNS-15). */
function serviceLocation(directory: NameDirectory, { name }: Question, targets: readonly Target[]): NameAnswer {
  const weight = Math.max(1, Math.floor(100 / targets.length));
  const records = targets.map(({ host, port, origin }): NameRecord => ({ name, type: 'SRV', target: host, port: port.port, priority: 0, weight, origin, ...base(directory) }));
  const additional = new Map(targets.flatMap((target) => target.addresses).map((record) => [`${record.name} ${'address' in record ? record.address : ''}`, record]));
  return found(records, [...additional.values()]);
}

const aliasRecords = (directory: NameDirectory, { name }: Question, { externalName = '', origin }: NamedService): NameRecord[] => [
  { name, type: 'CNAME', target: externalName, origin, ...base(directory) },
];

/** Inside the cluster's ranges every name is known to exist or not (DNS-36); elsewhere only those that a Service has. */
function resolveReverse(directory: NameDirectory, name: string, type: RecordType | 'other'): NameAnswer {
  const asked = readReverseName(name);
  const targets = asked?.address === undefined ? undefined : namesOfAddress(directory, asked.address);
  if (targets) return found(type === 'PTR' ? targets.map(({ target, origin }) => ({ name, type, target, origin, ...base(directory) })) : []);
  const zone = reverseZone(directory.reverseCIDRs, name);
  if (zone === undefined) return nothing('notOurs');
  if (zone === name && type === 'SOA') return found([startOfAuthority(directory, name)]);
  // A part of an address has addresses below it (RFC 8020).
  return nothing(asked?.address === undefined ? 'noData' : 'noSuchName');
}
