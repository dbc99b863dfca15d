// One ServicePort → its chains, and its lines in the chains of all. Pure and remembered per ServicePort.
//
//   KUBE-SERVICES ──cluster IP──▶ KUBE-SVC ──1/n──▶ KUBE-SEP ──▶ DNAT      (internal policy Local: KUBE-SVL)
//        │ └──external address──▶ KUBE-EXT ─▶ KUBE-SVC, or KUBE-SVL for clients that a Local policy confines
//        │                           ▲
//        ├──source ranges──▶ KUBE-FW ┤          what KUBE-FW does not pass on stays untranslated and is dropped
//        └──▶ KUBE-NODEPORTS ────────┘          in the filter table, where refusals have to be, too
import { mergeRanges, printRange, rangeOf } from '../../../base/net/address-ranges.ts';
import { memoByIdentity } from '../../../base/data/memo.ts';
import type { Endpoint, ServicePort, VirtualAddress } from '../../../model/network-model.ts';
import { chainName } from '../../iptables/chain-names.ts';
import type { IptablesChain, IptablesMatch, IptablesRule, Target } from '../../iptables/rules.ts';
import { canonicalAddress } from '../fronts.ts';
import { mayBeHere } from '../services.ts';

/** What a Service's rules must know of the rest of the cluster; the same object as long as nothing of it changes. */
export interface Surroundings {
  /** Ranges of all pods, in the Service's family. */
  readonly pods: readonly string[];
  /** Many endpoints: their rules go without comments, which are half of their memory (PROXY-57). */
  readonly isTerse: boolean;
}

export interface ServiceRules {
  /** Of its own, in nat; each after those it jumps to. */
  readonly chains: readonly IptablesChain[];
  /** Lines in chains of all, by table and chain. */
  readonly lines: readonly { readonly to: SharedChain; readonly rule: IptablesRule }[];
  readonly clusterIPs: readonly string[];
}

export type SharedChain =
  | 'nat KUBE-SERVICES'
  | 'nat KUBE-NODEPORTS'
  | 'filter KUBE-SERVICES'
  | 'filter KUBE-EXTERNAL-SERVICES'
  | 'filter KUBE-CLOSED-NODEPORTS'
  | 'filter KUBE-PROXY-FIREWALL'
  | 'filter KUBE-NODEPORTS';

interface Draft {
  readonly service: ServicePort;
  readonly around: Surroundings;
  /** `default/web:http`, or `default/web` where the port has no name. */
  readonly title: string;
  /** What names are hashes of (PROXY-45). */
  readonly identity: string;
}

export const jump = (chain: string): Target => ({ do: 'jump', chain });
const always: readonly IptablesMatch[] = [];

function titleOf({ key }: ServicePort): string {
  const title = key.split('/').slice(0, 2).join('/');
  return title.replace(/:\d+$/, '');
}

const protocolOf = ({ service }: Draft): string => service.protocol.toLowerCase();
const toPort = (draft: Draft, port: number): IptablesMatch => ({ match: 'protocol', protocol: protocolOf(draft), ports: [port] });
export const hostRange = (address: string): string => `${canonicalAddress(address)}/${address.includes(':') ? 128 : 32}`;

function whenSentTo(draft: Draft, { address, port }: VirtualAddress): IptablesMatch[] {
  const there: IptablesMatch[] = address === undefined ? [] : [{ match: 'destination', range: hostRange(address) }];
  return [...there, toPort(draft, port)];
}

const print = ({ address, port }: Endpoint): string => (address.includes(':') ? `[${canonicalAddress(address)}]:${port}` : `${address}:${port}`);
const endpointChain = ({ identity }: Draft, endpoint: Endpoint): string => chainName('SEP', identity + print(endpoint));

/** A pod that reaches itself must see another source than itself (KPX-14). */
function endpointRules(draft: Draft, endpoint: Endpoint): IptablesChain {
  const name = endpointChain(draft, endpoint);
  const comment = draft.around.isTerse ? {} : { comment: draft.title };
  const origin = endpoint.origin;
  const remember: IptablesMatch[] = draft.service.stickySeconds ? [{ match: 'remember', list: name }] : [];
  const translate: IptablesRule = {
    when: [{ match: 'protocol', protocol: protocolOf(draft) }, ...remember],
    then: { do: 'dnat', address: canonicalAddress(endpoint.address), port: endpoint.port },
    ...comment,
    origin,
  };
  const hairpin: IptablesRule = { when: [{ match: 'source', range: hostRange(endpoint.address) }], then: jump('KUBE-MARK-MASQ'), ...comment, origin };
  return { name, rules: mayBeHere(endpoint) ? [hairpin, translate] : [translate] };
}

/** Clients that are remembered first; then each endpoint takes its share of what the ones before it left (PROXY-46). */
function choiceRules(draft: Draft, endpoints: readonly Endpoint[]): IptablesRule[] {
  const { stickySeconds } = draft.service;
  const rule = (endpoint: Endpoint, when: readonly IptablesMatch[]): IptablesRule => ({
    when,
    then: jump(endpointChain(draft, endpoint)),
    ...(draft.around.isTerse ? {} : { comment: `${draft.title} -> ${print(endpoint)}` }),
    origin: endpoint.origin,
  });
  const remembered = !stickySeconds ? [] : endpoints.map((endpoint) => rule(endpoint, [{ match: 'remembered', list: endpointChain(draft, endpoint), seconds: stickySeconds }]));
  const chosen = endpoints.map((endpoint, i) => rule(endpoint, i === endpoints.length - 1 ? always : [{ match: 'chance', of: 1 / (endpoints.length - i) }]));
  return [...remembered, ...chosen];
}

/** Clients that are not of this node are masqueraded: model/services/masquerade.ts, rule 2. */
const markForeign = (when: readonly IptablesMatch[], comment: string): IptablesRule => ({ when, then: jump('KUBE-MARK-FOREIGN'), comment });

/** Pods and the node itself keep the whole cluster's endpoints (KPX-36); everybody else is confined to this node. */
function confinedRules({ title, around: { pods }, identity, service }: Draft): IptablesRule[] {
  const all = jump(chainName('SVC', identity));
  const fromPods = pods.flatMap((range): IptablesRule[] => [
    markForeign([{ match: 'source', range }], `pod traffic for ${title} external destinations`),
    { when: [{ match: 'source', range }], then: all, comment: `pod traffic for ${title} external destinations` },
  ]);
  const own: IptablesRule = { when: [{ match: 'local source' }], then: all, comment: `route LOCAL traffic for ${title} external destinations` };
  const local: IptablesRule[] = service.localEndpoints?.length ? [{ when: always, then: jump(chainName('SVL', identity)) }] : [];
  return [...fromPods, own, ...local];
}

const isExternal = ({ type }: VirtualAddress): boolean => type !== 'clusterIP';
const isGuarded = ({ allowedSources }: ServicePort, { type }: VirtualAddress): boolean => type === 'loadBalancer' && allowedSources !== undefined;

function externalRules(draft: Draft, localOnly: boolean): IptablesRule[] {
  if (localOnly) return confinedRules(draft);
  const comment = `masquerade traffic for ${draft.title} external destinations`;
  return [markForeign(always, comment), { when: always, then: jump(chainName('SVC', draft.identity)) }];
}

/** Of the Service's family; sources of the other one are nobody here. */
const allowedRanges = ({ allowedSources = [], family }: ServicePort): string[] =>
  mergeRanges(allowedSources.map(rangeOf).filter((range) => range.family === family)).map(printRange);

/** The node may always reach the addresses it carries (PROXY-39). */
function firewallRules({ service, identity, title }: Draft): IptablesRule[] {
  const pass = { then: jump(chainName('EXT', identity)), comment: `${title} loadbalancer IP` };
  return [...allowedRanges(service).map((range): IptablesRule => ({ when: [{ match: 'source', range }], ...pass })), { when: [{ match: 'local source' }], ...pass }];
}

/** A cluster IP without usable endpoints is not here: the filter table speaks for it. */
function clusterEntry(draft: Draft): VirtualAddress | undefined {
  const { virtual, localEndpoints } = draft.service;
  return virtual.find((each) => !isExternal(each) && (!each.localOnly || (localEndpoints?.length ?? 0) > 0));
}

/** SVC or SVL with the endpoints that serve there; none where nobody is sent there. */
function choiceChain(draft: Draft, kind: 'SVC' | 'SVL', endpoints: readonly Endpoint[]): IptablesChain[] {
  const isLocal = kind === 'SVL';
  const cluster = clusterEntry(draft);
  const isEntered = cluster?.localOnly === isLocal;
  const isLedTo = draft.service.virtual.some((each) => isExternal(each) && (!isLocal || each.localOnly));
  if (endpoints.length === 0 || (!isEntered && !isLedTo)) return [];
  const mark = isEntered ? [markForeign(whenSentTo(draft, cluster), `${draft.title} cluster IP`)] : [];
  return [...endpoints.map((endpoint) => endpointRules(draft, endpoint)), { name: chainName(kind, draft.identity), rules: [...mark, ...choiceRules(draft, endpoints)] }];
}

function externalChains(draft: Draft): IptablesChain[] {
  const { service, identity } = draft;
  const external = service.virtual.filter(isExternal);
  if (external.length === 0) return [];
  const entrance = { name: chainName('EXT', identity), rules: externalRules(draft, external.some(({ localOnly }) => localOnly)) };
  return external.some((each) => isGuarded(service, each)) ? [entrance, { name: chainName('FW', identity), rules: firewallRules(draft) }] : [entrance];
}

/** An endpoint may serve in both SVC and SVL: its chain is the same. */
function chainsOf(draft: Draft): IptablesChain[] {
  const { endpoints, localEndpoints = [] } = draft.service;
  const chains = [...choiceChain(draft, 'SVC', endpoints), ...choiceChain(draft, 'SVL', localEndpoints), ...externalChains(draft)];
  return [...new Map(chains.map((chain) => [chain.name, chain])).values()];
}

const entryWords = { clusterIP: 'cluster IP', externalIP: 'external IP', loadBalancer: 'loadbalancer IP', nodePort: 'node port', hostPort: 'host port' } as const;

/** Where a connection to this address goes on, in nat. */
function entry(draft: Draft, virtual: VirtualAddress): ServiceRules['lines'][number][] {
  const { service, identity, title } = draft;
  if (!isExternal(virtual) && clusterEntry(draft) !== virtual) return [];
  const kind = isExternal(virtual) ? (isGuarded(service, virtual) ? 'FW' : 'EXT') : virtual.localOnly ? 'SVL' : 'SVC';
  const to = virtual.type === 'nodePort' ? 'nat KUBE-NODEPORTS' : 'nat KUBE-SERVICES';
  const comment = virtual.type === 'nodePort' ? title : `${title} ${entryWords[virtual.type]}`;
  return [{ to, rule: { when: whenSentTo(draft, virtual), then: jump(chainName(kind, identity)), comment, origin: service.origin } }];
}

/** A host port is never closed: without its pod it is not there. */
const closedAt = { hostPort: 'filter KUBE-EXTERNAL-SERVICES', clusterIP: 'filter KUBE-SERVICES', nodePort: 'filter KUBE-CLOSED-NODEPORTS', externalIP: 'filter KUBE-EXTERNAL-SERVICES', loadBalancer: 'filter KUBE-EXTERNAL-SERVICES' } as const;

/** No endpoint anywhere: refused. None on this node, but a Local policy: dropped (PROXY-25). nat cannot say either. */
function closed(draft: Draft, virtual: VirtualAddress): ServiceRules['lines'][number][] {
  const { service, title } = draft;
  const when = whenSentTo(draft, virtual);
  const origin = service.origin;
  const say = (then: Target, comment: string) => [{ to: closedAt[virtual.type], rule: { when, then, comment: `${title} ${comment}`, origin } }];
  if (service.endpoints.length === 0) return say({ do: 'reject', with: service.protocol === 'TCP' ? 'tcp-reset' : 'port-unreachable' }, 'has no endpoints');
  if (virtual.localOnly && !service.localEndpoints?.length) return say({ do: 'drop' }, 'has no local endpoints');
  return [];
}

/** Whoever is still on the way to the address itself was not let through; without endpoints nobody is translated. */
function firewall(draft: Draft, virtual: VirtualAddress): ServiceRules['lines'][number][] {
  const { service, title } = draft;
  if (!isGuarded(service, virtual)) return [];
  const when = whenSentTo(draft, virtual);
  const to = 'filter KUBE-PROXY-FIREWALL' as const;
  const passed = service.endpoints.length > 0 ? [] : allowedRanges(service);
  return [
    ...passed.map((range) => ({ to, rule: { when: [{ match: 'source' as const, range }, ...when], then: { do: 'return' as const }, comment: `${title} loadbalancer IP` } })),
    { to, rule: { when, then: { do: 'drop' }, comment: `${title} traffic not accepted by ${chainName('FW', draft.identity)}`, origin: service.origin } },
  ];
}

function healthCheck({ service: { healthCheckNodePort: port, origin }, title }: Draft): ServiceRules['lines'][number][] {
  if (port === undefined) return [];
  const rule: IptablesRule = { when: [{ match: 'protocol', protocol: 'tcp', ports: [port] }], then: { do: 'accept' }, comment: `${title} health check node port`, origin };
  return [{ to: 'filter KUBE-NODEPORTS', rule }];
}

export const renderServiceRules = memoByIdentity((service: ServicePort, around: Surroundings): ServiceRules => {
  const title = titleOf(service);
  const draft: Draft = { service, around, title, identity: title + service.protocol.toLowerCase() };
  const hasEndpoints = service.endpoints.length > 0;
  return {
    chains: hasEndpoints ? chainsOf(draft) : [],
    lines: [
      ...service.virtual.flatMap((virtual) => [...(hasEndpoints ? entry(draft, virtual) : []), ...closed(draft, virtual), ...firewall(draft, virtual)]),
      ...healthCheck(draft),
    ],
    clusterIPs: service.virtual.flatMap(({ type, address }) => (type === 'clusterIP' && address !== undefined ? [canonicalAddress(address)] : [])),
  };
});
