// Snapshot → every ServicePort of the cluster as this node must treat it.
// Pays for what changed: one remembered answer per slice and per Service, by identity of all they were made from.
import { deepEqual, keepIdentity, memoAligned, memoByIdentity, memoLast } from '../../base/data/memo.ts';
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
  let last: CompiledServices | undefined;
  const compile = memoLast((services: readonly Service[], slices: readonly EndpointSlice[], zone: string | undefined): CompiledServices => {
    const outcomes = portsIn(zone)(services, sliceServices(services, slices).slices);
    const fresh = gather(services, outcomes);
    const problems = deepEqual(last?.problems, fresh.problems) ? (last?.problems ?? []) : fresh.problems;
    last = { services: keepIdentity(last?.services, fresh.services), problems };
    return last;
  });
  return (seen) => compile(seen.list(serviceKind), seen.list(endpointSliceKind), zoneOf(seen, scope.node));
}

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
  return { services: ports, problems: [...problems, ...settled.problems] };
}
