// Which endpoints may receive new connections: readiness, termination, topology and locality in one function.
// Serves service-ports.ts, and whoever explains why an endpoint is in or out.
import type { Endpoint } from '../network-model.ts';
import type { Candidate } from './slice-endpoints.ts';

export interface Usable {
  /**
   * For clients that no Local policy binds: the ready endpoints that topology hints allow for this node;
   * while nothing is ready, those that still serve though they are terminating, hints ignored (PROXY-20, TOPO-38).
   * Empty exactly when no node has a usable endpoint: then connections are rejected, under every policy.
   */
  readonly cluster: readonly Endpoint[];
  /**
   * For clients bound to this node by a Local policy: the ready endpoints here; while none here is ready, the serving
   * and terminating ones here (PROXY-21), decided without regard to `cluster`; hints ignored (TOPO-37).
   * Empty while `cluster` is not: connections are dropped (ITP-03, KPX-35).
   */
  readonly local: readonly Endpoint[];
}

/** Where the asking node is; both absent for a server that is bound to no node. */
export interface Place {
  readonly node?: string;
  readonly zone?: string;
}

export function usableEndpoints(candidates: readonly Candidate[], place: Place): Usable {
  const ready = candidates.filter(({ ready }) => ready);
  const near = withinTopology(ready, place);
  return {
    cluster: endpointsOf(near.length > 0 ? near : candidates.filter(isDraining)),
    local: endpointsOf(readyOrDraining(candidates.filter(({ endpoint }) => endpoint.local))),
  };
}

const isDraining = ({ serving, terminating }: Candidate): boolean => serving && terminating;

function readyOrDraining(candidates: readonly Candidate[]): readonly Candidate[] {
  const ready = candidates.filter(({ ready }) => ready);
  return ready.length > 0 ? ready : candidates.filter(isDraining);
}

/**
 * Hints are used only when every ready endpoint carries one and one of them names this place: anything else is a
 * transition or a gap, and all are used (TOPO-33…36). Node hints are the narrower wish and are tried first.
 */
function withinTopology(ready: readonly Candidate[], { node, zone }: Place): readonly Candidate[] {
  const hintedFor = (name: string | undefined, hints: 'nodeHints' | 'zoneHints'): readonly Candidate[] =>
    name && ready.every((candidate) => candidate[hints].length > 0) ? ready.filter((candidate) => candidate[hints].includes(name)) : [];
  const sameNode = hintedFor(node, 'nodeHints');
  if (sameNode.length > 0) return sameNode;
  const sameZone = hintedFor(zone, 'zoneHints');
  return sameZone.length > 0 ? sameZone : ready;
}

/**
 * Names of the nodes that hold ready endpoints, or, while nothing is ready anywhere, draining ones; sorted, hints ignored.
 * The same on every node: it decides who announces an address (PROXY-34).
 */
export const readyNodes = (candidates: readonly Candidate[]): readonly string[] =>
  [...new Set(readyOrDraining(candidates).flatMap(({ endpoint }) => endpoint.node ?? []))].sort();

/** Those that get nothing new but still serve: what was begun with them may go on. */
export const keptEndpoints = (candidates: readonly Candidate[], { cluster, local }: Usable): readonly Endpoint[] =>
  endpointsOf(candidates.filter(({ serving, endpoint }) => serving && !cluster.includes(endpoint) && !local.includes(endpoint)));

const endpointsOf = (candidates: readonly Candidate[]): readonly Endpoint[] => candidates.map(({ endpoint }) => endpoint);
