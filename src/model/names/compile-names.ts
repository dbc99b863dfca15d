// Services, EndpointSlices, Namespaces → the cluster's DNS zone as data (Kubernetes DNS specification 1.1.0).
// One remembered entry a Service: a change costs one entry, and all others keep their identity.
// Endpoints are made into names when somebody asks: most Services of a large cluster are never asked for theirs.
import { canonicalAddress, parseAddress } from '../../base/net/address.ts';
import { groupOf } from '../../base/data/keep-groups.ts';
import { deepEqual, keepIdentity, memoLast } from '../../base/data/memo.ts';
import { patchMap } from '../../base/data/patched-map.ts';
import { endpointSliceKind } from '../../kube/kinds/endpoint-slice.ts';
import { namespaceKind } from '../../kube/kinds/namespace.ts';
import { serviceKind } from '../../kube/kinds/service.ts';
import type { Namespace, Service } from '../../kube/objects/core.ts';
import type { EndpointSlice, SliceEndpoint } from '../../kube/objects/networking.ts';
import type { Ref } from '../../kube/objects/meta.ts';
import { findByKey, objectKey, type Snapshot } from '../../kube/store/store.ts';
import { changedServices, type SlicedServices, sliceServices } from '../../kube/meaning/service-slices.ts';
import type { NameDirectory, NamedEndpoint, NamedPort, NamedService, Scope } from '../network-model.ts';

export const defaultTtlSeconds = 5;

/** Throws RangeError for a time to live that resolvers would not believe (DNS-21). */
export function createNameCompiler(scope: Scope): (seen: Snapshot) => NameDirectory {
  const { clusterDomain: domain, dnsTtlSeconds: ttlSeconds = defaultTtlSeconds } = scope;
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < 0 || ttlSeconds > 3600) throw new RangeError(`ttl must be in range [0, 3600]: ${ttlSeconds}`);
  const reverseCIDRs = [...scope.serviceCIDRs, ...scope.podCIDRs];
  const namespacesOf = memoLast((list: readonly Namespace[]): ReadonlySet<string> => new Set(list.map((each) => each.metadata.name)));
  let last: Zone | undefined;
  const servicesOf = (seen: Snapshot): Zone['named'] => {
    const now = sliceServices(seen.list(serviceKind), seen.list(endpointSliceKind), last);
    last = { ...now, named: (last && patchNames(last, now, seen)) ?? keepIdentity(last?.named, nameAll(now)) };
    return last.named;
  };
  const directory = memoLast(
    (namespaces: ReadonlySet<string>, services: ReadonlyMap<string, NamedService>): NameDirectory => ({ domain, ttlSeconds, reverseCIDRs, namespaces, services }),
  );
  return (seen) => directory(namespacesOf(seen.list(namespaceKind)), servicesOf(seen));
}

interface Zone extends SlicedServices {
  readonly named: ReadonlyMap<string, NamedService>;
}

function nameAll({ services, slices }: SlicedServices): Map<string, NamedService> {
  const named = new Map<string, NamedService>();
  for (const service of services) {
    const key = objectKey(service);
    const entry = namedService(service, groupOf(slices, key));
    if (entry) named.set(key, entry);
  }
  return named;
}

/** Only the entries of Services that changed, or whose slices did. Undefined where these are too many. */
function patchNames(last: Zone, now: SlicedServices, seen: Snapshot): Zone['named'] | undefined {
  const keys = changedServices(last, now);
  if (!keys) return undefined;
  const changes = new Map<string, NamedService | undefined>();
  for (const key of keys) {
    const service = findByKey(seen, serviceKind, key);
    const entry = service && namedService(service, groupOf(now.slices, key));
    const was = last.named.get(key);
    if (was !== entry && !(was && entry && deepEqual(was, entry))) changes.set(key, entry);
  }
  return changes.size === 0 ? last.named : patchMap(last.named, changes);
}

/** Undefined where the zone has nothing to say about the Service (DNS-49: an external name that is an address). */
function namedService(service: Service, slices: readonly EndpointSlice[]): NamedService | undefined {
  const { type, clusterIPs = [], clusterIP, ports = [] } = service.spec;
  const origin: Ref = { kind: 'Service', namespace: service.metadata.namespace, name: service.metadata.name };
  if (type === 'ExternalName') return namedElsewhere(service, origin);
  const endpointsOf = lazily(() => publishedEndpoints(slices, publishesAll(service)));
  const isHeadless = (clusterIPs[0] ?? clusterIP) === 'None';
  const addresses = isHeadless ? [] : (clusterIPs.length > 0 ? clusterIPs : [clusterIP ?? '']).flatMap((address) => canonicalAddress(address) ?? []);
  const named = isHeadless ? [] : ports.map(({ name = '', protocol = 'TCP', port }): NamedPort => ({ name, protocol, port }));
  return {
    type: isHeadless ? 'headless' : 'clusterIP',
    addresses,
    ports: named,
    get endpoints() {
      return endpointsOf();
    },
    origin,
  };
}

function namedElsewhere({ spec: { externalName = '' } }: Service, origin: Ref): NamedService | undefined {
  const target = externalName.replace(/\.$/, '').toLowerCase();
  return isDomainName(target) ? { type: 'externalName', addresses: [], ports: [], endpoints: [], externalName: target, origin } : undefined;
}

/** Computes once, and then lets go of what it computed from. */
function lazily<T>(compute: () => T): () => T {
  let todo: (() => T) | undefined = compute;
  let result: T;
  return () => {
    if (todo) result = todo();
    todo = undefined;
    return result;
  };
}

/** What can stand in a CNAME record: no address, and within the limits of a packet (RFC 1035, section 2.3.4). */
const isDomainName = (text: string): boolean =>
  text.length <= 253 && parseAddress(text) === undefined && text.split('.').every((label) => /^[\x21-\x7e]{1,63}$/.test(label));

const tolerateAnnotation = 'service.alpha.kubernetes.io/tolerate-unready-endpoints';

const publishesAll = (service: Service): boolean =>
  service.spec.publishNotReadyAddresses === true || service.metadata.annotations?.[tolerateAnnotation] === 'true';

/** Each label and address once, whatever slices they stand in (DNS-39), in a stable order. */
function publishedEndpoints(slices: readonly EndpointSlice[], all: boolean): readonly NamedEndpoint[] {
  const seen = new Map<string, NamedEndpoint>();
  for (const slice of slices) {
    const ports = (slice.ports ?? []).flatMap(({ name, protocol = 'TCP', port }): NamedPort[] => (port ? [{ name: name ?? '', protocol, port }] : []));
    for (const endpoint of slice.endpoints ?? []) {
      if (!all && endpoint.conditions?.ready === false) continue;
      for (const named of namedEndpoints(endpoint, ports, slice)) {
        const key = `${named.label} ${named.address}`;
        const other = seen.get(key);
        seen.set(key, other ? { ...other, ports: mergePorts(other.ports, named.ports) } : named);
      }
    }
  }
  return [...seen].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, endpoint]) => endpoint);
}

const mergePorts = (a: readonly NamedPort[], b: readonly NamedPort[]): readonly NamedPort[] => [
  ...a,
  ...b.filter((port) => !a.some((known) => known.name === port.name && known.protocol === port.protocol && known.port === port.port)),
];

function namedEndpoints(endpoint: SliceEndpoint, ports: readonly NamedPort[], slice: EndpointSlice): NamedEndpoint[] {
  const { targetRef, hostname } = endpoint;
  const { namespace, name } = slice.metadata;
  const origin: Ref = targetRef?.kind === 'Pod' && targetRef.name ? { kind: 'Pod', namespace, name: targetRef.name } : { kind: 'EndpointSlice', namespace, name };
  const addresses = endpoint.addresses.flatMap((address) => canonicalAddress(address) ?? []);
  return addresses.map((address) => ({ label: (hostname || dashedAddress(address)).toLowerCase(), address, ports, origin }));
}

/** Of a canonical address: `10.1.2.3` → `10-1-2-3`; a label may not end with a dash, so `2001:db8::` → `2001-db8--0` (DNS-32). */
export function dashedAddress(address: string): string {
  const dashed = address.replaceAll(/[.:]/g, '-');
  return dashed.endsWith('-') ? `${dashed}0` : dashed;
}
