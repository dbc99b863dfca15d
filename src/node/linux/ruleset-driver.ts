// What the ruleset drivers share: whole wish in, difference out. A hand only knows how to put it into a kernel.
// After any failure the next apply replaces the whole table: no guessing what the kernel holds now.
import { diffRulesets, type RulesetDiff, sizeOfDiff } from '../nft/diff.ts';
import { countElements, type Ruleset } from '../nft/ruleset.ts';
import type { Applied, Driver } from './driver.ts';

export interface RulesetHand {
  readonly name: string;
  /** Whatever our table was, it becomes this, without a moment in which packets meet no rules. */
  replace(ruleset: Ruleset): Promise<unknown>;
  /** From the state of the last successful call to `ruleset`; all or nothing as far as the kernel allows. */
  change(ruleset: Ruleset, diff: RulesetDiff): Promise<unknown>;
  /** No table of ours is left. */
  clear(): Promise<unknown>;
  /** Whether the kernel still holds what we put there, as far as it can be told cheaply. */
  isIntact?(ruleset: Ruleset): boolean;
}

const countAll = ({ chains, sets }: Ruleset): number =>
  [...sets.values()].reduce((sum, set) => sum + 1 + countElements(set), chains.size);

export function createRulesetDriver(hand: RulesetHand): Driver<Ruleset> {
  let inKernel: Ruleset | undefined;

  async function bring(desired: Ruleset): Promise<number> {
    const diff = inKernel && diffRulesets(inKernel, desired);
    if (!diff) {
      await hand.replace(desired);
      return countAll(desired);
    }
    const changes = sizeOfDiff(diff);
    if (changes > 0) await hand.change(desired, diff);
    return changes;
  }

  return {
    name: hand.name,
    async apply(desired): Promise<Applied> {
      const start = performance.now();
      try {
        const changes = await bring(desired);
        inKernel = desired;
        return { changes, tookMs: performance.now() - start };
      } catch (error) {
        inKernel = undefined;
        throw error;
      }
    },
    async check() {
      if (!inKernel || hand.isIntact?.(inKernel) !== false) return true;
      inKernel = undefined;
      return false;
    },
    async remove() {
      inKernel = undefined;
      await hand.clear();
    },
  };
}
