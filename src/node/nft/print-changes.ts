// A difference of rulesets → one nft transaction. Serves the text driver, and the netlink driver for what is not elements.
// Order: what is referred to comes before what refers to it, and goes after it:
//   sets → chains → elements → rules, base chains last; then leftover chains and sets.
import { type RulesetDiff, type SetElements } from './diff.ts';
import { printElement, printHook, printKeyOf, printRule, printRuleset, printSetHead, setWord } from './print.ts';
import type { Chain, Element, Ruleset } from './ruleset.ts';

/** nft reads a command as one line; shorter ones keep its error messages readable. */
const ELEMENTS_PER_COMMAND = 500;

const inParts = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));

const elementCommands = (verb: string, table: string, { set, elements }: SetElements, print: (element: Element) => string): string[] =>
  inParts(elements, ELEMENTS_PER_COMMAND).map((part) => `${verb} element ${table} ${set.name} { ${part.map(print).join(', ')} }`);

export const addElements = (table: string, lists: readonly SetElements[]): string[] =>
  lists.flatMap((list) => elementCommands('add', table, list, (element) => printElement(list.set, element)));

export const deleteElements = (table: string, lists: readonly SetElements[]): string[] =>
  lists.flatMap((list) => elementCommands('delete', table, list, (element) => printKeyOf(list.set, element)));

const declareChain = (table: string, chain: Chain): string => `add chain ${table} ${chain.name}${chain.hook ? ` { ${printHook(chain)} }` : ''}`;

const fillChain = (table: string, chain: Chain): string[] => chain.rules.map((rule) => `add rule ${table} ${chain.name} ${printRule(rule)}`);

const baseLast = (chains: readonly Chain[]): Chain[] => [...chains].sort((a, b) => Number(a.hook !== undefined) - Number(b.hook !== undefined));

/** Declarations of what is new: nothing refers to it yet. */
export const declarations = (table: string, diff: RulesetDiff): string[] => [
  ...diff.addedSets.map((set) => `add ${setWord(set)} ${table} ${set.name} { ${printSetHead(set)} }`),
  ...diff.addedChains.map((chain) => declareChain(table, chain)),
];

export const fillings = (table: string, diff: RulesetDiff): string[] => [
  ...diff.changedChains.map((chain) => `flush chain ${table} ${chain.name}`),
  ...baseLast([...diff.addedChains, ...diff.changedChains]).flatMap((chain) => fillChain(table, chain)),
];

/** Chains are emptied before any is deleted: they may lead to each other. */
export const removals = (table: string, diff: RulesetDiff): string[] => [
  ...diff.removedChains.map((chain) => `flush chain ${table} ${chain.name}`),
  ...diff.removedChains.map((chain) => `delete chain ${table} ${chain.name}`),
  ...diff.removedSets.map((set) => `delete ${setWord(set)} ${table} ${set.name}`),
];

export function printChanges(ruleset: Pick<Ruleset, 'table'>, diff: RulesetDiff): string {
  const table = `inet ${ruleset.table}`;
  return [
    ...declarations(table, diff),
    ...deleteElements(table, diff.removedElements),
    ...addElements(table, diff.addedElements),
    ...fillings(table, diff),
    ...removals(table, diff),
    '',
  ].join('\n');
}

/** Large rulesets are built beside the old table, under the other of two names: see ruleset-netlink.ts. */
export const tablesOf = (table: string): readonly [string, string] => [table, `${table}-2`];

/** Deletes our tables, whether or not they are there. */
export const printRemoval = (table: string): string =>
  tablesOf(table).map((name) => `add table inet ${name}\ndelete table inet ${name}\n`).join('');

/** The old table goes and the new one comes in one transaction: no packet meets neither. */
export const printReplacement = (ruleset: Ruleset): string => `${printRemoval(ruleset.table)}${printRuleset(ruleset)}`;
