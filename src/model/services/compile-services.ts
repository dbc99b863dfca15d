// Snapshot → every ServicePort of the cluster as this node must treat it.
// Pays for what changed: one remembered answer per slice and per Service, by identity of all they were made from.
import { changedPlaces, deepEqual, keepIdentity, memoAligned, memoByIdentity, memoLast, sameItems } from '../../base/data/memo.ts';
import { patchMap } from '../../base/data/patched-map.ts';
import { endpointSliceKind } from '../../kube/kinds/endpoint-slice.ts';
import { nodeKind } from '../../kube/kinds/node.ts';
import { serviceKind } from '../../kube/kinds/service.ts';
import type { Service } from '../../kube/objects/core.ts';
import type { EndpointSlice } from '../../kube/objects/networking.ts';
import type { Snapshot } from '../../kube/store/store.ts';
import { sliceServices } from '../../kube/meaning/service-slices.ts';
import type { Problem, Scope, ServicePort } from '../network-model.ts';
import { readSlice } from './slice-endpoints.ts';
import { type ServiceOutcome, type Surroundings, servicePorts } from './service-ports.ts';
import { type Claimant, claimsAddresses, settleClaims } from './settle-claims.ts';

export interface CompiledServices {
  readonly services: ReadonlyMap<string, ServicePort>;
  /** Those that have LoadBalancer addresses. */
  readonly balanced: readonly ServicePort[];
  readonly problems: readonly Problem[];
}

const zoneLabel = 'topology.kubernetes.io/zone';

export function createServiceCompiler(scope: Scope): (seen: Snapshot) => CompiledServices {
  const read = memoByIdentity((slice: EndpointSlice) => readSlice(slice, scope.node));
  // Another zone, other topology: everything is made anew.
  const portsIn = memoLast((zone: string | undefined) => {
    const around: Surroundings = { node: scope.node, zone, serviceCIDRs: scope.serviceCIDRs };
    return memoAligned((service: Service, slices: readonly EndpointSlice[]): ServiceOutcome => servicePorts(service, slices, around, read));
  });
  let last: { compiled: CompiledServices; outcomes: readonly ServiceOutcome[] } | undefined;
  const compile = memoLast((services: readonly Service[], slices: readonly EndpointSlice[], zone: string | undefined): CompiledServices => {
    const outcomes = portsIn(zone)(services, sliceServices(services, slices).slices);
    const compiled = (last && patchPorts(last.compiled, last.outcomes, outcomes)) ?? keepParts(last?.compiled, gather(services, outcomes));
    last = { compiled, outcomes };
    return compiled;
  });
  return (seen) => compile(seen.list(serviceKind), seen.list(endpointSliceKind), zoneOf(seen, scope.node));
}

const keepParts = (last: CompiledServices | undefined, fresh: CompiledServices): CompiledServices => ({
  services: keepIdentity(last?.services, fresh.services),
  balanced: last && sameItems(last.balanced, fresh.balanced) ? last.balanced : fresh.balanced,
  problems: deepEqual(last?.problems, fresh.problems) ? (last?.problems ?? []) : fresh.problems,
});

/**
 * The common case, for the price of the change: a few Services have other endpoints, and nothing to say to other Services.
 * Undefined where that is not so. The answer is what `gather` would give, in the same order.
 */
function patchPorts(compiled: CompiledServices, old: readonly ServiceOutcome[], now: readonly ServiceOutcome[]): CompiledServices | undefined {
  const places = changedPlaces(old, now);
  if (!places) return undefined;
  const changes = new Map<string, ServicePort>();
  for (const place of places) {
    const [was, is] = [old[place]!, now[place]!];
    if (!isQuiet(was) || !isQuiet(is) || !sameItems(was.ports.map(({ key }) => key), is.ports.map(({ key }) => key))) return undefined;
    for (const port of is.ports) if (!deepEqual(compiled.services.get(port.key), port)) changes.set(port.key, port);
  }
  return changes.size === 0 ? compiled : { ...compiled, services: patchMap(compiled.services, changes) };
}

const isQuiet = ({ ports, problems }: ServiceOutcome): boolean => problems.length === 0 && !ports.some(claimsAddresses);

const zoneOf = (seen: Snapshot, node: string | undefined): string | undefined =>
  node === undefined ? undefined : seen.get(nodeKind, node)?.metadata.labels?.[zoneLabel];

function gather(services: readonly Service[], outcomes: readonly ServiceOutcome[]): CompiledServices {
  const ports = new Map<string, ServicePort>();
  const problems: Problem[] = [];
  const claimants: Claimant[] = [];
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.problems.length > 0) problems.push(...outcome.problems);
    for (const port of outcome.ports) {
      ports.set(port.key, port);
      if (claimsAddresses(port)) claimants.push({ port, since: services[index]?.metadata.creationTimestamp ?? '' });
    }
  }
  const settled = settleClaims(claimants);
  for (const [key, port] of settled.losers) ports.set(key, port);
  const balanced = claimants.map(({ port }) => settled.losers.get(port.key) ?? port).filter(({ virtual }) => virtual.some(({ type }) => type === 'loadBalancer'));
  return { services: ports, balanced, problems: [...problems, ...settled.problems] };
}
