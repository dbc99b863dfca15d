// EndpointSlices of one Service → candidates per port: merged and de-duplicated whatever order they came in.
// Serves service-ports.ts. A slice is read once and remembered by identity.
import { canonicalAddress } from '../../base/net/address.ts';
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
    const candidates: Candidate[] = [];
    for (const listed of slice.endpoints ?? []) {
      // Further addresses of one endpoint are interchangeable with the first.
      const text = listed.addresses[0];
      // Only IPv6 has several spellings, and IPv4 comes by the hundred thousand.
      const address = text?.includes(':') ? canonicalAddress(text) : text;
      if (address !== undefined) candidates.push(candidateOf(listed, { address, port, local: self !== undefined && listed.nodeName === self, origin }));
    }
    found.set(portKey(name, protocol), candidates);
  }
  return found;
}

type Known = Pick<Endpoint, 'address' | 'port' | 'local' | 'origin'>;

/** One literal: there are as many candidates as endpoints in the cluster. */
function candidateOf(listed: SliceEndpoint, known: Known): Candidate {
  const { conditions = allDefaults, hints } = listed;
  const ready = conditions.ready ?? true;
  return {
    endpoint: printedEndpoint(listed, known),
    ready,
    serving: conditions.serving ?? ready,
    terminating: conditions.terminating ?? false,
    zoneHints: namesOf(hints?.forZones),
    nodeHints: namesOf(hints?.forNodes),
  };
}

const allDefaults: NonNullable<SliceEndpoint['conditions']> = {};

const namesOf = (hints: readonly { readonly name: string }[] | undefined): readonly string[] => hints?.map(({ name }) => name) ?? none;

/** Absent facts stay absent keys, so that a printed model holds no empty lines. The usual facts make one literal. */
function printedEndpoint(listed: SliceEndpoint, known: Known): Endpoint {
  const { nodeName: node, zone, conditions } = listed;
  const { address, port, local, origin } = known;
  const pod = podOf(listed, origin.namespace);
  const isUsual = node !== undefined && pod !== undefined && !conditions?.terminating;
  if (isUsual) return zone === undefined ? { address, port, local, origin, node, pod } : { address, port, local, origin, node, zone, pod };
  return { ...known, ...(node !== undefined && { node }), ...(zone !== undefined && { zone }), ...(conditions?.terminating && { terminating: true }), ...(pod && { pod }) };
}

const podOf = ({ targetRef }: SliceEndpoint, namespace: string | undefined): Ref | undefined =>
  targetRef?.kind === 'Pod' && targetRef.name ? { kind: 'Pod', namespace: targetRef.namespace ?? namespace, name: targetRef.name } : undefined;

/** One candidate per address and port, sorted; the same list for every order of the slices (KPX-23, EPS-35). */
export function mergeCandidates(lists: readonly (readonly Candidate[])[]): readonly Candidate[] {
  const all = (lists.length === 1 ? lists[0]! : lists.flat()).toSorted(byAddress);
  let kept = 0;
  for (const candidate of all) {
    const last = all[kept - 1];
    if (kept === 0 || byAddress(last!, candidate) !== 0) all[kept++] = candidate;
    else if (isBetter(candidate, last!)) all[kept - 1] = candidate;
  }
  all.length = kept;
  return all;
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
