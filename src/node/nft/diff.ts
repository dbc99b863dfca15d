// What must be sent to the kernel so that one ruleset becomes another. Serves the ruleset drivers.
// Unchanged things are skipped by identity; what is new by identity but equal in meaning costs no change either.
import { deepEqual } from '../../base/data/memo.ts';
import { keyedDiff } from '../../base/data/keyed-diff.ts';
import { type Chain, type Element, type ElementGroup, type NftSet, type Ruleset, allElements } from './ruleset.ts';

export interface RulesetDiff {
  readonly addedSets: readonly NftSet[];
  readonly removedSets: readonly NftSet[];
  readonly addedChains: readonly Chain[];
  /** Same name and hook, other rules: all rules are replaced. */
  readonly changedChains: readonly Chain[];
  readonly removedChains: readonly Chain[];
  /** Includes those of added sets. */
  readonly addedElements: readonly SetElements[];
  /** Not those of removed sets. A changed element is removed and added: the kernel has no replace. */
  readonly removedElements: readonly SetElements[];
}

export interface SetElements {
  readonly set: NftSet;
  readonly elements: readonly Element[];
}

const sameShape = (a: NftSet, b: NftSet): boolean => {
  if (a === b) return true;
  const { elements: _old, ...shapeA } = a;
  const { elements: _new, ...shapeB } = b;
  return deepEqual(shapeA, shapeB);
};

const equalElements = (a: Element, b: Element): boolean =>
  a === b || (deepEqual(a.data, b.data) && deepEqual(a.verdict, b.verdict));

interface Candidates {
  gained: Map<string, Element>;
  lost: Map<string, Element>;
}

/** What the changed groups say, before asking whether another group still holds the same element. */
function changesInGroups(old: NftSet, now: NftSet): Candidates {
  const gained = new Map<string, Element>();
  const lost = new Map<string, Element>();
  const compare = (before: ElementGroup, after: ElementGroup) => {
    for (const [key, element] of after) {
      const was = before.get(key);
      if (!was || !equalElements(was, element)) gained.set(key, element);
      if (was && !equalElements(was, element)) lost.set(key, was);
    }
    for (const [key, element] of before) if (!after.has(key)) lost.set(key, element);
  };
  const nothing: ElementGroup = new Map();
  const groups = keyedDiff(old.elements, now.elements);
  for (const [, group] of groups.added) compare(nothing, group);
  for (const [, group, was] of groups.changed) compare(was, group);
  for (const [, was] of groups.removed) compare(was, nothing);
  return { gained, lost };
}

/** Of a key: the element as it was or is, whichever group holds it. */
type Holder = (key: string) => Element | undefined;

/** So many keys are cheaper to look up in one large map than by asking every group for each. */
const MANY_KEYS = 64;

/** One walk over the groups, not over 100,000 elements, for the few keys that a change touches. */
function holderIn(set: NftSet, keys: readonly string[]): Holder {
  if (keys.length > MANY_KEYS) {
    const all = allElements(set);
    return (key) => all.get(key);
  }
  const held = new Map<string, Element>();
  for (const group of set.elements.values()) {
    for (const key of keys) {
      const element = group.get(key);
      if (element) held.set(key, element);
    }
  }
  return (key) => held.get(key);
}

/** An element of a shared set is lost only when no group holds it any more, and gained only when none held it. */
function holders(old: NftSet, now: NftSet, { gained, lost }: Candidates): { was: Holder; is: Holder } {
  if (!now.shared || gained.size + lost.size === 0) return { was: (key) => lost.get(key), is: (key) => gained.get(key) };
  const keys = [...new Set([...gained.keys(), ...lost.keys()])];
  return { was: holderIn(old, keys), is: holderIn(now, keys) };
}

function diffElements(old: NftSet, now: NftSet): { added: Element[]; removed: Element[] } {
  if (old.elements === now.elements || now.dynamic) return { added: [], removed: [] };
  const changes = changesInGroups(old, now);
  const { was, is } = holders(old, now, changes);
  const added: Element[] = [];
  const removed: Element[] = [];
  for (const key of new Set([...changes.lost.keys(), ...changes.gained.keys()])) {
    const before = was(key);
    const after = is(key);
    if (before && after && equalElements(before, after)) continue;
    if (before) removed.push(before);
    if (after) added.push(after);
  }
  return { added, removed };
}

/**
 * The difference from the kernel's state to the wish. Undefined when it cannot be reached in steps because a set or a
 * base chain changed its shape under the same name: then the table must be replaced as a whole.
 */
export function diffRulesets(old: Ruleset, now: Ruleset): RulesetDiff | undefined {
  const sets = keyedDiff(old.sets, now.sets);
  const chains = keyedDiff(old.chains, now.chains);
  const reshaped = sets.changed.some(([, set, was]) => !sameShape(set, was));
  if (reshaped || chains.changed.some(([, chain, was]) => !deepEqual(chain.hook, was.hook))) return undefined;
  const addedSets = sets.added.map(([, set]) => set);
  const kept = sets.changed.map(([, set, was]) => ({ set, ...diffElements(was, set) }));
  const gained = addedSets.filter((set) => !set.dynamic).map((set) => ({ set, elements: [...allElements(set).values()] }));
  return {
    addedSets,
    removedSets: sets.removed.map(([, set]) => set),
    addedChains: chains.added.map(([, chain]) => chain),
    changedChains: chains.changed.filter(([, chain, was]) => !deepEqual(chain.rules, was.rules)).map(([, chain]) => chain),
    removedChains: chains.removed.map(([, chain]) => chain),
    addedElements: [...gained, ...kept.map(({ set, added }) => ({ set, elements: added }))].filter(isFilled),
    removedElements: kept.map(({ set, removed }) => ({ set, elements: removed })).filter(isFilled),
  };
}

const isFilled = ({ elements }: SetElements): boolean => elements.length > 0;

/** A ruleset without anything: the difference from it is the whole wish. */
export const emptyRuleset = (table: string): Ruleset => ({ table, chains: new Map(), sets: new Map() });

/** How many kernel objects the difference touches. */
export const sizeOfDiff = (diff: RulesetDiff): number =>
  [diff.addedSets, diff.removedSets, diff.addedChains, diff.changedChains, diff.removedChains].reduce((sum, { length }) => sum + length, 0) +
  [...diff.addedElements, ...diff.removedElements].reduce((sum, { elements }) => sum + elements.length, 0);
