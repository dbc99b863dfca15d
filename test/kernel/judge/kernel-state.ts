// What a node's kernel holds of ours, as text that does not depend on the way it came to be. Serves the expansions.
import { TABLE } from '../../../src/node/dataplane/render.ts';
import { runNft } from '../../../src/node/linux/run-nft.ts';
import { routeProtocol } from '../../../src/node/netlink/routes.ts';
import { withRtnetlink } from '../../../src/node/netlink/rtnetlink.ts';
import type { Netns } from '../../../src/node/netlink/namespaces.ts';

/** nft lists in order of creation and of hashes; what packets left in dynamic maps is not ours. */
function normalBlock(block: string): string {
  return block.replace(/\n\s*elements = \{([^}]*)\}/, (_, elements: string) =>
    block.includes('dynamic') ? '' : `\n${elements.split(',').map((element) => element.trim().replace(/\s+/g, ' ')).toSorted().join('\n')}`,
  );
}

/** One string for each chain, map and set, then for each route. */
export async function readKernelState(namespace: Netns): Promise<string[]> {
  const listing = await runNft('kernel state', namespace, `list table inet ${TABLE}\n`);
  const blocks = listing.split(/\n(?=\t(?:chain|map|set) )/).slice(1).map((block) => normalBlock(block.replace(/\n\}\s*$/, '').trimEnd()));
  const routes = withRtnetlink(namespace, (rtnetlink) => rtnetlink.routes()).filter(({ protocol }) => protocol === routeProtocol);
  return [...blocks.toSorted(), ...routes.map((route) => JSON.stringify(route)).toSorted()];
}
