// The chains that exist once, and the hooks that lead to them. A table of contents of the whole in packet order:
//
//   nat PREROUTING, OUTPUT   KUBE-SERVICES ─▶ … ─▶ KUBE-NODEPORTS                 translate
//   filter, new connections  KUBE-PROXY-FIREWALL ─▶ KUBE-SERVICES ─▶ KUBE-EXTERNAL-SERVICES
//                                                                  refuse and drop what was not translated
//   filter FORWARD           KUBE-POLICY ─▶ KUBE-POD-EGRESS, KUBE-POD-INGRESS     NetworkPolicy
//                            KUBE-FORWARD                                         a foreign FORWARD policy may be DROP
//   nat POSTROUTING          KUBE-POSTROUTING, KUBE-OUTBOUND                      masquerade
//
// nat can neither refuse nor drop; that is why half of the Services' rules stand in filter.
import { type AddressRange, mergeRanges, printRange, rangeOf } from '../../../base/net/address-ranges.ts';
import type { Family } from '../../../kube/objects/meta.ts';
import type { NodeView, Ranges } from '../../../model/network-model.ts';
import type { FixedChain } from '../../iptables/chain-names.ts';
import type { Hook, HookRule, IptablesChain, IptablesMatch, IptablesRule, TableName, Target } from '../../iptables/rules.ts';

/** kube-proxy's bit 14: this connection gets the node's address (KPX-15). */
const MASQUERADE_BIT = 0x4000;

const jump = (chain: FixedChain): Target => ({ do: 'jump', chain });
const rule = (when: readonly IptablesMatch[], then: Target, comment?: string): IptablesRule => ({ when, then, ...(comment === undefined ? {} : { comment }) });

const hook = (at: Hook, chain: FixedChain, comment: string, when: readonly IptablesMatch[] = []): HookRule => ({ hook: at, rule: rule(when, jump(chain), comment) });
const isNew: IptablesMatch[] = [{ match: 'ct state', states: ['NEW'] }];

/** Arriving or passing packets meet the source ranges; those of the node's own processes never (PROXY-39). */
export const hooks: Readonly<Record<TableName, readonly HookRule[]>> = {
  filter: [
    hook('INPUT', 'KUBE-PROXY-FIREWALL', 'kubernetes load balancer firewall', isNew),
    hook('INPUT', 'KUBE-NODEPORTS', 'kubernetes health check service ports'),
    hook('INPUT', 'KUBE-EXTERNAL-SERVICES', 'kubernetes externally-visible service portals', isNew),
    hook('FORWARD', 'KUBE-PROXY-FIREWALL', 'kubernetes load balancer firewall', isNew),
    hook('FORWARD', 'KUBE-SERVICES', 'kubernetes service portals', isNew),
    hook('FORWARD', 'KUBE-EXTERNAL-SERVICES', 'kubernetes externally-visible service portals', isNew),
    hook('FORWARD', 'KUBE-POLICY', 'kubernetes network policies'),
    hook('FORWARD', 'KUBE-FORWARD', 'kubernetes forwarding rules'),
    hook('OUTPUT', 'KUBE-SERVICES', 'kubernetes service portals', isNew),
    hook('OUTPUT', 'KUBE-EXTERNAL-SERVICES', 'kubernetes externally-visible service portals', isNew),
  ],
  nat: [
    hook('PREROUTING', 'KUBE-SERVICES', 'kubernetes service portals'),
    hook('OUTPUT', 'KUBE-SERVICES', 'kubernetes service portals'),
    hook('POSTROUTING', 'KUBE-POSTROUTING', 'kubernetes postrouting rules'),
    hook('POSTROUTING', 'KUBE-OUTBOUND', 'kubernetes pods leaving the cluster'),
  ],
};

export interface AddressSpaces {
  readonly pods: readonly string[];
  /** Pods whose address endpoints see. */
  readonly kept: readonly string[];
  /** Pods whose own address leads nowhere outside `inside`; none where another program sees to that. */
  readonly hidden: readonly string[];
  readonly inside: readonly string[];
  readonly services: readonly string[];
  /** LoadBalancer addresses that are this machine's own only for Services. */
  readonly announced: readonly string[];
  readonly nodePorts: readonly string[];
}

const everything = { 4: '0.0.0.0/0', 6: '::/0' } as const;
const loopback = { 4: '127.0.0.0/8', 6: '::1' } as const;

export function addressSpaces(family: Family, self: NodeView, ranges: Ranges): AddressSpaces {
  const of = (...texts: readonly (readonly string[])[]): AddressRange[] => mergeRanges(texts.flat().map(rangeOf).filter((range) => range.family === family));
  const print = (list: readonly AddressRange[]): string[] => list.map(printRange);
  const pods = of(ranges.podCIDRs, self.podCIDRs, ...self.peers.map(({ podCIDRs }) => podCIDRs));
  const announced = of(self.announces.filter((address) => !self.ips.includes(address)));
  const wished = of(ranges.nodePortAddresses.length > 0 ? ranges.nodePortAddresses : [everything[family]]);
  const { keepsSourceOf } = ranges;
  const inside = [pods, of(self.ips, ...self.peers.map(({ ips }) => ips)), of(ranges.serviceCIDRs)].flat();
  return {
    pods: print(pods),
    kept: keepsSourceOf === 'nobody' ? [] : print(keepsSourceOf === 'cluster pods' ? pods : of(self.podCIDRs)),
    hidden: ranges.keepsPodSources ? [] : print(of(self.podCIDRs)),
    inside: print(mergeRanges(inside)),
    services: print(of(ranges.serviceCIDRs)),
    announced: print(announced),
    // Loopback and announced addresses are sorted out by rules of their own, which are easier to read than what is left of 0/0.
    nodePorts: print(wished),
  };
}

const from = (range: string): IptablesMatch => ({ match: 'source', range });
const to = (range: string): IptablesMatch => ({ match: 'destination', range });

/** Node ports answer on these, as far as they are the machine's own; on loopback never (PROXY-41), nor on announced ones. */
function towardsNodePorts(family: Family, { announced, nodePorts }: AddressSpaces, chain: FixedChain): IptablesRule[] {
  const everywhere = nodePorts.length === 1 && nodePorts[0] === everything[family];
  const here = (range: string): IptablesMatch[] => [...(everywhere ? [] : [to(range)]), { match: 'local destination' }];
  return [
    ...[loopback[family], ...announced].map((range) => rule([to(range)], { do: 'return' })),
    ...nodePorts.map((range) => rule(here(range), jump(chain), 'kubernetes service nodeports')),
  ];
}

const translated: IptablesRule = rule([{ match: 'ct state', states: ['DNAT'] }], { do: 'return' }, 'already on the way to an endpoint');

/** What stands after the Services' own lines, by chain. */
export const lastRules = {
  /** nat KUBE-SERVICES */
  nat: (family: Family, spaces: AddressSpaces) => towardsNodePorts(family, spaces, 'KUBE-NODEPORTS'),
  /** filter KUBE-SERVICES: what is still on the way to a cluster IP */
  services: ({ services }: AddressSpaces) => services.map((range) => rule([to(range)], jump('KUBE-CLUSTER-IPS'), 'untranslated')),
  external: (family: Family, spaces: AddressSpaces) => [
    ...spaces.announced.map((range) => rule([to(range)], jump('KUBE-REFUSE'), 'no such port')),
    ...towardsNodePorts(family, spaces, 'KUBE-CLOSED-NODEPORTS'),
  ],
  clusterIPs: [rule([], { do: 'drop' }, 'no Service has this address')],
} as const;

/** Before the Services' own lines in filter KUBE-PROXY-FIREWALL, KUBE-SERVICES and KUBE-EXTERNAL-SERVICES. */
export const firstRules: readonly IptablesRule[] = [translated];

/** A cluster IP refuses ports it does not have (PROXY-74). */
export const clusterIpRule = (address: string, family: Family): IptablesRule => rule([to(`${address}/${family === 4 ? 32 : 128}`)], jump('KUBE-REFUSE'), 'no such port');

const marked: IptablesMatch = { match: 'mark', bit: MASQUERADE_BIT };
const state = (...states: ('RELATED' | 'ESTABLISHED' | 'INVALID')[]): IptablesMatch => ({ match: 'ct state', states });

const forward: readonly IptablesRule[] = [
  rule([state('INVALID')], { do: 'drop' }),
  rule([marked], { do: 'accept' }, 'kubernetes forwarding rules'),
  rule([state('RELATED', 'ESTABLISHED')], { do: 'accept' }, 'kubernetes forwarding conntrack rule'),
];

/** Connections that were allowed stay allowed (NP-42); policies speak of three protocols, all others pass (NPT-66). */
const policy: readonly IptablesRule[] = [
  rule([state('RELATED', 'ESTABLISHED')], { do: 'return' }),
  rule([state('INVALID')], { do: 'drop' }),
  ...(['KUBE-POD-EGRESS', 'KUBE-POD-INGRESS'] as const).flatMap((chain) => ['tcp', 'udp', 'sctp'].map((protocol) => rule([{ match: 'protocol', protocol }], jump(chain)))),
];

export const refuse: IptablesChain = {
  name: 'KUBE-REFUSE',
  rules: [rule([{ match: 'protocol', protocol: 'tcp' }], { do: 'reject', with: 'tcp-reset' }), rule([], { do: 'reject', with: 'port-unreachable' })],
};

/** Chains that no Service and no policy adds to. The rules of masquerade are those of model/services/masquerade.ts. */
export const fixedRules: Readonly<Record<TableName, (spaces: AddressSpaces) => Partial<Record<FixedChain, readonly IptablesRule[]>>>> = {
  filter: () => ({ 'KUBE-PROXY-CANARY': [], 'KUBE-POLICY': policy, 'KUBE-FORWARD': forward }),
  nat: ({ kept, hidden, inside }) => ({
    'KUBE-PROXY-CANARY': [],
    'KUBE-MARK-MASQ': [rule([], { do: 'set mark', bit: MASQUERADE_BIT })],
    'KUBE-MARK-FOREIGN': [
      ...kept.map((range) => rule([from(range)], { do: 'return' }, 'pods of this node')),
      rule([{ match: 'local source' }], { do: 'return' }, 'this node'),
      rule([], jump('KUBE-MARK-MASQ')),
    ],
    'KUBE-POSTROUTING': [
      rule([{ ...marked, negate: true }], { do: 'return' }),
      rule([], { do: 'flip mark', bit: MASQUERADE_BIT }),
      rule([], { do: 'masquerade' }, 'kubernetes service traffic requiring SNAT'),
    ],
    'KUBE-LEAVING': [...inside.map((range) => rule([to(range)], { do: 'return' })), rule([], { do: 'masquerade' }, 'pods are not known outside')],
    'KUBE-OUTBOUND': hidden.map((range) => rule([from(range)], jump('KUBE-LEAVING'))),
  }),
};
