// The ruleset driver of everyday: elements go by raw netlink (0.05 ms a change), chains and sets by nft's text.
//
//   only elements changed        one netlink transaction
//   chains or sets changed       one text transaction, elements and all
//   very many elements as well   text: declarations, rules → netlink: elements → text: base chains, leftovers
//
// The last way is also how a large ruleset comes to be: in a second table beside the old one, which stands until the
// base chains of the new one are hooked in; both happen in one transaction, so no packet meets neither or both.
import type { RulesetDiff, SetElements } from '../nft/diff.ts';
import { skeletonOf } from '../nft/diff.ts';
import { declarations, fillings, printChanges, printReplacement, removals, tablesOf } from '../nft/print-changes.ts';
import { allElements, type Chain, countElements, elementsOf, type NftSet, type Ruleset } from '../nft/ruleset.ts';
import type { Netns } from '../netlink/namespaces.ts';
import { type BatchOptions, type ElementChange, type Nfnetlink, openNfnetlink } from '../netlink/nfnetlink.ts';
import { type Driver, DriverError } from './driver.ts';
import { createRulesetDriver } from './ruleset-driver.ts';
import { createRulesetWatchman, type RulesetWatchman } from './look/ruleset-watchman.ts';
import { runNft } from './run-nft.ts';

const name = 'ruleset (netlink)';
/** nft's text takes about 13 µs an element, but is one transaction with all the rest. */
const TEXT_ELEMENTS = 4000;

export interface NetlinkRulesetDriver extends Driver<Ruleset> {
  /** Lets go of the socket; the rules stay in the kernel. */
  close(): void;
}

const count = (lists: readonly SetElements[]): number => lists.reduce((sum, { elements }) => sum + elements.length, 0);

const countAll = ({ sets }: Ruleset): number => [...sets.values()].reduce((sum, set) => sum + countElements(set), 0);

const nothing: RulesetDiff = { addedSets: [], removedSets: [], addedChains: [], changedChains: [], removedChains: [], addedElements: [], removedElements: [] };

const noAnswer = (): void => {};

const onlyElements = (diff: RulesetDiff): boolean =>
  [diff.addedSets, diff.removedSets, diff.addedChains, diff.changedChains, diff.removedChains].every(({ length }) => length === 0);

const withoutBases = (diff: RulesetDiff): RulesetDiff => ({ ...diff, addedChains: diff.addedChains.filter(isRegular), changedChains: diff.changedChains.filter(isRegular) });
const basesOf = (diff: RulesetDiff): RulesetDiff => ({ ...diff, addedSets: [], addedChains: diff.addedChains.filter(isBase), changedChains: diff.changedChains.filter(isBase) });
const isBase = (chain: Chain): boolean => chain.hook !== undefined;
const isRegular = (chain: Chain): boolean => !isBase(chain);

const script = (...commands: readonly string[][]): string => commands.flat().map((command) => `${command}\n`).join('');

const changesOf = ({ removedElements, addedElements }: RulesetDiff): ElementChange[] => [
  ...removedElements.map(({ set, elements }) => ({ op: 'delete' as const, set, elements })),
  ...addedElements.map(({ set, elements }) => ({ op: 'add' as const, set, elements })),
];

const filled = ({ sets }: Ruleset): NftSet[] => [...sets.values()].filter((set) => !set.dynamic && set.elements.size > 0);

/** All elements, made as they are sent; and, for a second try, made to differ. */
const everything = (ruleset: Ruleset): ElementChange[] => filled(ruleset).map((set) => ({ op: 'add', set, elements: elementsOf(set) }));
const everythingOnce = (ruleset: Ruleset): ElementChange[] => filled(ruleset).map((set) => ({ op: 'add', set, elements: [...allElements(set).values()] }));

const hasDoubles = (ruleset: Ruleset): boolean => filled(ruleset).some((set) => allElements(set).size < countElements(set));

async function sendElements(nfnetlink: Nfnetlink, to: string, changes: readonly ElementChange[], options?: BatchOptions): Promise<void> {
  try {
    await nfnetlink.sendBatch(to, changes, options);
  } catch (error) {
    // A text before it has failed: it has said so itself.
    if (error instanceof DriverError) throw error;
    // Whatever the wire refused, an operator wants to see it as nft commands.
    const of = (wanted: ElementChange['op']) => changes.filter(({ op }) => op === wanted).map(({ set, elements }) => ({ set: set as NftSet, elements: [...elements] }));
    throw new DriverError(name, (error as Error).message, printChanges({ table: to }, { ...nothing, removedElements: of('delete'), addedElements: of('add') }));
  }
}

/** The ways into one namespace. */
interface Ways {
  readonly nfnetlink: Nfnetlink;
  readonly watchman: RulesetWatchman;
  run(text: string): Promise<string>;
}

/** Very many elements, some of which packets meet already: one transaction, as far as the socket takes it. */
async function inStages({ nfnetlink, run }: Ways, table: string, diff: RulesetDiff): Promise<void> {
  const [to, regular, bases] = [`inet ${table}`, withoutBases(diff), basesOf(diff)];
  const declared = run(script(declarations(to, regular), fillings(to, regular)));
  await sendElements(nfnetlink, table, changesOf(diff), { after: declared.then(noAnswer) });
  await run(script(declarations(to, bases), fillings(to, bases), removals(to, diff)));
}

interface Names {
  readonly beside: string;
  /** Goes when the new one comes. */
  readonly instead: string;
}

/** Not hooked in before the last step: until then it may be half full. What a crash left half-built under its name goes first. */
async function build({ nfnetlink, run }: Ways, ruleset: Ruleset, { beside, instead }: Names, elements: readonly ElementChange[]): Promise<void> {
  const skeleton = skeletonOf(ruleset);
  const [to, regular, bases] = [`inet ${beside}`, withoutBases(skeleton), basesOf(skeleton)];
  const fresh = [`add table ${to}`, `delete table ${to}`, `add table ${to}`];
  const declared = run(script(fresh, declarations(to, regular), fillings(to, regular)));
  await sendElements(nfnetlink, beside, elements, { inPieces: true, after: declared.then(noAnswer) });
  await run(script(declarations(to, bases), fillings(to, bases), [`add table inet ${instead}`, `delete table inet ${instead}`]));
}

/** Beside whatever stands now; answers the new table's name. */
async function buildBeside(ways: Ways, ruleset: Ruleset, table: string): Promise<string> {
  const [first, second] = tablesOf(table);
  const instead = ways.watchman.isHooked(second) ? second : first;
  const beside = instead === first ? second : first;
  try {
    // Two causes may claim one key: rare, so it is looked for only where the kernel minds.
    await build(ways, ruleset, { beside, instead }, everything(ruleset)).catch((error: unknown) => {
      if (!hasDoubles(ruleset)) throw error;
      return build(ways, ruleset, { beside, instead }, everythingOnce(ruleset));
    });
  } catch (error) {
    await ways.nfnetlink.deleteTable(beside);
    throw error;
  }
  return beside;
}

/** Call close() when done. The namespace must exist; `limit` is for tests: up to so many elements go by text. */
export function createNetlinkRulesetDriver(namespace: Netns, table: string, limit = TEXT_ELEMENTS): NetlinkRulesetDriver {
  const nfnetlink = openNfnetlink(namespace);
  const watchman = createRulesetWatchman(namespace);
  const run = (text: string) => runNft(name, namespace, text);
  const ways: Ways = { nfnetlink, watchman, run };
  /** The one of our two tables that packets meet. */
  let current = table;

  const driver = createRulesetDriver({
    name,
    async replace(ruleset) {
      // How many transactions these take is nft's business: the next check looks closely.
      watchman.wrote(NaN);
      if (countAll(ruleset) > limit) current = await buildBeside(ways, ruleset, table);
      else {
        await run(printReplacement({ ...ruleset, table }));
        current = table;
      }
    },
    async change(_ruleset, diff) {
      watchman.wrote(onlyElements(diff) ? 1 : NaN);
      if (onlyElements(diff)) await sendElements(nfnetlink, current, changesOf(diff));
      else if (count(diff.addedElements) + count(diff.removedElements) > limit) await inStages(ways, current, diff);
      else await run(printChanges({ table: current }, diff));
    },
    isIntact: (ruleset) => watchman.isIntact(current, ruleset),
    async clear() {
      for (const each of tablesOf(table)) await nfnetlink.deleteTable(each);
    },
  });
  return {
    ...driver,
    close() {
      nfnetlink.close();
      watchman.close();
    },
  };
}
