// The fake kernel for rulesets: takes the same transactions, makes the kernel's checks, and holds what it was told,
// so that the evaluator can be asked what would happen. A refused transaction changes nothing.
import type { RulesetDiff, SetElements } from '../nft/diff.ts';
import { diffRulesets, emptyRuleset } from '../nft/diff.ts';
import { printChanges } from '../nft/print-changes.ts';
import { type Action, type Chain, type Element, type NftSet, printKey, type Rule, type Ruleset, type VerdictAction } from '../nft/ruleset.ts';
import { checkElement, checkRule } from './ruleset-checks.ts';
import { type Driver, DriverError } from './driver.ts';
import { createRulesetDriver } from './ruleset-driver.ts';

/** What a kernel holds of one table. */
interface Table {
  readonly sets: Map<string, { shape: NftSet; elements: Map<string, Element> }>;
  readonly chains: Map<string, Chain>;
}

export interface MemoryRulesetDriver extends Driver<Ruleset> {
  /** What the fake kernel holds now; undefined before the first apply and after remove. */
  held(): Ruleset | undefined;
}

const name = 'ruleset (memory)';

class Refusal extends Error {}

function refuse(message: string): never {
  throw new Refusal(message);
}

const copyOf = (table: Table): Table => ({
  sets: new Map([...table.sets].map(([key, { shape, elements }]) => [key, { shape, elements: new Map(elements) }])),
  chains: new Map(table.chains),
});

const setIn = (table: Table, set: string) => table.sets.get(set) ?? refuse(`set ${set}: No such file or directory`);

function addElements(table: Table, { set, elements }: SetElements): void {
  const held = setIn(table, set.name);
  for (const element of elements) {
    const key = printKey(element.key);
    const fault = checkElement(held.shape, element, table.chains);
    if (fault) refuse(`element ${key} of ${set.name}: ${fault}`);
    if (held.elements.has(key)) refuse(`element ${key} of ${set.name}: File exists`);
    held.elements.set(key, element);
  }
}

function removeElements(table: Table, { set, elements }: SetElements): void {
  const held = setIn(table, set.name);
  for (const { key } of elements) if (!held.elements.delete(printKey(key))) refuse(`element ${printKey(key)} of ${set.name}: No such file or directory`);
}

function fillChain(table: Table, chain: Chain): void {
  if (!table.chains.has(chain.name)) refuse(`chain ${chain.name}: No such file or directory`);
  const shapes = new Map([...table.sets].map(([key, { shape }]) => [key, shape]));
  for (const rule of chain.rules) {
    const fault = checkRule(rule, shapes, table.chains);
    if (fault) refuse(`rule of ${chain.name}: ${fault}`);
  }
  table.chains.set(chain.name, chain);
}

const leadsTo = (verdict: VerdictAction | Action | undefined): string | undefined =>
  verdict && (verdict.do === 'jump' || verdict.do === 'goto') ? verdict.chain : undefined;

const verdictOf = ({ then }: Rule): VerdictAction | Action | undefined => (then.do === 'set mark from map' ? then.verdict : then);

function chainsInUse(table: Table): Set<string | undefined> {
  const rules = [...table.chains.values()].flatMap((chain) => chain.rules.map((rule) => leadsTo(verdictOf(rule))));
  const elements = [...table.sets.values()].flatMap((set) => [...set.elements.values()].map(({ verdict }) => leadsTo(verdict)));
  return new Set([...rules, ...elements]);
}

const setsInUse = (table: Table): Set<string> =>
  new Set(
    [...table.chains.values()].flatMap(({ rules }) =>
      rules.flatMap(({ when, then }) => [...when.flatMap((match) => (match.match === 'in set' ? [match.set] : [])), ...('map' in then ? [then.map] : [])]),
    ),
  );

function declare(table: Table, diff: RulesetDiff): void {
  for (const set of diff.addedSets) {
    if (table.sets.has(set.name)) refuse(`set ${set.name}: File exists`);
    table.sets.set(set.name, { shape: set, elements: new Map() });
  }
  for (const chain of diff.addedChains) {
    if (table.chains.has(chain.name)) refuse(`chain ${chain.name}: File exists`);
    table.chains.set(chain.name, { ...chain, rules: [] });
  }
}

function sweep(table: Table, diff: RulesetDiff): void {
  for (const chain of diff.removedChains) {
    if (!table.chains.has(chain.name)) refuse(`chain ${chain.name}: No such file or directory`);
    table.chains.set(chain.name, { ...chain, rules: [] });
  }
  const needed = diff.removedChains.length > 0 ? chainsInUse(table) : new Set();
  for (const chain of diff.removedChains) {
    if (needed.has(chain.name)) refuse(`chain ${chain.name}: Device or resource busy`);
    table.chains.delete(chain.name);
  }
  const used = diff.removedSets.length > 0 ? setsInUse(table) : new Set();
  for (const set of diff.removedSets) {
    if (used.has(set.name)) refuse(`set ${set.name}: Device or resource busy`);
    if (!table.sets.delete(set.name)) refuse(`set ${set.name}: No such file or directory`);
  }
}

/** In the order of print-changes.ts. */
function changed(before: Table, diff: RulesetDiff): Table {
  const table = copyOf(before);
  declare(table, diff);
  for (const list of diff.removedElements) removeElements(table, list);
  for (const list of diff.addedElements) addElements(table, list);
  for (const chain of [...diff.addedChains, ...diff.changedChains]) fillChain(table, chain);
  sweep(table, diff);
  return table;
}

const nothing: Table = { sets: new Map(), chains: new Map() };

export function createMemoryRulesetDriver(): MemoryRulesetDriver {
  let table: Table | undefined;
  let tableName = '';
  const take = (ruleset: Ruleset, diff: RulesetDiff, before: Table) => {
    try {
      table = changed(before, diff);
      tableName = ruleset.table;
    } catch (error) {
      if (error instanceof Refusal) throw new DriverError(name, error.message, printChanges(ruleset, diff));
      throw error;
    }
  };
  const driver = createRulesetDriver({
    name,
    replace: async (ruleset) => take(ruleset, diffRulesets(emptyRuleset(ruleset.table), ruleset)!, nothing),
    change: async (ruleset, diff) => take(ruleset, diff, table ?? refuse('no table')),
    clear: async () => void (table = undefined),
  });
  return {
    ...driver,
    held: () =>
      table && {
        table: tableName,
        chains: new Map(table.chains),
        sets: new Map([...table.sets].map(([key, { shape, elements }]) => [key, { ...shape, elements: new Map([['', elements]]) }])),
      },
  };
}
