// Gives every node its share of the pod address ranges (IPAM): /24 of IPv4, /64 of IPv6, in order of arrival.
// What a node of the snapshot holds is taken; the share of a removed node is free again.
import { bitsOf } from '../../base/net/address.ts';
import { nthSubprefix, overlaps, parsePrefix, type Prefix, prefixOf, printPrefix } from '../../base/net/prefix.ts';
import { nodeKind } from '../../kube/kinds/node.ts';
import type { Node } from '../../kube/objects/core.ts';
import type { Write } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';
import { createEvent, update } from './writes.ts';

const shareLength = { 4: 24, 6: 64 } as const;

/** Never wider than the range itself. */
const lengthOf = (range: Prefix): number => Math.max(range.length, shareLength[range.family]);

export function createNodeRanges(podCIDRs: readonly string[]): Controller {
  const ranges = podCIDRs.map(prefixOf);
  return {
    name: 'node-ranges',
    reads: [nodeKind],
    decide(seen, now) {
      const nodes = seen.list(nodeKind);
      const waiting = nodes.filter((node) => sharesOf(node).length === 0).toSorted(byArrival);
      if (waiting.length === 0) return [];
      const taken = nodes.flatMap(sharesOf);
      return waiting.flatMap((node) => giveShares(node, { ranges, taken }, now));
    },
  };
}

const byArrival = (a: Node, b: Node): number =>
  (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? '') ||
  Number(a.metadata.resourceVersion ?? 0) - Number(b.metadata.resourceVersion ?? 0);

const sharesOf = ({ spec }: Node): Prefix[] => (spec?.podCIDRs ?? []).flatMap((cidr) => parsePrefix(cidr) ?? []);

/** All families or none: a node with half a network would take pods. */
function giveShares(node: Node, { ranges, taken }: { ranges: readonly Prefix[]; taken: Prefix[] }, now: Date): Write[] {
  const shares = ranges.map((range) => freeShare(range, taken));
  if (shares.length === 0) return [];
  if (shares.includes(undefined)) {
    const message = `Node ${node.metadata.name} status is now: CIDRNotAvailable`;
    return [createEvent({ about: node, reason: 'CIDRNotAvailable', message, component: 'cidrAllocator' }, now)];
  }
  taken.push(...(shares as Prefix[]));
  const podCIDRs = (shares as Prefix[]).map(printPrefix);
  return [update({ ...node, spec: { ...node.spec, podCIDR: podCIDRs[0], podCIDRs } } as Node)];
}

function freeShare(range: Prefix, taken: readonly Prefix[]): Prefix | undefined {
  const length = lengthOf(range);
  const count = Math.min(2 ** (length - range.length), 2 ** Math.min(bitsOf(range.family), 24));
  const inside = taken.filter((other) => overlaps(range, other));
  // At most as many shares are taken as there are prefixes, unless a foreign one is wider than a share.
  for (let n = 0; n < count; n++) {
    const share = nthSubprefix(range, length, n);
    if (!inside.some((other) => overlaps(share, other))) return share;
  }
  return undefined;
}
