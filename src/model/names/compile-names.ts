// Services, EndpointSlices, Namespaces → the cluster's DNS zone as data (Kubernetes DNS specification 1.1.0).
// One remembered entry a Service: a change costs one entry, and all others keep their identity.
import { addressOf, parseAddress, printAddress } from '../../base/net/address.ts';
import { changedPlaces, deepEqual, keepIdentity, memoAligned, memoLast } from '../../base/data/memo.ts';
import { patchMap } from '../../base/data/patched-map.ts';
import { endpointSliceKind } from '../../kube/kinds/endpoint-slice.ts';
import { namespaceKind } from '../../kube/kinds/namespace.ts';
import { serviceKind } from '../../kube/kinds/service.ts';
import type { Namespace, Service } from '../../kube/objects/core.ts';
import type { EndpointSlice, SliceEndpoint } from '../../kube/objects/networking.ts';
import type { Ref } from '../../kube/objects/meta.ts';
import type { Snapshot } from '../../kube/store/store.ts';
import { sliceServices } from '../../kube/meaning/service-slices.ts';
import type { NameDirectory, NamedEndpoint, NamedPort, NamedService, Scope } from '../network-model.ts';

export const defaultTtlSeconds = 5;

export function createNameCompiler(scope: Scope): (seen: Snapshot) => NameDirectory {
  const { clusterDomain: domain, dnsTtlSeconds: ttlSeconds = defaultTtlSeconds } = scope;
  const nameServices = memoAligned((service: Service, slices: readonly EndpointSlice[]) => namedService(service, slices));
  const namespacesOf = memoLast((list: readonly Namespace[]): ReadonlySet<string> => new Set(list.map((each) => each.metadata.name)));
  let last: Zone | undefined;
  const servicesOf = memoLast((services: readonly Service[], slices: readonly EndpointSlice[]) => {
    const { keys, slices: aligned } = sliceServices(services, slices);
    const entries = nameServices(services, aligned);
    last = { keys, entries, named: (last && patchNames(last, keys, entries)) ?? keepIdentity(last?.named, nameAll(keys, entries)) };
    return last.named;
  });
  const directory = memoLast(
    (namespaces: ReadonlySet<string>, services: ReadonlyMap<string, NamedService>): NameDirectory => ({ domain, ttlSeconds, namespaces, services }),
  );
  return (seen) => directory(namespacesOf(seen.list(namespaceKind)), servicesOf(seen.list(serviceKind), seen.list(endpointSliceKind)));
}

interface Zone {
  readonly keys: readonly string[];
  readonly entries: readonly (NamedService | undefined)[];
  readonly named: ReadonlyMap<string, NamedService>;
}

function nameAll(keys: readonly string[], entries: Zone['entries']): Map<string, NamedService> {
  const named = new Map<string, NamedService>();
  for (const [i, entry] of entries.entries()) if (entry) named.set(keys[i] ?? '', entry);
  return named;
}

/** When the Services are the same and a few say something else: only their entries are touched. Undefined where that is not so. */
function patchNames({ keys, entries, named }: Zone, nowKeys: readonly string[], now: Zone['entries']): Zone['named'] | undefined {
  const places = keys === nowKeys ? changedPlaces(entries, now) : undefined;
  if (!places?.every((place) => entries[place] && now[place])) return undefined;
  const changes = new Map(places.map((place) => [keys[place]!, now[place]!]).filter(([key, entry]) => !deepEqual(named.get(key as string), entry)) as [string, NamedService][]);
  return changes.size === 0 ? named : patchMap(named, changes);
}

/** Undefined where the zone has nothing to say about the Service (DNS-49: an external name that is an address). */
function namedService(service: Service, slices: readonly EndpointSlice[]): NamedService | undefined {
  const { type, externalName, clusterIPs = [], clusterIP, ports = [] } = service.spec;
  const origin: Ref = { kind: 'Service', namespace: service.metadata.namespace, name: service.metadata.name };
  if (type === 'ExternalName') {
    const target = externalName?.replace(/\.$/, '') ?? '';
    return target === '' || parseAddress(target) ? undefined : { type: 'externalName', addresses: [], ports: [], endpoints: [], externalName: target, origin };
  }
  const endpoints = publishedEndpoints(slices, publishesAll(service));
  if ((clusterIPs[0] ?? clusterIP) === 'None') return { type: 'headless', addresses: [], ports: [], endpoints, origin };
  const addresses = clusterIPs.length > 0 ? clusterIPs : clusterIP ? [clusterIP] : [];
  const named = ports.map(({ name = '', protocol = 'TCP', port }): NamedPort => ({ name, protocol, port }));
  return { type: 'clusterIP', addresses, ports: named, endpoints, origin };
}

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
  return endpoint.addresses.map((address) => ({ label: (hostname ?? dashedAddress(address)).toLowerCase(), address, ports, origin }));
}

/** `10.1.2.3` → `10-1-2-3`; a label may not end with a dash, so `2001:db8::` → `2001-db8--0` (DNS-32). */
export function dashedAddress(address: string): string {
  const dashed = printAddress(addressOf(address)).replaceAll(/[.:]/g, '-');
  return dashed.endsWith('-') ? `${dashed}0` : dashed;
}
