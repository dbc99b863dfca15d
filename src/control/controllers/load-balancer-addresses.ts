// Addresses for Services of type LoadBalancer out of the cluster's pools, one of each family that Service and pools
// share. Services with a class are somebody else's (LB-07). What a status shows is taken: nothing else is remembered.
// Who asks for an internal balancer is served from pools of its own, to which nobody outside is given a route (SVC-84).
import { addressOf, parseAddress, printAddress } from '../../base/net/address.ts';
import { contains, nthAddress, type Prefix, prefixOf, sizeOf } from '../../base/net/prefix.ts';
import { eventKind } from '../../kube/kinds/event.ts';
import { nodeKind } from '../../kube/kinds/node.ts';
import { serviceKind } from '../../kube/kinds/service.ts';
import type { LoadBalancerIngress, Service } from '../../kube/objects/core.ts';
import type { IPFamily } from '../../kube/objects/meta.ts';
import type { Snapshot, Write } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';
import { createEvent, eventName, type EventNote } from './writes.ts';

const component = 'service-controller';
const cleanup = 'service.kubernetes.io/load-balancer-cleanup';
/** Pools may be wide; nobody has so many Services. */
const mostTried = 65_536;

/** What clouds have an annotation of their own for each. */
const kindNote = 'fairlead.dev/load-balancer';
const isInternal = ({ metadata }: Service): boolean => metadata.annotations?.[kindNote] === 'internal';

export function createLoadBalancerAddresses(loadBalancerCIDRs: readonly string[], internalCIDRs: readonly string[] = []): Controller {
  const [open, internal] = [loadBalancerCIDRs.map(prefixOf), internalCIDRs.map(prefixOf)];
  const poolsFor = (service: Service): readonly Prefix[] => (isInternal(service) ? internal : open);
  return {
    name: 'load-balancer-addresses',
    reads: [serviceKind, nodeKind],
    decide(seen, now) {
      const services = seen.list(serviceKind);
      const taken = new Set(seen.list(nodeKind).flatMap(({ status }) => (status?.addresses ?? []).map(({ address }) => address)));
      // The older keep what they have; whoever shows the same address after them gets another.
      const kept = new Map(services.filter(isOurs).toSorted(byAge).map((service) => [service, keepAddresses(service, { pools: poolsFor(service), taken })]));
      return services.flatMap((service) => {
        const addresses = kept.get(service);
        return addresses ? provide(service, addresses, { pools: poolsFor(service), taken, seen, now }) : release(service, now);
      });
    },
  };
}

interface Book {
  readonly pools: readonly Prefix[];
  /** Everything that is in use; giving adds to it. */
  readonly taken: Set<string>;
}

const isOurs = ({ metadata, spec }: Service): boolean => spec.type === 'LoadBalancer' && !spec.loadBalancerClass && !metadata.deletionTimestamp;

const byAge = (a: Service, b: Service): number =>
  (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? '') || Number(a.metadata.resourceVersion ?? 0) - Number(b.metadata.resourceVersion ?? 0);

const familyNumber = (family: IPFamily): 4 | 6 => (family === 'IPv4' ? 4 : 6);
const familiesOf = ({ spec }: Service, pools: readonly Prefix[]): IPFamily[] =>
  (spec.ipFamilies ?? ['IPv4']).filter((family) => pools.some((pool) => pool.family === familyNumber(family)));

function keepAddresses(service: Service, { pools, taken }: Book): string[] {
  const families = familiesOf(service, pools).map(familyNumber);
  const wish = wishOf(service);
  const kept = (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip = '' }) => {
    const address = parseAddress(ip);
    if (!address || taken.has(ip) || !families.includes(address.family) || !isPooled(ip, pools)) return [];
    if (wish !== undefined && wish !== ip && addressOf(wish).family === address.family) return [];
    taken.add(ip);
    return [ip];
  });
  return kept;
}

const isPooled = (ip: string, pools: readonly Prefix[]): boolean => {
  const address = parseAddress(ip);
  return address !== undefined && pools.some((pool) => contains(pool, address));
};

/** In canonical form; undefined when none, or when it is no address. */
function wishOf({ spec }: Service): string | undefined {
  const address = parseAddress(spec.loadBalancerIP ?? '');
  return address && printAddress(address);
}

interface Desk extends Book {
  readonly seen: Snapshot;
  readonly now: Date;
}

function provide(service: Service, kept: readonly string[], desk: Desk): Write[] {
  const families = familiesOf(service, desk.pools);
  const given = families.map((family) => kept.find((ip) => addressOf(ip).family === familyNumber(family)) ?? giveAddress(service, family, desk));
  const ingress = given.flatMap((ip): LoadBalancerIngress[] => (ip === undefined ? [] : [{ ip, ipMode: 'VIP' }]));
  const missing = families.find((_, i) => given[i] === undefined);
  const failure = missing === undefined && families.length > 0 ? [] : complain(service, missing ?? service.spec.ipFamilies?.[0] ?? 'IPv4', desk);
  if (isShown(service, ingress)) return failure;
  const finalizers = [...new Set([...(service.metadata.finalizers ?? []), ...(ingress.length > 0 ? [cleanup] : [])])];
  return [
    writeStatus(service, ingress, finalizers),
    ...(ingress.length > 0 ? [note(service, 'EnsuringLoadBalancer', 'Ensuring load balancer', desk.now), note(service, 'EnsuredLoadBalancer', 'Ensured load balancer', desk.now)] : []),
    ...failure,
  ];
}

const shownIn = ({ status }: Service): readonly LoadBalancerIngress[] => status?.loadBalancer?.ingress ?? [];

const isShown = (service: Service, ingress: readonly LoadBalancerIngress[]): boolean => {
  const shown = shownIn(service);
  return shown.length === ingress.length && ingress.every(({ ip, ipMode }, i) => shown[i]!.ip === ip && shown[i]!.ipMode === ipMode);
};

function giveAddress(service: Service, family: IPFamily, { pools, taken }: Book): string | undefined {
  const wish = wishOf(service);
  if (wish !== undefined && addressOf(wish).family === familyNumber(family)) {
    if (!isPooled(wish, pools) || taken.has(wish)) return undefined;
    taken.add(wish);
    return wish;
  }
  for (const pool of pools.filter((each) => each.family === familyNumber(family))) {
    const ip = firstFree(pool, taken);
    if (ip !== undefined) return ip;
  }
  return undefined;
}

/** A pool may be a subnet's own start or end: its first and last addresses mean the subnet, not a host. */
function firstFree(pool: Prefix, taken: Set<string>): string | undefined {
  const size = sizeOf(pool);
  const [skipFirst, skipLast] = size > 2n ? [1n, pool.family === 4 ? 1n : 0n] : [0n, 0n];
  for (let n = skipFirst; n < size - skipLast && n < mostTried; n++) {
    const ip = printAddress(nthAddress(pool, n));
    if (taken.has(ip)) continue;
    taken.add(ip);
    return ip;
  }
  return undefined;
}

/** LB-06: deleted, or of another type now: the status goes, and with it the hold on deletion. */
function release(service: Service, now: Date): Write[] {
  if (!service.metadata.finalizers?.includes(cleanup)) return [];
  const finalizers = service.metadata.finalizers.filter((name) => name !== cleanup);
  return [
    writeStatus(service, [], finalizers),
    note(service, 'DeletingLoadBalancer', 'Deleting load balancer', now),
    note(service, 'DeletedLoadBalancer', 'Deleted load balancer', now),
  ];
}

function writeStatus(service: Service, ingress: LoadBalancerIngress[], finalizers: readonly string[]): Write {
  const metadata = { ...service.metadata, finalizers: finalizers.length > 0 ? [...finalizers] : undefined };
  const loadBalancer = ingress.length > 0 ? { ingress } : {};
  return { verb: 'update', object: { ...service, metadata, status: { ...service.status, loadBalancer } } as Service, subresource: 'status' };
}

const note = (service: Service, reason: string, message: string, now: Date): Write => createEvent({ about: service, reason, message, component }, now);

function complain(service: Service, family: IPFamily, { seen, now, pools }: Desk): Write[] {
  const wish = wishOf(service);
  const which = isInternal(service) ? 'internal load balancer' : 'load balancer';
  const why = wish === undefined ? `no ${family} address is free in the ${which} pools` : isPooled(wish, pools) ? `address ${wish} is taken` : `address ${wish} is in no ${which} pool`;
  const about: EventNote = { about: service, type: 'Warning', reason: 'SyncLoadBalancerFailed', message: `Error syncing load balancer: ${why}`, component };
  return seen.get(eventKind, eventName(about), service.metadata.namespace) ? [] : [createEvent(about, now)];
}
