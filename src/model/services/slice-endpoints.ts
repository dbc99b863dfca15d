// EndpointSlices of one Service → candidates per port: merged and de-duplicated whatever order they came in.
// Serves service-ports.ts. A slice is read once and remembered by identity.
import type { SliceEndpoint, EndpointSlice } from '../../kube/objects/networking.ts';
import type { Protocol, Ref } from '../../kube/objects/meta.ts';
import type { Endpoint } from '../network-model.ts';

/** An endpoint before it is decided whether this node may use it. Absent conditions are already filled in (EPS-16). */
export interface Candidate {
  readonly endpoint: Endpoint;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly zoneHints: readonly string[];
  readonly nodeHints: readonly string[];
}

/** Candidates of one slice, keyed by portKey. */
export type SliceCandidates = ReadonlyMap<string, readonly Candidate[]>;

/** Slices are matched to a Service's port by name and protocol; the number is the slice's own (SVC-36). */
export const portKey = (name: string | undefined, protocol: Protocol | undefined): string => `${name ?? ''}/${protocol ?? 'TCP'}`;

const none: readonly string[] = [];

/** `self` is the node's name; candidates say whether they are on it. */
export function readSlice(slice: EndpointSlice, self: string | undefined): SliceCandidates {
  const found = new Map<string, Candidate[]>();
  const origin: Ref = { kind: 'EndpointSlice', namespace: slice.metadata.namespace, name: slice.metadata.name };
  for (const { name, protocol, port } of slice.ports ?? []) {
    // A port without number means "all ports", which a port-to-port translation cannot express; without a name it is
    // nobody's, for the API writes '' where there is none (ESL-55).
    if (!port || name === undefined || name === null) continue;
    const candidates = (slice.endpoints ?? []).flatMap((listed) => readEndpoint(listed, port, self, origin) ?? []);
    found.set(portKey(name, protocol), candidates);
  }
  return found;
}

function readEndpoint(listed: SliceEndpoint, port: number, self: string | undefined, origin: Ref): Candidate | undefined {
  // Further addresses of one endpoint are interchangeable with the first.
  const address = listed.addresses[0];
  if (address === undefined) return undefined;
  const endpoint = printedEndpoint(listed, { address, port, local: self !== undefined && listed.nodeName === self, origin });
  return { endpoint, ...readConditions(listed), ...readHints(listed) };
}

function readConditions({ conditions = {} }: SliceEndpoint): Pick<Candidate, 'ready' | 'serving' | 'terminating'> {
  const ready = conditions.ready ?? true;
  return { ready, serving: conditions.serving ?? ready, terminating: conditions.terminating ?? false };
}

const readHints = ({ hints }: SliceEndpoint): Pick<Candidate, 'zoneHints' | 'nodeHints'> => ({
  zoneHints: hints?.forZones?.map(({ name }) => name) ?? none,
  nodeHints: hints?.forNodes?.map(({ name }) => name) ?? none,
});

/** Absent facts stay absent keys, so that a printed model holds no empty lines. */
function printedEndpoint(listed: SliceEndpoint, known: Pick<Endpoint, 'address' | 'port' | 'local' | 'origin'>): Endpoint {
  const { nodeName, zone, targetRef, conditions } = listed;
  const endpoint: { -readonly [key in keyof Endpoint]: Endpoint[key] } = { ...known };
  if (nodeName !== undefined) endpoint.node = nodeName;
  if (zone !== undefined) endpoint.zone = zone;
  if (conditions?.terminating) endpoint.terminating = true;
  if (targetRef?.kind === 'Pod' && targetRef.name) {
    endpoint.pod = { kind: 'Pod', namespace: targetRef.namespace ?? known.origin.namespace, name: targetRef.name };
  }
  return endpoint;
}

/** One candidate per address and port, sorted; the same list for every order of the slices (KPX-23, EPS-35). */
export function mergeCandidates(lists: readonly (readonly Candidate[])[]): readonly Candidate[] {
  const best = new Map<string, Candidate>();
  for (const candidate of lists.flat()) {
    const key = `${candidate.endpoint.address} ${candidate.endpoint.port}`;
    const other = best.get(key);
    if (!other || isBetter(candidate, other)) best.set(key, candidate);
  }
  return [...best.values()].sort(byAddress);
}

/** While a pod moves between slices both may list it: believe the one that would serve, then the first by name. */
function isBetter(one: Candidate, other: Candidate): boolean {
  if (one.ready !== other.ready) return one.ready;
  if (one.serving !== other.serving) return one.serving;
  if (one.endpoint.local !== other.endpoint.local) return one.endpoint.local;
  return one.endpoint.origin.name < other.endpoint.origin.name;
}

function byAddress({ endpoint: a }: Candidate, { endpoint: b }: Candidate): number {
  if (a.address !== b.address) return a.address < b.address ? -1 : 1;
  return a.port - b.port;
}
