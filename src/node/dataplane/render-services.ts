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
import { serviceSets, sharedSets } from './service-chains.ts';

export interface RenderedServices {
  readonly sets: readonly NftSet[];
  /** Those of the classes in use; the constant ones are in service-chains.ts. */
  readonly chains: readonly Chain[];
}

type Services = ReadonlyMap<string, ServicePort>;

interface Memory {
  services: Services;
  hostPorts: Services;
  readonly contributions: Map<string, Contribution>;
  readonly sets: Map<string, NftSet>;
  /** How many ports are of each class, by front. */
  readonly classes: ReadonlyMap<Front, Map<number, number>>;
  /** How many ports have each element of the sets that ports share, by set. */
  readonly holders: ReadonlyMap<string, Map<string, number>>;
  /** Those that have chains and sets for themselves. */
  readonly owners: Map<string, Contribution>;
  rendered: RenderedServices;
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
      return edits.size > 0;
    },
  };
}

type Editor = ReturnType<typeof editor>;

/** Equal groups are left alone: an endpoint's change does not touch the set of cluster IPs. */
function replace({ holders }: Memory, edit: Editor, { key, was, is }: Change): void {
  for (const [set, elements] of is.elements) {
    const before = was.elements.get(set);
    if (before && deepEqual(before, elements)) continue;
    const counts = holders.get(set);
    if (counts) hold(edit, set, counts, { elements, before });
    else edit.put(set, key, elements);
  }
  for (const [set, before] of was.elements) {
    if (is.elements.has(set)) continue;
    const counts = holders.get(set);
    if (counts) hold(edit, set, counts, { before });
    else edit.drop(set, key);
  }
}

interface Change {
  readonly key: string;
  readonly was: Contribution;
  readonly is: Contribution;
}

/** An element that several ports have (two ports of one cluster IP) is a group of its own, and stays until the last one gives it up. */
function hold(edit: Editor, set: string, counts: Map<string, number>, { elements, before }: { elements?: ElementGroup; before?: ElementGroup | undefined }): void {
  for (const [name, element] of elements ?? []) if (count(counts, name, 1) === 1) edit.put(set, name, new Map([[name, element]]));
  for (const name of before?.keys() ?? []) if (count(counts, name, -1) === 0) edit.drop(set, name);
}

/** Answers the new count; none is kept of what nobody has. */
function count<K>(counts: Map<K, number>, key: K, by: 1 | -1): number {
  const now = (counts.get(key) ?? 0) + by;
  if (now === 0) counts.delete(key);
  else counts.set(key, now);
  return now;
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
function withNeighbours(used: Iterable<number>): readonly number[] {
  const numbers = new Set(used);
  const most = Math.max(0, ...[...numbers].filter(isSpread));
  const ready = most === 0 ? 0 : Math.min(MOST_READY, 2 ** Math.ceil(Math.log2(most)));
  for (let each = 1; each <= ready; each++) numbers.add(each);
  return [...numbers].sort((a, b) => a - b);
}

/** Fills the class maps and answers the chains they lead to; sticky classes share some, hence the look by name. */
function renderClasses({ classes, sets }: Memory): readonly Chain[] {
  const chains = new Map<string, Chain>();
  const need = (chain: Chain) => chains.set(chain.name, chains.get(chain.name) ?? chain);
  for (const [front, counts] of classes) {
    const group = new Map<string, Element>();
    for (const number of withNeighbours(counts.keys())) {
      const parts = partsOf(front, number);
      group.set(String(number), parts.element);
      parts.chains.forEach(need);
    }
    const name = `${front.name}-classes`;
    const elements: Elements = new Map([['', group]]);
    if (!deepEqual(sets.get(name)!.elements, elements)) sets.set(name, { ...sets.get(name)!, elements });
  }
  return [...chains.values()];
}

const hasOwn = ({ sets, chains }: Contribution): boolean => sets.length + chains.length > 0;

/** True when a class got its first port or lost its last one, or a port's own chains changed: only then are chains rendered. */
function countClasses({ classes, owners }: Memory, { key, was, is }: Change): boolean {
  if (hasOwn(is)) owners.set(key, is);
  else owners.delete(key);
  let isNews = hasOwn(was) || hasOwn(is);
  if (deepEqual(was.classes, is.classes)) return isNews;
  for (const { front, number } of is.classes) if (count(classes.get(front)!, number, 1) === 1) isNews = true;
  for (const { front, number } of was.classes) if (count(classes.get(front)!, number, -1) === 0) isNews = true;
  return isNews;
}

const startMemory = (): Memory => ({
  services: new Map(),
  hostPorts: new Map(),
  contributions: new Map(),
  sets: new Map(serviceSets.map((shape) => [shape.name, { ...shape, elements: new Map() }])),
  classes: new Map(fronts.map((front) => [front, new Map()])),
  holders: new Map(sharedSets.map((name) => [name, new Map()])),
  owners: new Map(),
  rendered: { sets: [], chains: [] },
});

/** A renderer with a memory of its own; its answer depends on the services and host ports alone. */
export function createServiceRenderer(): (services: Services, hostPorts: Services) => RenderedServices {
  const memory = startMemory();
  memory.rendered = { sets: [...memory.sets.values()], chains: [] };
  return (services, hostPorts) => {
    const diffs = [keyedDiff(memory.services, services), keyedDiff(memory.hostPorts, hostPorts)];
    // Rendered before anything is remembered: an address that is none throws, and must leave the memory whole.
    const fresh = diffs.flatMap(({ added, changed }) => [...added, ...changed].map(([key, service]) => [key, renderService(service)] as const));
    const edit = editor(memory.sets);
    let isNews = false;
    const apply = (key: string, is: Contribution) => {
      const change = { key, was: memory.contributions.get(key) ?? forgotten, is };
      replace(memory, edit, change);
      if (is === forgotten) memory.contributions.delete(key);
      else memory.contributions.set(key, is);
      isNews = countClasses(memory, change) || isNews;
    };
    for (const [key, is] of fresh) apply(key, is);
    for (const { removed } of diffs) for (const [key] of removed) apply(key, forgotten);
    [memory.services, memory.hostPorts] = [services, hostPorts];
    const isEdited = edit.finish();
    const owners = [...memory.owners.values()];
    if (isNews) memory.rendered = { ...memory.rendered, chains: [...renderClasses(memory), ...owners.flatMap(({ chains }) => chains)] };
    if (isNews || isEdited) memory.rendered = { ...memory.rendered, sets: [...memory.sets.values(), ...owners.flatMap(({ sets }) => sets)] };
    return memory.rendered;
  };
}
