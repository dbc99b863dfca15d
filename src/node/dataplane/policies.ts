// One PodPolicy → the two chains of the pod; one list of peers → the sets that all pods under the same rule share.
// The hooks' chains send a packet to its pod's chain by address; what that chain does not permit is logged and dropped.
import { type AddressRange, mergeRanges, printRange, rangeOf, subtractRanges } from '../../base/net/address-ranges.ts';
import { familyOf } from '../../base/net/address.ts';
import { memoByIdentity } from '../../base/data/memo.ts';
import type { Family } from '../../kube/objects/meta.ts';
import { printRef, type IpBlock, type Permit, type PodPolicy, type PortRange } from '../../model/network-model.ts';
import { nftName } from '../nft/print.ts';
import { type Chain, type Element, type ElementGroup, type Field, type Match, type NftSet, printKey, type Rule } from '../nft/ruleset.ts';
import { addressing } from './fronts.ts';
import { baseChain } from './hooks.ts';
import { canonicalAddress } from './fronts.ts';

export type Direction = 'ingress' | 'egress';
/** NFLOG group on which every denial is reported; its prefix says direction, pod and cause. */
export const DENIED_GROUP = 5;

const { sourceOf, destinationOf, addressType } = addressing;
const families = [4, 6] as const;

const peerField = (direction: Direction, family: Family): Field =>
  direction === 'ingress' ? sourceOf(family) : destinationOf(family);
const podField = (direction: Direction, family: Family): Field =>
  direction === 'ingress' ? destinationOf(family) : sourceOf(family);

export const podMap = (direction: Direction, family: Family): Omit<NftSet, 'elements'> => ({
  name: `pod-${direction}${family}`,
  type: 'vmap',
  key: [addressType(family)],
});

/** Policies speak of three protocols; all others pass, isolated or not, as in model/policies/find-permit.ts (NPT-66). */
const notTheirs: Rule = {
  when: ['tcp', 'udp', 'sctp'].map((value): Match => ({ match: 'field', field: 'meta l4proto', op: '!=', value })),
  then: { do: 'accept' },
};

/** Connections that were allowed stay allowed (NP-42); what belongs to none has no business here. */
export const policyHooks: readonly Chain[] = (['egress', 'ingress'] as const).map((direction) =>
  baseChain(direction, [
    { when: [{ match: 'ct state', states: ['established', 'related'] }], then: { do: 'accept' } },
    { when: [{ match: 'ct state', states: ['invalid'] }], then: { do: 'drop' } },
    notTheirs,
    ...families.map(
      (family): Rule => ({
        when: [],
        then: { do: 'vmap', fields: [podField(direction, family)], map: podMap(direction, family).name },
      }),
    ),
  ]),
);

/** Single addresses make a plain set, whose changes are single elements; blocks make an interval set. */
export interface PeerSets {
  readonly hosts: Readonly<Record<Family, ElementGroup>>;
  readonly blocks: Readonly<Record<Family, ElementGroup>>;
}

const hostOf = ({ cidr, except }: IpBlock): string | undefined =>
  !except?.length && cidr.endsWith(cidr.includes(':') ? '/128' : '/32') ? cidr.slice(0, cidr.indexOf('/')) : undefined;

const asGroup = (addresses: readonly string[]): ElementGroup =>
  new Map(addresses.map((address): [string, Element] => [address, { key: [address] }]));

/** Blocks without their exceptions, disjoint: the kernel refuses overlaps, and one peer's exception is no other's. */
function disjoint(blocks: readonly IpBlock[], family: Family): string[] {
  const ranges = blocks.flatMap((block): AddressRange[] => subtractRanges(rangeOf(block.cidr), (block.except ?? []).map(rangeOf)));
  return mergeRanges(ranges.filter((range) => range.family === family)).map(printRange);
}

export const peerSetsOf = memoByIdentity((peers: readonly IpBlock[]): PeerSets => {
  const hosts = new Set<string>();
  const blocks: IpBlock[] = [];
  for (const peer of peers) {
    const host = hostOf(peer);
    if (host === undefined) blocks.push(peer);
    else hosts.add(canonicalAddress(host));
  }
  const of = (family: Family) => asGroup([...hosts].filter((host) => familyOf(host) === family));
  return {
    hosts: { 4: of(4), 6: of(6) },
    blocks: { 4: asGroup(disjoint(blocks, 4)), 6: asGroup(disjoint(blocks, 6)) },
  };
});

export interface RenderedPolicy {
  readonly chains: readonly Chain[];
  /** Peers and named ports; several pods under one policy ask for the same ones. */
  readonly sets: readonly NftSet[];
  /** Entries of the pod maps, by map name. */
  readonly entries: readonly { readonly map: string; readonly element: Element }[];
}

interface Draft {
  readonly policy: PodPolicy;
  /** Ends the names of its sets, so that no other pod shares them. */
  readonly suffix: string;
  readonly direction: Direction;
  readonly sets: Map<string, NftSet>;
}

const setOf = (shape: Omit<NftSet, 'elements'>, group: ElementGroup): NftSet => ({ ...shape, elements: new Map([['', group]]) });

function useSet(draft: Draft, shape: Omit<NftSet, 'elements'>, group: ElementGroup): void {
  draft.sets.set(shape.name, setOf(shape, group));
}

/** One way each to be a peer: a list of conditions per family and kind of block. 'anyone' needs no condition. */
function peerMatches(draft: Draft, permit: Permit, name: string): { family?: Family; when: Match[] }[] {
  if (permit.peers === 'anyone') return [{ when: [] }];
  const groups = peerSetsOf(permit.peers);
  return families.flatMap((family) =>
    (['hosts', 'blocks'] as const).flatMap((kind) => {
      const group = groups[kind][family];
      if (group.size === 0) return [];
      const shape = { name: nftName(`${name}/${kind}${family}`), type: 'set' as const, key: [addressType(family)], interval: kind === 'blocks' };
      useSet(draft, shape, group);
      return [{ family, when: [{ match: 'in set' as const, fields: [peerField(draft.direction, family)], set: shape.name }] }];
    }),
  );
}

function plainPort({ protocol, first, last }: PortRange): Match[] {
  const isProtocol: Match = { match: 'field', field: 'meta l4proto', op: '==', value: protocol.toLowerCase() };
  if (first === undefined) return [isProtocol];
  const value = last === undefined || last === first ? first : `${first}-${last}`;
  return [isProtocol, { match: 'field', field: 'th dport', op: '==', value }];
}

/** A named port holds for one address each (NPT-24): many of them go into one set of address, protocol and port. */
function namedPorts(draft: Draft, ports: readonly PortRange[], name: string): { family: Family; when: Match[] }[] {
  return families.flatMap((family) => {
    const group = new Map<string, Element>();
    for (const { onlyFor, protocol, first } of ports) {
      if (onlyFor === undefined || first === undefined || familyOf(onlyFor) !== family) continue;
      const key = [canonicalAddress(onlyFor), protocol.toLowerCase(), first];
      group.set(printKey(key), { key });
    }
    if (group.size === 0) return [];
    const shape = { name: nftName(`${name}/named${family}`), type: 'set' as const, key: [addressType(family), 'inet_proto' as const, 'inet_service' as const] };
    useSet(draft, shape, group);
    return [{ family, when: [{ match: 'in set' as const, fields: [destinationOf(family), 'meta l4proto', 'th dport'], set: shape.name }] }];
  });
}

/** The named ports of an ingress rule differ from pod to pod, so their set is the pod's own. */
const namedSetName = ({ policy, direction }: Draft, name: string): string =>
  direction === 'ingress' ? `${name}/${policy.pod.namespace}/${policy.pod.name}` : name;

function permitRules(draft: Draft, permit: Permit, name: string): Rule[] {
  const ports: { family?: Family; when: Match[] }[] =
    permit.ports === 'any'
      ? [{ when: [] }]
      : [
          ...permit.ports.filter((port) => port.onlyFor === undefined).map((port) => ({ when: plainPort(port) })),
          ...namedPorts(draft, permit.ports, namedSetName(draft, name)),
        ];
  return peerMatches(draft, permit, name).flatMap((peer) =>
    ports
      .filter((port) => peer.family === undefined || port.family === undefined || peer.family === port.family)
      .map((port): Rule => ({ when: [...peer.when, ...port.when], then: { do: 'accept' }, origin: permit.origin })),
  );
}

/** Permits have no name of their own: they are counted within their policy, which is the same for all its pods. */
function namePermits(permits: readonly Permit[], { direction, suffix }: Draft): { permit: Permit; name: string }[] {
  const counts = new Map<string, number>();
  return permits.map((permit) => {
    const policy = `${permit.origin.namespace}/${permit.origin.name}`;
    const nth = counts.get(policy) ?? 0;
    counts.set(policy, nth + 1);
    return { permit, name: `peers/${policy}/${direction}-${nth}${suffix}` };
  });
}

function denial({ policy, direction }: Draft): Rule[] {
  const [cause, ...others] = policy.isolatedBy[direction];
  const because = cause ? ` ${printRef(cause)}${others.length > 0 ? ` +${others.length}` : ''}` : '';
  const prefix = `deny ${direction} ${policy.pod.namespace}/${policy.pod.name}${because}`;
  const origin = cause ? { origin: cause } : {};
  return [
    { when: [], then: { do: 'log', prefix, group: DENIED_GROUP }, ...origin },
    { when: [], then: { do: 'drop' }, ...origin },
  ];
}

/** A pod never forbids itself (NP-09); then the permits in order; then the end. */
function podChain(draft: Draft): Chain {
  const { policy, direction } = draft;
  const permits = policy[direction];
  const self = policy.ips.map((ip): Rule => ({
    when: [{ match: 'field', field: peerField(direction, familyOf(ip)), op: '==', value: canonicalAddress(ip) }],
    then: { do: 'accept' },
    origin: policy.pod,
  }));
  const allowed = permits === 'open' ? [] : namePermits(permits, draft).flatMap(({ permit, name }) => permitRules(draft, permit, name));
  return { name: chainName(policy, direction), rules: [...self, ...allowed, ...denial(draft)] };
}

const chainName = ({ pod }: PodPolicy, direction: Direction): string => nftName(`${direction}/${pod.namespace}/${pod.name}`);

/** Chains, sets and map entries of one isolated pod; its peer sets are its own, or to be shared by name. */
export const renderPolicy = memoByIdentity((policy: PodPolicy, own: boolean): RenderedPolicy => {
  const suffix = own ? `/${policy.pod.namespace}/${policy.pod.name}` : '';
  const sets = new Map<string, NftSet>();
  const isolated = (['egress', 'ingress'] as const).filter((direction) => policy[direction] !== 'open');
  const chains = isolated.map((direction) => podChain({ policy, suffix, direction, sets }));
  const entries = isolated.flatMap((direction) =>
    policy.ips.map((ip) => ({
      map: podMap(direction, familyOf(ip)).name,
      element: {
        key: [canonicalAddress(ip)],
        verdict: { do: 'goto' as const, chain: chainName(policy, direction) },
        origin: policy.pod,
      },
    })),
  );
  return { chains, sets: [...sets.values()], entries };
});
