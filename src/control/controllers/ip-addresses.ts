// IPAddresses: one for every cluster IP, gone with its Service, put right when somebody changed or removed it; Services
// whose address is not theirs are told so (IPAM-32, IPAM-33, IPAM-48, IPAM-49, SVC-60, SVC-61).
import { deepEqual } from '../../base/data/memo.ts';
import { type Address, parseAddress, printAddress } from '../../base/net/address.ts';
import { contains } from '../../base/net/prefix.ts';
import { eventKind } from '../../kube/kinds/event.ts';
import { allocatorName, ipAddressKind, managedByLabel } from '../../kube/kinds/ip-address.ts';
import { serviceCidrKind } from '../../kube/kinds/service-cidr.ts';
import { serviceKind } from '../../kube/kinds/service.ts';
import { rangesOf } from '../../kube/kinds/service/ranges.ts';
import type { Service } from '../../kube/objects/core.ts';
import type { IPAddress, ServiceCIDR } from '../../kube/objects/networking.ts';
import type { Snapshot, Write } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';
import { rememberDecision } from './remember.ts';
import { create, createEvent, eventName, remove, update } from './writes.ts';

const component = 'ipallocator-repair-controller';
/** A Service this young simply has not got its IPAddress yet; older ones have lost it. */
const settledMs = 60_000;

interface Claim {
  readonly service: Service;
  readonly ip: string;
  readonly address: Address | undefined;
}

const claimsOf = rememberDecision((_now: Date, service: Service): readonly Claim[] => {
  if (service.spec.type === 'ExternalName') return [];
  const ips = service.spec.clusterIPs ?? (service.spec.clusterIP ? [service.spec.clusterIP] : []);
  return ips.filter((ip) => ip !== 'None' && ip !== '').map((ip) => ({ service, ip, address: parseAddress(ip) }));
});

/** Who has an address: the Service that is older, and of two as old the one whose name comes first. */
const byAge = (a: Claim, b: Claim): number => ageOf(a.service).localeCompare(ageOf(b.service));
const ageOf = ({ metadata }: Service): string => `${metadata.creationTimestamp ?? ''} ${metadata.namespace}/${metadata.name}`;

export function createIpAddresses(): Controller {
  return {
    name: 'ip-addresses',
    reads: [serviceKind, ipAddressKind, serviceCidrKind],
    decide(seen, now) {
      const claims = seen.list(serviceKind).flatMap((service) => claimsOf(now, service));
      const byName = Map.groupBy(claims.filter(({ address }) => address), ({ address }) => printAddress(address!));
      return [
        ...[...byName].flatMap(([name, rivals]) => settle(name, rivals, { seen, now })),
        ...seen.list(ipAddressKind).filter((address) => isLeftOver(address, byName)).map((address) => remove(address)),
        ...claims.flatMap((claim) => complain(claim, complaintAbout(claim, seen.list(serviceCidrKind)), { seen, now })),
      ];
    },
  };
}

interface Moment {
  seen: Snapshot;
  now: Date;
}

function settle(name: string, rivals: readonly Claim[], moment: Moment): Write[] {
  const [first, ...later] = rivals.length > 1 ? rivals.toSorted(byAge) : rivals;
  const told = later.flatMap((claim) => complain(claim, ['ClusterIPAlreadyAllocated', `${shown(claim)} was assigned to multiple services; please recreate service`], moment));
  return [...told, ...mirror(name, first!, moment)];
}

function mirror(name: string, claim: Claim, moment: Moment): Write[] {
  const wished = ipAddressFor(name, claim);
  const present = moment.seen.get(ipAddressKind, name);
  if (!present) {
    const isOld = moment.now.getTime() - Date.parse(claim.service.metadata.creationTimestamp ?? '') > settledMs;
    const note: Complaint = ['ClusterIPNotAllocated', `${shown(claim)} is not allocated; repairing`];
    return [create(wished), ...(isOld ? complain(claim, note, moment) : [])];
  }
  // What an address belongs to never changes: a wrong one goes, the right one comes in the next turn.
  if (!deepEqual(present.spec, wished.spec)) return isManaged(present) ? [remove(present)] : [];
  const labels = { ...present.metadata.labels, ...wished.metadata.labels };
  return deepEqual(labels, present.metadata.labels) ? [] : [update({ ...present, metadata: { ...present.metadata, labels } })];
}

const isManaged = ({ metadata }: IPAddress): boolean => metadata.labels?.[managedByLabel] === allocatorName;

const isLeftOver = (address: IPAddress, wanted: ReadonlyMap<string, unknown>): boolean => isManaged(address) && !wanted.has(address.metadata.name);

function ipAddressFor(name: string, { service, address }: Claim): IPAddress {
  const labels = { 'ipaddress.kubernetes.io/ip-family': `IPv${address!.family}`, [managedByLabel]: allocatorName };
  // The empty group is not written: it is how clients read it back.
  const parentRef = { resource: 'services', namespace: service.metadata.namespace!, name: service.metadata.name };
  return { apiVersion: 'networking.k8s.io/v1', kind: 'IPAddress', metadata: { name, labels }, spec: { parentRef } };
}

type Complaint = readonly [reason: string, message: string];

const shown = ({ address, ip }: Claim): string => `Cluster IP [IPv${address?.family ?? '?'}]: ${ip}`;

function complaintAbout(claim: Claim, ranges: readonly ServiceCIDR[]): Complaint | undefined {
  const { address, ip } = claim;
  if (!address) return ['ClusterIPNotValid', `Cluster IP ${ip} is not a valid IP; please recreate Service`];
  // Before the default range is there, nothing can be said.
  if (ranges.length === 0) return undefined;
  const isInside = ranges.some((range) => rangesOf(range).some(({ prefix }) => prefix.family === address.family && contains(prefix, address)));
  return isInside ? undefined : ['ClusterIPOutOfRange', `${shown(claim)} is not within any configured Service CIDR; please recreate service`];
}

function complain({ service }: Claim, complaint: Complaint | undefined, { seen, now }: Moment): Write[] {
  if (!complaint) return [];
  const [reason, message] = complaint;
  const note = { about: service, type: 'Warning' as const, reason, message, component };
  return seen.get(eventKind, eventName(note), service.metadata.namespace) ? [] : [createEvent(note, now)];
}
