// The address spaces of the cluster as sets: who is a pod, who is one of ours, what must never leave untranslated.
import { type AddressRange, mergeRanges, printRange, rangeOf, subtractRanges } from '../../base/net/address-ranges.ts';
import type { Family } from '../../kube/objects/meta.ts';
import type { NodeView, Ranges } from '../../model/network-model.ts';
import type { Element, NftSet } from '../nft/ruleset.ts';
import { addressing } from './fronts.ts';

/** A set of disjoint blocks, one group: it changes as a whole and rarely. */
export function blockSet(name: string, family: Family, ranges: readonly AddressRange[]): NftSet {
  const blocks = mergeRanges(ranges.filter((range) => range.family === family)).map(printRange);
  const elements = new Map(blocks.map((block): [string, Element] => [block, { key: [block] }]));
  return { name, type: 'set', key: [addressing.addressType(family)], interval: true, elements: new Map([['', elements]]) };
}

const everything = { 4: '0.0.0.0/0', 6: '::/0' } as const;
const loopback = { 4: '127.0.0.0/8', 6: '::1' } as const;

/** Node ports answer on these, as far as they are the machine's own; on loopback never (PROXY-41), nor on announced ones. */
function nodePortRanges(family: Family, wished: readonly string[], announced: readonly AddressRange[]): AddressRange[] {
  const ranges = (wished.length > 0 ? wished : [everything[family]]).map(rangeOf).filter((range) => range.family === family);
  return ranges.flatMap((range) => subtractRanges(range, [rangeOf(loopback[family]), ...announced.filter((hole) => hole.family === family)]));
}

/** Whose address endpoints see. */
function keptSources({ keepsSourceOf }: Ranges, own: readonly AddressRange[], pods: readonly AddressRange[]): readonly AddressRange[] {
  if (keepsSourceOf === 'nobody') return [];
  return keepsSourceOf === 'cluster pods' ? pods : own;
}

export function rangeSets(self: NodeView, ranges: Ranges): NftSet[] {
  const own = self.podCIDRs.map(rangeOf);
  const pods = [...ranges.podCIDRs, ...self.peers.flatMap((peer) => peer.podCIDRs)].map(rangeOf).concat(own);
  const nodes = [...self.ips, ...self.peers.flatMap((peer) => peer.ips)].map(rangeOf);
  const services = ranges.serviceCIDRs.map(rangeOf);
  const announced = self.announces.filter((address) => !self.ips.includes(address)).map(rangeOf);
  return ([4, 6] as const).flatMap((family) => [
    blockSet(`own-pods${family}`, family, own),
    blockSet(`pods${family}`, family, pods),
    blockSet(`kept${family}`, family, keptSources(ranges, own, pods)),
    blockSet(`inside${family}`, family, ranges.keepsPodSources ? [rangeOf(everything[family])] : [...pods, ...nodes, ...services]),
    blockSet(`service-ranges${family}`, family, services),
    blockSet(`announced${family}`, family, announced),
    blockSet(`node-port-addresses${family}`, family, nodePortRanges(family, ranges.nodePortAddresses, announced)),
  ]);
}
