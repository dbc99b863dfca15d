// Notices that somebody else has changed our table (KPX-25), at the price of one question to the kernel as long as nobody
// has written anything. Only after a foreign transaction are the rules of each chain counted and each set asked for one
// element: an administrator's flush is seen, and nothing is listed. Serves the ruleset driver.
import type { Netns } from '../../netlink/namespaces.ts';
import { type NftLook, openNftLook } from './nft-look.ts';
import { createWriteCounter } from './write-counter.ts';
import type { NftSet, Ruleset } from '../../nft/ruleset.ts';

export interface RulesetWatchman {
  /** So many transactions of our own have been made; NaN: we do not know how many. */
  wrote(transactions: number): void;
  /** Whether the table still is what we made of it. */
  isIntact(table: string, ruleset: Ruleset): boolean;
  /** Whether packets meet the table. One that was never finished has no base chains. */
  isHooked(table: string): boolean;
  close(): void;
}

export function createRulesetWatchman(namespace: Netns): RulesetWatchman {
  let look: NftLook | undefined;
  const looking = () => (look ??= openNftLook(namespace));
  const counter = createWriteCounter();
  return {
    wrote: counter.wrote,
    isIntact: (table, ruleset) => !counter.isForeign(looking().generation()) || isWhole(looking(), table, ruleset),
    isHooked: (table) => looking().isHooked(table),
    close() {
      look?.close();
      look = undefined;
    },
  };
}

function isWhole(look: NftLook, table: string, { chains, sets }: Ruleset): boolean {
  const counts = look.ruleCounts(table);
  if (![...chains.values()].every(({ name, rules }) => (counts.get(name) ?? 0) === rules.length)) return false;
  return [...sets.values()].every((set) => {
    const sample = set.dynamic ? undefined : firstElement(set);
    return sample === undefined || look.hasElement(table, set, sample);
  });
}

function firstElement({ elements }: NftSet) {
  for (const group of elements.values()) for (const element of group.values()) return element;
  return undefined;
}
