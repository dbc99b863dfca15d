// NetworkModel → iptables rules: the same meaning as render.ts gives to nftables, in the chains that people know from
// kube-proxy. The answer depends on the model alone; unchanged Services and pods keep their rules' identity.
import { memoLast, sameItems } from '../../../base/data/memo.ts';
import { familyOf } from '../../../base/net/address.ts';
import { prefixOf } from '../../../base/net/prefix.ts';
import type { Family } from '../../../kube/objects/meta.ts';
import type { NetworkModel, NodeView, Ranges, ServicePort } from '../../../model/network-model.ts';
import type { FixedChain } from '../../iptables/chain-names.ts';
import type { FamilyRules, IptablesChain, IptablesRule, IptablesRules, IptablesTable } from '../../iptables/rules.ts';
import { type AddressSpaces, addressSpaces, clusterIpRule, firstRules, fixedRules, hooks, lastRules, refuse } from './fixed-chains.ts';
import { renderHostPortRules } from './host-port-rules.ts';
import { renderPolicyRules } from './policy-rules.ts';
import { renderServiceRules, type SharedChain, type Surroundings } from './service-rules.ts';

/** From so many endpoints on their rules go without comments (PROXY-57). */
const MOST_COMMENTED = 1000;

const noTable: IptablesTable = { hooks: [], chains: new Map() };
const nothing: FamilyRules = { filter: noTable, nat: noTable };

type Lines = Map<SharedChain, IptablesRule[]>;

interface Served {
  readonly chains: readonly IptablesChain[];
  readonly lines: Lines;
  readonly clusterIPs: ReadonlySet<string>;
}

/** In the order of their keys: what the kernel holds must not depend on the way it came to be. */
const portsOf = (services: NetworkModel['services'], family: Family): ServicePort[] =>
  [...services.values()].filter((port) => port.family === family).sort((a, b) => (a.key < b.key ? -1 : 1));

function serve(ports: readonly ServicePort[], hostPorts: readonly ServicePort[], around: Surroundings): Served {
  const served = { chains: [] as IptablesChain[], lines: new Map() as Lines, clusterIPs: new Set<string>() };
  const rendered = [...ports.map((port) => renderServiceRules(port, around)), ...hostPorts.map((port) => renderHostPortRules(port))];
  for (const { chains, lines, clusterIPs } of rendered) {
    for (const chain of chains) served.chains.push(chain);
    for (const { to, rule } of lines) {
      const list = served.lines.get(to);
      if (list) list.push(rule);
      else served.lines.set(to, [rule]);
    }
    for (const address of clusterIPs) served.clusterIPs.add(address);
  }
  return served;
}

const byName = (...chains: (readonly IptablesChain[])[]): ReadonlyMap<string, IptablesChain> => new Map(chains.flat().map((chain) => [chain.name, chain]));
const chain = (name: FixedChain, ...rules: (readonly IptablesRule[] | undefined)[]): IptablesChain => ({ name, rules: rules.flatMap((list) => list ?? []) });
const fixed = (rules: Partial<Record<FixedChain, readonly IptablesRule[]>>): IptablesChain[] => Object.entries(rules).map(([name, list]) => ({ name, rules: list }));

function natOf(family: Family, spaces: AddressSpaces, { chains, lines }: Served): IptablesTable {
  const services = chain('KUBE-SERVICES', lines.get('nat KUBE-SERVICES'), lastRules.nat(family, spaces));
  return { hooks: hooks.nat, chains: byName(fixed(fixedRules.nat(spaces)), chains, [chain('KUBE-NODEPORTS', lines.get('nat KUBE-NODEPORTS')), services]) };
}

function filterOf(family: Family, spaces: AddressSpaces, { lines, clusterIPs }: Served, policies: NetworkModel['policies']): IptablesTable {
  const pods = [...policies.keys()].sort().map((key) => renderPolicyRules(policies.get(key)!, family));
  const refusing = [...clusterIPs].sort().map((address) => clusterIpRule(address, family));
  const entrances = [
    chain('KUBE-POD-EGRESS', ...pods.map(({ entries }) => entries.egress)),
    chain('KUBE-POD-INGRESS', ...pods.map(({ entries }) => entries.ingress)),
    chain('KUBE-CLUSTER-IPS', refusing, lastRules.clusterIPs),
    chain('KUBE-CLOSED-NODEPORTS', lines.get('filter KUBE-CLOSED-NODEPORTS')),
    chain('KUBE-PROXY-FIREWALL', firstRules, lines.get('filter KUBE-PROXY-FIREWALL')),
    chain('KUBE-NODEPORTS', lines.get('filter KUBE-NODEPORTS')),
    chain('KUBE-SERVICES', firstRules, lines.get('filter KUBE-SERVICES'), lastRules.services(spaces)),
    chain('KUBE-EXTERNAL-SERVICES', firstRules, lines.get('filter KUBE-EXTERNAL-SERVICES'), lastRules.external(family, spaces)),
  ];
  return { hooks: hooks.filter, chains: byName([refuse], ...pods.map(({ chains }) => chains), entrances, fixed(fixedRules.filter(spaces))) };
}

/** A node without an address of a family has no rules there (PROXY-15). */
const speaks = (family: Family, { ips, podCIDRs }: NodeView): boolean =>
  ips.some((ip) => familyOf(ip) === family) || podCIDRs.some((cidr) => prefixOf(cidr).family === family);

const countEndpoints = (ports: readonly ServicePort[]): number => ports.reduce((sum, { endpoints }) => sum + endpoints.length, 0);

function familyRenderer(family: Family): (model: NetworkModel) => FamilyRules {
  let around: Surroundings = { pods: [], isTerse: false };
  /** The old object where nothing changed, so that Services keep what was rendered for them. */
  const surroundings = (pods: readonly string[], isTerse: boolean): Surroundings =>
    around.isTerse === isTerse && sameItems(around.pods, pods) ? around : (around = { pods, isTerse });
  const spacesOf = memoLast((self: NodeView, ranges: Ranges) => addressSpaces(family, self, ranges));
  const served = memoLast((services: NetworkModel['services'], hostPorts: NetworkModel['hostPorts'], pods: readonly string[]) => {
    const ports = portsOf(services, family);
    return serve(ports, portsOf(hostPorts, family), surroundings(pods, countEndpoints(ports) > MOST_COMMENTED));
  });
  const [nat, filter] = [memoLast(natOf), memoLast(filterOf)];
  return ({ self, ranges, services, hostPorts, policies }) => {
    if (!speaks(family, self)) return nothing;
    const spaces = spacesOf(self, ranges);
    const all = served(services, hostPorts, spaces.pods);
    return { filter: filter(family, spaces, all, policies), nat: nat(family, spaces, all) };
  };
}

/** A renderer with a memory of its own. */
export function createIptablesRenderer(): (model: NetworkModel) => IptablesRules {
  const renderers = { 4: familyRenderer(4), 6: familyRenderer(6) };
  return (model) => ({ 4: renderers[4](model), 6: renderers[6](model) });
}
