// Which node answers for a LoadBalancer address on its link: exactly one, the same in everyone's model, without talking.
// Highest hash of (address, node) wins, so that a node coming or going moves only its own addresses.
import type { Node } from '../../kube/objects/core.ts';

/** A LoadBalancer address and where it may be answered: on these nodes only (Local policy), or on any. */
export interface BalancedAddress {
  readonly address: string;
  readonly nodes: readonly string[] | 'any';
}

const excludeLabel = 'node.kubernetes.io/exclude-from-external-load-balancers';
const drainTaint = 'ToBeDeletedByClusterAutoscaler';

/** Ready, and not being taken out (LB-10). */
export const mayAnnounce = ({ metadata, spec, status }: Node): boolean =>
  status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true &&
  metadata.deletionTimestamp === undefined &&
  !(excludeLabel in (metadata.labels ?? {})) &&
  !spec?.taints?.some(({ key }) => key === drainTaint);

/**
 * Address → the node that answers for it. An address that no node may answer for is absent, and so is one that a node has
 * as its own: that node answers already, and anyone else would take it away.
 */
export function announcers(addresses: readonly BalancedAddress[], nodes: readonly Node[]): ReadonlyMap<string, string> {
  const able = addresses.length === 0 ? [] : nodes.filter(mayAnnounce).map(({ metadata }) => metadata.name);
  const carried = new Set(addresses.length === 0 ? [] : nodes.flatMap(({ status }) => (status?.addresses ?? []).map(({ address }) => address)));
  const chosen = new Map<string, string>();
  for (const { address, nodes: allowed } of addresses) {
    if (carried.has(address)) continue;
    const winner = highest(address, allowed === 'any' ? able : able.filter((name) => allowed.includes(name)));
    if (winner !== undefined) chosen.set(address, winner);
  }
  return chosen;
}

function highest(address: string, names: readonly string[]): string | undefined {
  const scored = names.map((name) => ({ name, score: scoreOf(`${address} ${name}`) }));
  return scored.sort((a, b) => b.score - a.score || (a.name < b.name ? -1 : 1))[0]?.name;
}

/** FNV-1a, 32 bits, then stirred: names that differ in their last letter must not score alike. */
function scoreOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
