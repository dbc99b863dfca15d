// The plain ruleset driver: every change is one `nft -f`. Slower than netlink (milliseconds per change, seconds for
// 100,000 elements), but everything it says to the kernel can be read and repeated by hand.
import { printChanges, printRemoval, printReplacement } from '../nft/print-changes.ts';
import type { Ruleset } from '../nft/ruleset.ts';
import type { Netns } from '../netlink/namespaces.ts';
import type { Driver } from './driver.ts';
import { createRulesetDriver } from './ruleset-driver.ts';
import { runNft } from './run-nft.ts';

const name = 'ruleset (nft)';

export function createTextRulesetDriver(namespace: Netns, table: string): Driver<Ruleset> {
  const run = (script: string) => runNft(name, namespace, script);
  return createRulesetDriver({
    name,
    replace: (ruleset) => run(printReplacement(ruleset)),
    change: (ruleset, diff) => run(printChanges(ruleset, diff)),
    clear: () => run(printRemoval(table)),
  });
}
