// The ruleset driver of everyday: elements go by raw netlink (0.05 ms a change), chains and sets by nft's text.
//
//   only elements changed        one netlink transaction
//   chains or sets changed       one text transaction, elements and all
//   very many elements as well   text: declarations, rules → netlink: elements → text: base chains, leftovers
//
// The last way is also how a large ruleset comes to be: in a second table beside the old one, which stands until the
// base chains of the new one are hooked in; both happen in one transaction, so no packet meets neither or both.
import type { RulesetDiff, SetElements } from '../nft/diff.ts';
import { diffRulesets, emptyRuleset } from '../nft/diff.ts';
import { declarations, fillings, printChanges, printReplacement, removals, tablesOf } from '../nft/print-changes.ts';
import type { Chain, Ruleset } from '../nft/ruleset.ts';
import type { Netns } from '../netlink/namespaces.ts';
import { type Nfnetlink, openNfnetlink } from '../netlink/nfnetlink.ts';
import { type Driver, DriverError } from './driver.ts';
import { createRulesetDriver } from './ruleset-driver.ts';
import { createRulesetWatchman } from './look/ruleset-watchman.ts';
import { runNft } from './run-nft.ts';

const name = 'ruleset (netlink)';
/** nft's text takes about 13 µs an element, but is one transaction with all the rest. */
const TEXT_ELEMENTS = 4000;

export interface NetlinkRulesetDriver extends Driver<Ruleset> {
  /** Lets go of the socket; the rules stay in the kernel. */
  close(): void;
}

const count = (lists: readonly SetElements[]): number => lists.reduce((sum, { elements }) => sum + elements.length, 0);

const onlyElements = (diff: RulesetDiff): boolean =>
  [diff.addedSets, diff.removedSets, diff.addedChains, diff.changedChains, diff.removedChains].every(({ length }) => length === 0);

const withoutBases = (diff: RulesetDiff): RulesetDiff => ({ ...diff, addedChains: diff.addedChains.filter(isRegular), changedChains: diff.changedChains.filter(isRegular) });
const basesOf = (diff: RulesetDiff): RulesetDiff => ({ ...diff, addedSets: [], addedChains: diff.addedChains.filter(isBase), changedChains: diff.changedChains.filter(isBase) });
const isBase = (chain: Chain): boolean => chain.hook !== undefined;
const isRegular = (chain: Chain): boolean => !isBase(chain);

const script = (...commands: readonly string[][]): string => commands.flat().map((command) => `${command}\n`).join('');

async function sendElements(nfnetlink: Nfnetlink, to: string, diff: RulesetDiff, inPieces = false): Promise<void> {
  const changes = [
    ...diff.removedElements.map(({ set, elements }) => ({ op: 'delete' as const, set, elements })),
    ...diff.addedElements.map(({ set, elements }) => ({ op: 'add' as const, set, elements })),
  ];
  try {
    await nfnetlink.sendBatch(to, changes, { inPieces });
  } catch (error) {
    // Whatever the wire refused, an operator wants to see it as nft commands.
    throw new DriverError(name, (error as Error).message, printChanges({ table: to }, { ...diff, addedSets: [], addedChains: [], changedChains: [], removedChains: [], removedSets: [] }));
  }
}

/** Call close() when done. The namespace must exist; `limit` is for tests: up to so many elements go by text. */
export function createNetlinkRulesetDriver(namespace: Netns, table: string, limit = TEXT_ELEMENTS): NetlinkRulesetDriver {
  const nfnetlink = openNfnetlink(namespace);
  const watchman = createRulesetWatchman(namespace);
  const run = (text: string) => runNft(name, namespace, text);
  /** The one of our two tables that packets meet. */
  let current = table;

  async function inStages(to: string, diff: RulesetDiff, last: string[]): Promise<void> {
    const [regular, bases] = [withoutBases(diff), basesOf(diff)];
    await run(script(declarations(`inet ${to}`, regular), fillings(`inet ${to}`, regular)));
    // A table beside the one in use is not hooked in before the last step: until then it may be half full.
    await sendElements(nfnetlink, to, diff, last.length > 0);
    await run(script(declarations(`inet ${to}`, bases), fillings(`inet ${to}`, bases), removals(`inet ${to}`, diff), last));
  }

  /** Beside whatever stands now; what a crash left half-built under the other name goes first. */
  async function buildBeside(ruleset: Ruleset): Promise<string> {
    const [first, second] = tablesOf(table);
    const listed = await run('list tables\n');
    const stands = listed.split('\n').includes(`table inet ${second}`) && (await isHooked(second)) ? second : first;
    const beside = stands === first ? second : first;
    await run(script([`add table inet ${beside}`, `delete table inet ${beside}`, `add table inet ${beside}`]));
    try {
      await inStages(beside, diffRulesets(emptyRuleset(beside), ruleset)!, [`add table inet ${stands}`, `delete table inet ${stands}`]);
    } catch (error) {
      await nfnetlink.deleteTable(beside);
      throw error;
    }
    return beside;
  }

  /** A table without base chains is one that was never finished. */
  const isHooked = async (which: string): Promise<boolean> => / hook /.test(await run(`list table inet ${which}\n`));

  const driver = createRulesetDriver({
    name,
    async replace(ruleset) {
      const all = diffRulesets(emptyRuleset(table), ruleset)!;
      // How many transactions these take is nft's business: the next check looks closely.
      watchman.wrote(NaN);
      if (count(all.addedElements) > limit) current = await buildBeside(ruleset);
      else {
        await run(printReplacement({ ...ruleset, table }));
        current = table;
      }
    },
    async change(_ruleset, diff) {
      watchman.wrote(onlyElements(diff) ? 1 : NaN);
      if (onlyElements(diff)) await sendElements(nfnetlink, current, diff);
      else if (count(diff.addedElements) + count(diff.removedElements) > limit) await inStages(current, diff, []);
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
