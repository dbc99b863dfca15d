// What a node's kernel holds of ours, as text that does not depend on the way it came to be. Serves the expansions.
import { TABLE } from '../../../src/node/dataplane/render.ts';
import { isOurChain } from '../../../src/node/iptables/chain-names.ts';
import { runNft, runProgram } from '../../../src/node/linux/run-nft.ts';
import { routeProtocol } from '../../../src/node/netlink/routes.ts';
import { withRtnetlink } from '../../../src/node/netlink/rtnetlink.ts';
import type { Netns } from '../../../src/node/netlink/namespaces.ts';
import type { NodeHands } from './real-world.ts';

/** nft lists in order of creation and of hashes; what packets left in dynamic maps is not ours. */
function normalBlock(block: string): string {
  return block.replace(/\n\s*elements = \{([^}]*)\}/, (_, elements: string) =>
    block.includes('dynamic') ? '' : `\n${elements.split(',').map((element) => element.trim().replace(/\s+/g, ' ')).toSorted().join('\n')}`,
  );
}

async function readTable(namespace: Netns): Promise<string[]> {
  const listing = await runNft('kernel state', namespace, `list table inet ${TABLE}\n`);
  return listing.split(/\n(?=\t(?:chain|map|set) )/).slice(1).map((block) => normalBlock(block.replace(/\n\}\s*$/, '').trimEnd()));
}

/** One string for each table and chain: our own, and the kernel's, where the order of hooks counts. */
export async function readIptables(namespace: Netns): Promise<string[]> {
  const saved = await Promise.all((['iptables-save', 'ip6tables-save'] as const).map((program) => runProgram('kernel state', namespace, [program], '')));
  return saved.flatMap((text, i) =>
    text.split('*').flatMap((section) => {
      const [table, ...lines] = section.split('\n');
      const rules = Map.groupBy(lines.filter((line) => line.startsWith('-A')), (line) => line.split(' ')[1]!);
      const chains = lines.flatMap((line) => (line.startsWith(':') && isOurChain(line.slice(1).split(' ')[0]!) ? [line.slice(1).split(' ')[0]!] : []));
      return [...new Set([...chains, ...rules.keys()])].map((chain) => [`${i} ${table} ${chain}`, ...(rules.get(chain) ?? [])].join('\n'));
    }),
  );
}

/** One string for each chain, map and set, then for each route. */
export async function readKernelState({ namespace, rules: { by } }: NodeHands): Promise<string[]> {
  const blocks = await (by === 'iptables' ? readIptables(namespace) : readTable(namespace));
  const routes = withRtnetlink(namespace, (rtnetlink) => rtnetlink.routes()).filter(({ protocol }) => protocol === routeProtocol);
  return [...blocks.toSorted(), ...routes.map((route) => JSON.stringify(route)).toSorted()];
}
