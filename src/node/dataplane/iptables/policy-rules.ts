// One isolated pod → its chains in the filter table, a line per way to be permitted, and the denial at the end.
// Peers are plain rules, neighbouring addresses joined to ranges: no ipset is needed, and none is used.
import { type AddressRange, mergeRanges, printRange, rangeOf, subtractRanges } from '../../../base/net/address-ranges.ts';
import { memoByIdentity } from '../../../base/data/memo.ts';
import { familyOf } from '../../../base/net/address.ts';
import { inRanges } from '../../../base/net/prefix-list.ts';
import type { Family } from '../../../kube/objects/meta.ts';
import { type IpBlock, type Permit, type PodPolicy, type PortRange, printRef } from '../../../model/network-model.ts';
import { chainName } from '../../iptables/chain-names.ts';
import type { IptablesChain, IptablesMatch, IptablesRule } from '../../iptables/rules.ts';
import { DENIED_GROUP, type Direction } from '../policies.ts';
import { canonicalAddress } from '../fronts.ts';

export interface PolicyRules {
  readonly chains: readonly IptablesChain[];
  /** Lines of KUBE-POD-EGRESS and KUBE-POD-INGRESS. */
  readonly entries: Readonly<Record<Direction, readonly IptablesRule[]>>;
}

const kinds = { egress: 'EGR', ingress: 'ING' } as const;
const peerSide = { egress: 'destination', ingress: 'source' } as const;
const podSide = { egress: 'source', ingress: 'destination' } as const;

/** Blocks without their exceptions; one peer's exception is no other's. */
const peersOf = memoByIdentity((peers: readonly IpBlock[], family: Family): string[] => {
  const ranges = peers.flatMap(({ cidr, except = [] }): AddressRange[] => subtractRanges(rangeOf(cidr), except.map(rangeOf)));
  return mergeRanges(ranges.filter((range) => range.family === family)).map(printRange);
});

/** iptables takes so many slots in one rule; a range takes two. */
const SLOTS = 15;

function groupPorts(ports: readonly PortRange[]): IptablesMatch[] {
  const groups: IptablesMatch[] = [];
  for (const [protocol, ofProtocol] of Map.groupBy(ports, (port) => port.protocol.toLowerCase())) {
    if (ofProtocol.some(({ first }) => first === undefined)) {
      groups.push({ match: 'protocol', protocol });
      continue;
    }
    const texts = [...new Set(ofProtocol.map(({ first, last }) => (last === undefined || last === first ? `${first}` : `${first}:${last}`)))];
    // Two slots for each, whether it needs them or not: simple, and seldom more than one rule.
    const perRule = Math.floor(SLOTS / 2);
    for (let at = 0; at < texts.length; at += perRule) groups.push({ match: 'protocol', protocol, ports: texts.slice(at, at + perRule) });
  }
  return groups;
}

interface Side {
  readonly direction: Direction;
  readonly family: Family;
}

/** A named port holds for one destination each (NPT-24). In egress that is the peer itself. */
function namedPorts({ peers }: Permit, ports: readonly PortRange[], { direction, family }: Side): IptablesMatch[][] {
  return ports.flatMap(({ onlyFor, protocol, first }): IptablesMatch[][] => {
    if (onlyFor === undefined || first === undefined || familyOf(onlyFor) !== family) return [];
    const there: IptablesMatch[] = [
      { match: 'destination', range: canonicalAddress(onlyFor) },
      { match: 'protocol', protocol: protocol.toLowerCase(), ports: [first] },
    ];
    if (direction === 'ingress') return peerMatches(peers, { direction, family }).map((peer) => [...peer, ...there]);
    const isPeer = peers === 'anyone' || peers.some((block) => inRanges(onlyFor, [block.cidr]) && !inRanges(onlyFor, block.except ?? []));
    return isPeer ? [there] : [];
  });
}

const peerMatches = (peers: Permit['peers'], { direction, family }: Side): IptablesMatch[][] =>
  peers === 'anyone' ? [[]] : peersOf(peers, family).map((range) => [{ match: peerSide[direction], range }]);

function permitRules(permit: Permit, side: Side): IptablesRule[] {
  const { origin, peers, ports } = permit;
  const plain: IptablesMatch[][] = ports === 'any' ? [[]] : groupPorts(ports.filter(({ onlyFor }) => onlyFor === undefined)).map((port) => [port]);
  const named = ports === 'any' ? [] : namedPorts(permit, ports, side);
  const ways = [...peerMatches(peers, side).flatMap((peer) => plain.map((port) => [...peer, ...port])), ...named];
  return ways.map((when) => ({ when, then: { do: 'return' }, comment: `${origin.namespace}/${origin.name}`, origin }));
}

function denial({ pod, isolatedBy }: PodPolicy, direction: Direction): IptablesRule[] {
  const [cause, ...others] = isolatedBy[direction];
  const because = cause ? ` ${printRef(cause)}${others.length > 0 ? ` +${others.length}` : ''}` : '';
  const origin = cause ? { origin: cause } : {};
  return [
    { when: [], then: { do: 'log', group: DENIED_GROUP, prefix: `deny ${direction} ${pod.namespace}/${pod.name}${because}` }, ...origin },
    { when: [], then: { do: 'drop' }, ...origin },
  ];
}

const title = ({ pod }: PodPolicy): string => `${pod.namespace}/${pod.name}`;
const chainOf = (policy: PodPolicy, direction: Direction): string => chainName(kinds[direction], title(policy));

/** A pod never forbids itself (NP-09); then the permits in order; then the end. To return is to go on: the chain is entered by goto. */
function podChain(policy: PodPolicy, side: Side): IptablesChain {
  const permits = policy[side.direction];
  const self = ipsOf(policy, side.family).map((range): IptablesRule => ({ when: [{ match: peerSide[side.direction], range }], then: { do: 'return' }, comment: 'itself' }));
  const permitted = permits === 'open' ? [] : permits.flatMap((permit) => permitRules(permit, side));
  return { name: chainOf(policy, side.direction), rules: [...self, ...permitted, ...denial(policy, side.direction)] };
}

const ipsOf = ({ ips }: PodPolicy, family: Family): string[] => ips.filter((ip) => familyOf(ip) === family).map(canonicalAddress);

/** Of one family. Empty for a pod that has no address there. */
export const renderPolicyRules = memoByIdentity((policy: PodPolicy, family: Family): PolicyRules => {
  const ips = ipsOf(policy, family);
  const isolated = (['egress', 'ingress'] as const).filter((direction) => ips.length > 0 && policy[direction] !== 'open');
  const entries = (direction: Direction): IptablesRule[] =>
    !isolated.includes(direction)
      ? []
      : ips.map((range) => ({ when: [{ match: podSide[direction], range }], then: { do: 'goto', chain: chainOf(policy, direction) }, comment: title(policy), origin: policy.pod }));
  return { chains: isolated.map((direction) => podChain(policy, { direction, family })), entries: { egress: entries('egress'), ingress: entries('ingress') } };
});
