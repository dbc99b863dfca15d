// Endpoints that users wrote by hand, copied into EndpointSlices: everything that carries traffic reads only slices.
// Only for Services without a selector; those with one have slices of their own (EPT-06…13, ESL-01…17).
import { parseAddress, printAddress } from '../../base/net/address.ts';
import { deepEqual } from '../../base/data/memo.ts';
import { endpointSliceKind } from '../../kube/kinds/endpoint-slice.ts';
import { endpointsKind } from '../../kube/kinds/endpoints.ts';
import { eventKind } from '../../kube/kinds/event.ts';
import { serviceKind } from '../../kube/kinds/service.ts';
import { hasSelector } from '../../kube/kinds/service/traits.ts';
import { controllerOf, controllerReference } from '../../kube/meaning/owner-references.ts';
import { serviceNameLabel } from '../../kube/meaning/service-slices.ts';
import type { EndpointAddress, Endpoints, EndpointSubset, Service } from '../../kube/objects/core.ts';
import type { EndpointSlice, SliceEndpoint, SlicePort } from '../../kube/objects/networking.ts';
import { objectKey, type Snapshot, type Write } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';
import { distribute, type Filling, groupKey, type Wanted } from './endpoint-slice/distribute.ts';
import { triggerNote } from './endpoint-slice/trigger-time.ts';
import { managedByLabel } from './endpoint-slices.ts';
import { suffixOf } from './hash.ts';
import { decideKeeping } from './keep-decisions.ts';
import { groupKeeping, groupOf } from './keep-lists.ts';
import { rememberDecision } from './remember.ts';
import { create, createEvent, eventName, type EventNote, remove, update } from './writes.ts';

const manager = 'endpointslicemirroring-controller.k8s.io';
const component = 'endpoint-slice-mirroring-controller';
const mostPerSubset = 1000;
const skipLabel = 'endpointslice.kubernetes.io/skip-mirror';
const leaderNote = 'control-plane.alpha.kubernetes.io/leader';
const notCopied: ReadonlySet<string> = new Set([triggerNote, 'kubectl.kubernetes.io/last-applied-configuration']);

const mirroredSlices = groupKeeping(({ metadata }: EndpointSlice) =>
  metadata.labels?.[managedByLabel] === manager && !metadata.deletionTimestamp ? `${metadata.namespace}/${metadata.labels[serviceNameLabel]}` : undefined,
);

export function createSliceMirroring(): Controller {
  const remembered = rememberDecision(mirror);
  const decisions = decideKeeping<Endpoints>();
  const byKey = groupKeeping((service: Service) => objectKey(service));
  return {
    name: 'slice-mirroring',
    reads: [endpointsKind, serviceKind, endpointSliceKind],
    decide(seen, now) {
      const slices = mirroredSlices(seen.list(endpointSliceKind));
      const stale = [...slices.values()].flatMap((group) => (hasSource(group[0]!, seen) ? [] : group.map((slice) => remove(slice))));
      const wanted = decisions(seen.list(endpointsKind), { groups: [slices, byKey(seen.list(serviceKind))] }, (endpoints) =>
        isMirrored(endpoints, seen) ? [...remembered(now, endpoints, groupOf(slices, objectKey(endpoints))), ...complaints(endpoints, seen, now)] : [],
      );
      return [...stale, ...wanted];
    },
  };
}

function hasSource({ metadata }: EndpointSlice, seen: Snapshot): boolean {
  const endpoints = seen.get(endpointsKind, metadata.labels![serviceNameLabel]!, metadata.namespace);
  return endpoints !== undefined && isMirrored(endpoints, seen);
}

function isMirrored({ metadata }: Endpoints, seen: Snapshot): boolean {
  if (metadata.labels?.[skipLabel] === 'true' || metadata.annotations?.[leaderNote] !== undefined || metadata.deletionTimestamp) return false;
  const service: Service | undefined = seen.get(serviceKind, metadata.name, metadata.namespace);
  return service !== undefined && !service.metadata.deletionTimestamp && !hasSelector(service);
}

function mirror(_now: Date, endpoints: Endpoints, slices: readonly EndpointSlice[]): Write[] {
  const own = slices.filter((slice) => controllerOf(slice)?.uid === endpoints.metadata.uid);
  const orphaned = slices.filter((slice) => !own.includes(slice));
  const marks = marksOf(endpoints);
  const isWritten = ({ metadata }: EndpointSlice): boolean => !deepEqual({ ...metadata, ...marks }, metadata);
  const plan = distribute(wantedOf(endpoints), own, { perSlice: mostPerSubset, isWritten });
  const names = new Set(slices.map(({ metadata }) => metadata.name));
  return [
    ...[...orphaned, ...plan.remove].map((slice) => remove(slice)),
    ...plan.fill.map((filling) => writeSlice(endpoints, filling, names)),
  ];
}

/** ESL-08, ESL-14: one group for each address family and set of ports; subsets with the same ports join. */
function wantedOf({ subsets = [] }: Endpoints): Wanted[] {
  const groups = new Map<string, { addressType: 'IPv4' | 'IPv6'; ports: SlicePort[]; endpoints: SliceEndpoint[] }>();
  for (const subset of subsets) {
    const ports = (subset.ports ?? []).map(({ name = '', protocol = 'TCP', port, appProtocol }): SlicePort => ({ name, protocol, port, ...(appProtocol && { appProtocol }) }));
    for (const endpoint of endpointsOf(subset)) {
      const addressType = endpoint.addresses[0]!.includes(':') ? ('IPv6' as const) : ('IPv4' as const);
      const key = groupKey({ addressType, ports });
      const group = groups.get(key) ?? { addressType, ports, endpoints: [] };
      group.endpoints.push(endpoint);
      groups.set(key, group);
    }
  }
  return [...groups.values()];
}

const endpointsOf = ({ addresses = [], notReadyAddresses = [] }: EndpointSubset): SliceEndpoint[] =>
  [...addresses.map((address) => asEndpoint(address, true)), ...notReadyAddresses.map((address) => asEndpoint(address, false))]
    .slice(0, mostPerSubset)
    .flatMap((endpoint) => endpoint ?? []);

/** ESL-12: addresses in their canonical form; what is none is left out. */
function asEndpoint({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): SliceEndpoint | undefined {
  const address = parseAddress(ip);
  if (!address) return undefined;
  return { addresses: [printAddress(address)], conditions: { ready }, ...(hostname && { hostname }), ...(nodeName && { nodeName }), ...(targetRef && { targetRef }) };
}

/** ESL-13. */
function marksOf({ metadata }: Endpoints): { labels: Record<string, string>; annotations?: Record<string, string> } {
  const copied = Object.entries(metadata.annotations ?? {}).filter(([key]) => !notCopied.has(key));
  const labels = { ...metadata.labels, [managedByLabel]: manager, [serviceNameLabel]: metadata.name };
  return { labels, annotations: copied.length > 0 ? Object.fromEntries(copied) : undefined };
}

function writeSlice(endpoints: Endpoints, filling: Filling, names: Set<string>): Write {
  const { of: old, addressType, ports } = filling;
  const { name, namespace } = endpoints.metadata;
  const content = { addressType, ports: [...ports], endpoints: [...filling.endpoints] };
  if (old) return update({ ...old, ...content, metadata: { ...old.metadata, ...marksOf(endpoints) } } as EndpointSlice);
  const owners = { ownerReferences: [controllerReference(endpoints)] };
  const metadata = { name: freeName(endpoints, filling, names), generateName: `${name}-`, namespace: namespace!, ...marksOf(endpoints), ...owners };
  return create({ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, ...content } as EndpointSlice);
}

function freeName(endpoints: Endpoints, filling: Filling, names: Set<string>): string {
  for (let number = 0; ; number++) {
    const name = `${endpoints.metadata.name}-${suffixOf(['mirror', objectKey(endpoints), groupKey(filling), number].join(' '))}`;
    if (names.has(name)) continue;
    names.add(name);
    return name;
  }
}

/** ESL-07, ESL-09: said once. */
function complaints(endpoints: Endpoints, seen: Snapshot, now: Date): Write[] {
  const sizes = (endpoints.subsets ?? []).map(({ addresses = [], notReadyAddresses = [] }) => [...addresses, ...notReadyAddresses]);
  const skipped = sizes.reduce((sum, all) => sum + Math.max(0, all.length - mostPerSubset), 0);
  const invalid = sizes.flat().filter(({ ip }) => !parseAddress(ip)).length;
  const notes: Pick<EventNote, 'reason' | 'message'>[] = [];
  if (skipped > 0) notes.push({ reason: 'TooManyAddressesToMirror', message: `A max of ${mostPerSubset} addresses can be mirrored to EndpointSlices per Endpoints subset. ${skipped} addresses were skipped` });
  if (invalid > 0) notes.push({ reason: 'InvalidIPAddress', message: `Skipped ${invalid} invalid IP addresses when mirroring to EndpointSlices` });
  return notes.flatMap((said) => {
    const note: EventNote = { about: endpoints, type: 'Warning', component, ...said };
    return seen.get(eventKind, eventName(note), endpoints.metadata.namespace) ? [] : [createEvent(note, now)];
  });
}
