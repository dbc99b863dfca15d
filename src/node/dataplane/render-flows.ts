// NetworkModel → where connections without a handshake (UDP, SCTP) may lead: what the conntrack driver keeps true.
import { keepIdentity, memoByIdentity } from '../../base/data/memo.ts';
import { familyOf } from '../../base/net/address.ts';
import type { NetworkModel, ServicePort } from '../../model/network-model.ts';
import { flowKey, type FlowTargets, type FlowWishes } from '../linux/wiring.ts';

/** Every address under which the port is known here; a node port by each address of this node. */
function targetsOf(port: ServicePort, ips: readonly string[]): FlowTargets[] {
  const { protocol, family, virtual } = port;
  if (protocol === 'TCP') return [];
  const endpoints = [...port.endpoints, ...(port.localEndpoints ?? [])].map(({ address, port: number }) => ({ address, port: number }));
  return virtual.flatMap(({ address, port: number }) => {
    const addresses = address === undefined ? ips.filter((ip) => familyOf(ip) === family) : [address];
    return addresses.map((each) => ({ protocol, address: each, port: number, endpoints }));
  });
}

export function createFlowRenderer(): (model: Pick<NetworkModel, 'self' | 'services'>) => FlowWishes {
  const targets = memoByIdentity(targetsOf);
  let last: FlowWishes | undefined;
  return ({ self, services }) => {
    const wishes = new Map<string, FlowTargets>();
    for (const port of services.values()) for (const each of targets(port, self.ips)) wishes.set(flowKey(each), each);
    last = keepIdentity(last, wishes);
    return last;
  };
}
