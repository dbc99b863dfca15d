// Snapshot → every ServicePort of the cluster as this node must treat it.
// Pays for what changed: the Services that differ, or whose slices do, are compiled; all others stay as they are.
// The parts that concern several Services at once (contested addresses, problems) are joined again when a part of them changed.
import { groupOf } from '../../base/data/keep-groups.ts';
import { deepEqual, keepIdentity, memoByIdentity } from '../../base/data/memo.ts';
import { adoptMap, patchMap } from '../../base/data/patched-map.ts';
import { endpointSliceKind } from '../../kube/kinds/endpoint-slice.ts';
import { nodeKind } from '../../kube/kinds/node.ts';
import { serviceKind } from '../../kube/kinds/service.ts';
import { changedServices, type SlicedServices, sliceServices } from '../../kube/meaning/service-slices.ts';
import type { Service } from '../../kube/objects/core.ts';
import type { EndpointSlice } from '../../kube/objects/networking.ts';
import { findByKey, objectKey, type Snapshot } from '../../kube/store/store.ts';
import type { Problem, Scope, ServicePort } from '../network-model.ts';
import { isLoud, type Joined, joinLoud, keepJoined } from './join-outcomes.ts';
import { readSlice } from './slice-endpoints.ts';
import { type ServiceOutcome, type Surroundings, servicePorts } from './service-ports.ts';

export interface CompiledServices {
  readonly services: ReadonlyMap<string, ServicePort>;
  /** Those that have LoadBalancer addresses. */
  readonly balanced: readonly ServicePort[];
  readonly problems: readonly Problem[];
}

/** By Service key; a Service that says nothing has an entry all the same. */
type Outcomes = ReadonlyMap<string, ServiceOutcome>;

interface Answer {
  readonly outcomes: Outcomes;
  /** Those of them that concern other Services, or have problems. */
  readonly loud: Outcomes;
  readonly joined: Joined;
  readonly ports: CompiledServices['services'];
}

interface Memory extends SlicedServices, Answer {
  readonly zone: string | undefined;
  readonly compiled: CompiledServices;
}

const zoneLabel = 'topology.kubernetes.io/zone';

const zoneOf = (seen: Snapshot, node: string | undefined): string | undefined =>
  node === undefined ? undefined : seen.get(nodeKind, node)?.metadata.labels?.[zoneLabel];

export function createServiceCompiler(scope: Scope): (seen: Snapshot) => CompiledServices {
  const read = (slice: EndpointSlice) => readSlice(slice, scope.node);
  const readOnce = memoByIdentity(read);
  let last: Memory | undefined;
  return (seen) => {
    const now = sliceServices(seen.list(serviceKind), seen.list(endpointSliceKind), last);
    const zone = zoneOf(seen, scope.node);
    const sameZone = last?.zone === zone ? last : undefined;
    if (sameZone?.services === now.services && sameZone.slices === now.slices) return sameZone.compiled;
    const around: Surroundings = { node: scope.node, zone, serviceCIDRs: scope.serviceCIDRs };
    const outcomeOf = (service: Service, key: string): ServiceOutcome => {
      const slices = groupOf(now.slices, key);
      // Worth remembering only where one of several may change alone.
      return servicePorts(service, slices, around, slices.length > 1 ? readOnce : read);
    };
    // Another zone, other topology: everything is made anew.
    const keys = sameZone && changedServices(sameZone, now);
    const fresh = keys && changesOf(keys, (key) => findByKey(seen, serviceKind, key), outcomeOf);
    const answer: Answer = sameZone && fresh ? patch(sameZone, fresh) : compileAll(now.services, outcomeOf, last);
    const compiled = compiledOf(answer, last?.compiled);
    last = { ...now, ...answer, zone, compiled };
    return compiled;
  };
}

function compiledOf({ ports: services, joined: { balanced, problems } }: Answer, last: CompiledServices | undefined): CompiledServices {
  const isSame = last?.services === services && last.balanced === balanced && last.problems === problems;
  return isSame ? last : { services, balanced, problems };
}

type OutcomeOf = (service: Service, key: string) => ServiceOutcome;

/** Undefined for a Service that is gone. */
type Changes = ReadonlyMap<string, ServiceOutcome | undefined>;

function changesOf(keys: ReadonlySet<string>, find: (key: string) => Service | undefined, outcomeOf: OutcomeOf): Changes {
  const changes = new Map<string, ServiceOutcome | undefined>();
  for (const key of keys) {
    const service = find(key);
    changes.set(key, service && outcomeOf(service, key));
  }
  return changes;
}

function compileAll(all: readonly Service[], outcomeOf: OutcomeOf, last: Answer | undefined): Answer {
  const outcomes = new Map<string, ServiceOutcome>();
  const loud = new Map<string, ServiceOutcome>();
  const ports = new Map<string, ServicePort>();
  for (const service of all) {
    const key = objectKey(service);
    const outcome = outcomeOf(service, key);
    outcomes.set(key, outcome);
    if (isLoud(outcome)) loud.set(key, outcome);
    for (const port of outcome.ports) ports.set(port.key, port);
  }
  const joined = keepJoined(last?.joined, joinLoud(loud));
  for (const [key, port] of joined.claims) ports.set(key, port);
  return { outcomes: adoptMap(outcomes), loud, joined, ports: keepIdentity(last?.ports, adoptMap(ports)) };
}

/** The answer is what compileAll would give, for the price of the changes. */
function patch(last: Answer, changes: Changes): Answer {
  const loudChanges = new Map([...changes].filter(([key, is]) => isLoud(is) || last.loud.has(key)).map(([key, is]) => [key, isLoud(is) ? is : undefined]));
  const loud = loudChanges.size === 0 ? last.loud : patchMap(last.loud, loudChanges);
  const joined = loud === last.loud ? last.joined : keepJoined(last.joined, joinLoud(loud));
  const edits = portEdits(last, changes, loud === last.loud ? new Map() : joined.claims);
  return { outcomes: patchMap(last.outcomes, changes), loud, joined, ports: edits.size === 0 ? last.ports : patchMap(last.ports, edits) };
}

/** In this order: what the Services had, what they have, and what is left of that once claims are settled. */
function portEdits({ outcomes, ports }: Answer, changes: Changes, claims: Joined['claims']): ReadonlyMap<string, ServicePort | undefined> {
  const edits = new Map<string, ServicePort | undefined>();
  for (const key of changes.keys()) for (const port of outcomes.get(key)?.ports ?? []) edits.set(port.key, undefined);
  for (const is of changes.values()) for (const port of is?.ports ?? []) edits.set(port.key, port);
  for (const [key, port] of claims) edits.set(key, port);
  for (const [key, port] of edits) if (isSame(ports.get(key), port)) edits.delete(key);
  return edits;
}

const isSame = (was: ServicePort | undefined, is: ServicePort | undefined): boolean => was === is || (was !== undefined && is !== undefined && deepEqual(was, is));
