// All Services and host ports → the service part of the ruleset, remembering what the last model looked like: only Services that
// changed are rendered, and only the sets they touch get a new identity.
import { deepEqual } from '../../base/data/memo.ts';
import { patchMap } from '../../base/data/patched-map.ts';
import { keyedDiff } from '../../base/data/keyed-diff.ts';
import type { ServicePort } from '../../model/network-model.ts';
import type { Chain, Element, ElementGroup, Elements, NftSet } from '../nft/ruleset.ts';
import { type ClassParts, classParts, isSpread } from './classes.ts';
import { type Front, fronts } from './fronts.ts';
import { type Contribution, renderService } from './services.ts';
import { serviceSets } from './service-chains.ts';

export interface RenderedServices {
  readonly sets: readonly NftSet[];
  /** Those of the classes in use; the constant ones are in service-chains.ts. */
  readonly chains: readonly Chain[];
}

type Services = ReadonlyMap<string, ServicePort>;

interface Memory {
  services: Services;
  hostPorts: Services;
  contributions: Map<string, Contribution>;
  sets: Map<string, NftSet>;
  /** Those of the classes, and those that single Services have for themselves. */
  chains: readonly Chain[];
  ownSets: readonly NftSet[];
}

const forgotten: Contribution = { elements: new Map(), classes: [], chains: [], sets: [] };

/** Collects what becomes of the touched sets' groups; the sets of the last ruleset stay as they were. */
function editor(sets: Map<string, NftSet>) {
  const edits = new Map<string, Map<string, ElementGroup | undefined>>();
  const editsOf = (set: string) => {
    let found = edits.get(set);
    if (!found) edits.set(set, (found = new Map()));
    return found;
  };
  return {
    put: (set: string, group: string, elements: ElementGroup) => void editsOf(set).set(group, elements),
    drop: (set: string, group: string) => void editsOf(set).set(group, undefined),
    finish: () => {
      for (const [name, groups] of edits) sets.set(name, { ...sets.get(name)!, elements: patchMap(sets.get(name)!.elements, groups) });
    },
  };
}

/** Equal groups are left alone: an endpoint's change does not touch the set of cluster IPs. */
function replace(edit: ReturnType<typeof editor>, group: string, was: Contribution, is: Contribution): void {
  for (const [set, elements] of is.elements) if (!deepEqual(was.elements.get(set), elements)) edit.put(set, group, elements);
  for (const set of was.elements.keys()) if (!is.elements.has(set)) edit.drop(set, group);
}

const partsMemo = new Map<string, ClassParts>();

/** The same objects for the same class, whoever asks. */
function partsOf(front: Front, number: number): ClassParts {
  const key = `${front.name} ${number}`;
  let parts = partsMemo.get(key);
  if (!parts) partsMemo.set(key, (parts = classParts(front, number)));
  return parts;
}

/** So many counts at most are kept ready. */
const MOST_READY = 64;

/** Endpoints come and go by ones: a count that a Service may soon have has its chain before, as chains cost nft's text. */
function withNeighbours(numbers: Set<number>): Set<number> {
  const most = Math.max(0, ...[...numbers].filter(isSpread));
  const ready = most === 0 ? 0 : Math.min(MOST_READY, 2 ** Math.ceil(Math.log2(most)));
  for (let count = 1; count <= ready; count++) numbers.add(count);
  return numbers;
}

function classesInUse(contributions: Iterable<Contribution>): Map<Front, Set<number>> {
  const inUse = new Map(fronts.map((front) => [front, new Set<number>()]));
  for (const { classes } of contributions) for (const { front, number } of classes) inUse.get(front)!.add(number);
  inUse.forEach(withNeighbours);
  return inUse;
}

/** Fills the class maps and answers the chains they lead to; sticky classes share some, hence the look by name. */
function renderClasses(memory: Memory): readonly Chain[] {
  const chains = new Map<string, Chain>();
  const need = (chain: Chain) => chains.set(chain.name, chains.get(chain.name) ?? chain);
  for (const [front, numbers] of classesInUse(memory.contributions.values())) {
    const group = new Map<string, Element>();
    for (const number of [...numbers].sort((a, b) => a - b)) {
      const parts = partsOf(front, number);
      group.set(String(number), parts.element);
      parts.chains.forEach(need);
    }
    const name = `${front.name}-classes`;
    const elements: Elements = new Map([['', group]]);
    if (!deepEqual(memory.sets.get(name)!.elements, elements)) memory.sets.set(name, { ...memory.sets.get(name)!, elements });
  }
  return [...chains.values()];
}

/** What single Services have for themselves. */
function collectOwn(memory: Memory): readonly Chain[] {
  const owners = [...memory.contributions.values()].filter(({ sets }) => sets.length > 0);
  memory.ownSets = owners.flatMap(({ sets }) => sets);
  return owners.flatMap(({ chains }) => chains);
}

/** A renderer with a memory of its own; its answer depends on the services alone. */
export function createServiceRenderer(): (services: Services, hostPorts: Services) => RenderedServices {
  const memory: Memory = {
    services: new Map(),
    hostPorts: new Map(),
    contributions: new Map(),
    sets: new Map(serviceSets.map((shape) => [shape.name, { ...shape, elements: new Map() }])),
    chains: [],
    ownSets: [],
  };
  return (services, hostPorts) => {
    const diffs = [keyedDiff(memory.services, services), keyedDiff(memory.hostPorts, hostPorts)];
    // Rendered before anything is remembered: an address that is none throws, and must leave the memory whole.
    const fresh = diffs.flatMap(({ added, changed }) => [...added, ...changed].map(([key, service]) => ({ key, is: renderService(service) })));
    const edit = editor(memory.sets);
    let classesChanged = false;
    const apply = (key: string, is: Contribution) => {
      const was = memory.contributions.get(key) ?? forgotten;
      replace(edit, key, was, is);
      if (is === forgotten) memory.contributions.delete(key);
      else memory.contributions.set(key, is);
      classesChanged ||= was.sets.length + is.sets.length > 0 || !deepEqual(was.classes, is.classes);
    };
    for (const { key, is } of fresh) apply(key, is);
    for (const { removed } of diffs) for (const [key] of removed) apply(key, forgotten);
    [memory.services, memory.hostPorts] = [services, hostPorts];
    edit.finish();
    if (classesChanged) memory.chains = [...renderClasses(memory), ...collectOwn(memory)];
    return { sets: [...memory.sets.values(), ...memory.ownSets], chains: memory.chains };
  };
}
