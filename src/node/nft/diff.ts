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

/** A changed element is in both lists. */
function diffElements(old: NftSet, now: NftSet): { added: Element[]; removed: Element[] } {
  if (old.elements === now.elements || now.dynamic) return { added: [], removed: [] };
  const gained = new Map<string, Element>();
  const lost = new Map<string, Element>();
  const compare = (before: ElementGroup, after: ElementGroup) => {
    for (const [key, element] of after) if (before.get(key) !== element) gained.set(key, element);
    for (const [key, element] of before) if (after.get(key) !== element) lost.set(key, element);
  };
  const nothing: ElementGroup = new Map();
  const groups = keyedDiff(old.elements, now.elements);
  for (const [, group] of groups.added) compare(nothing, group);
  for (const [, group, was] of groups.changed) compare(was, group);
  for (const [, was] of groups.removed) compare(was, nothing);
  // What stayed the same, or moved to another group.
  for (const [key, element] of gained) {
    const was = lost.get(key);
    if (!was || !equalElements(was, element)) continue;
    gained.delete(key);
    lost.delete(key);
  }
  return { added: [...gained.values()], removed: [...lost.values()] };
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

/** From nothing to the whole wish, but for the elements. */
export const skeletonOf = ({ sets, chains }: Ruleset): RulesetDiff => ({
  addedSets: [...sets.values()],
  removedSets: [],
  addedChains: [...chains.values()],
  changedChains: [],
  removedChains: [],
  addedElements: [],
  removedElements: [],
});

/** How many kernel objects the difference touches. */
export const sizeOfDiff = (diff: RulesetDiff): number =>
  [diff.addedSets, diff.removedSets, diff.addedChains, diff.changedChains, diff.removedChains].reduce((sum, { length }) => sum + length, 0) +
  [...diff.addedElements, ...diff.removedElements].reduce((sum, { elements }) => sum + elements.length, 0);
