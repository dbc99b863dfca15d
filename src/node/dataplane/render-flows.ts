// NetworkModel → where connections without a handshake (UDP, SCTP) may lead: what the conntrack driver keeps true.
import { type KeyedDiff, keyedDiff } from '../../base/data/keyed-diff.ts';
import { keepIdentity, memoByIdentity } from '../../base/data/memo.ts';
import { familyOf } from '../../base/net/address.ts';
import type { NetworkModel, ServicePort } from '../../model/network-model.ts';
import { flowKey, type FlowTargets, type FlowWishes } from '../linux/wiring.ts';

/** Every address under which the port is known here; a node port by each address of this node. */
function targetsOf(port: ServicePort, ips: readonly string[]): FlowTargets[] {
  const { protocol, family, virtual } = port;
  if (protocol === 'TCP') return [];
  const endpoints = [...port.endpoints, ...(port.localEndpoints ?? []), ...(port.keptEndpoints ?? [])].map(({ address, port: number }) => ({ address, port: number }));
  return virtual.flatMap(({ address, port: number }) => {
    const addresses = address === undefined ? ips.filter((ip) => familyOf(ip) === family) : [address];
    return addresses.map((each) => ({ protocol, address: each, port: number, endpoints }));
  });
}

/** Most changes are of TCP ports, and none of this room's business. */
const concernsFlows = ({ added, changed, removed }: KeyedDiff<ServicePort>): boolean =>
  [...added, ...changed, ...removed].some(([, { protocol }]) => protocol !== 'TCP');

export function createFlowRenderer(): (model: Pick<NetworkModel, 'self' | 'services' | 'hostPorts'>) => FlowWishes {
  const targets = memoByIdentity(targetsOf);
  let last: { services: NetworkModel['services']; hostPorts: NetworkModel['hostPorts']; ips: readonly string[]; wishes: FlowWishes } | undefined;
  return ({ self: { ips }, services, hostPorts }) => {
    const isSame = last !== undefined && last.ips === ips && !concernsFlows(keyedDiff(last.services, services)) && !concernsFlows(keyedDiff(last.hostPorts, hostPorts));
    const wishes = isSame && last ? last.wishes : keepIdentity(last?.wishes, wishesOf([services, hostPorts], (port) => targets(port, ips)));
    last = { services, hostPorts, ips, wishes };
    return wishes;
  };
}

function wishesOf(all: readonly NetworkModel['services'][], targets: (port: ServicePort) => FlowTargets[]): Map<string, FlowTargets> {
  const wishes = new Map<string, FlowTargets>();
  for (const ports of all) for (const port of ports.values()) for (const each of targets(port)) wishes.set(flowKey(each), each);
  return wishes;
}
