// NetworkModel → what the programs (programs.ts) should know: the addresses of Services that always lead to an endpoint.
// Whatever is refused, dropped, or depends on who asks stays with nftables, which holds all of it anyway: ports without
// endpoints, source ranges, node ports, SCTP.
import { keyedDiff } from '../../base/data/keyed-diff.ts';
import { deepEqual, memoByIdentity } from '../../base/data/memo.ts';
import { patchMap } from '../../base/data/patched-map.ts';
import type { Ref } from '../../kube/objects/meta.ts';
import type { NetworkModel, ServicePort, VirtualAddress } from '../../model/network-model.ts';
import type { Place, protocols } from './maps.ts';

export interface ConnectFront extends Place {
  readonly protocol: keyof typeof protocols;
  /** At least one. */
  readonly endpoints: readonly Place[];
  /** 0: every connection goes anywhere. */
  readonly stickySeconds: number;
  readonly origin: Ref;
}

/** By the key of the ServicePort they belong to. */
export type ConnectTable = ReadonlyMap<string, readonly ConnectFront[]>;

/** Everybody here is a pod or process of this node: Local external policies bind none of them (KPX-36). */
function endpointsFor(port: ServicePort, { type, localOnly }: VirtualAddress): readonly Place[] {
  if (type === 'nodePort' || (type === 'loadBalancer' && port.allowedSources)) return [];
  return type === 'clusterIP' && localOnly ? (port.localEndpoints ?? []) : port.endpoints;
}

const noFronts: readonly ConnectFront[] = [];

export function connectFronts(port: ServicePort): readonly ConnectFront[] {
  const { protocol, stickySeconds = 0, origin } = port;
  if (protocol === 'SCTP') return noFronts;
  const fronts = port.virtual.flatMap((virtual): ConnectFront[] => {
    const endpoints = endpointsFor(port, virtual).map(({ address, port: number }) => ({ address, port: number }));
    if (virtual.address === undefined || endpoints.length === 0) return [];
    return [{ address: virtual.address, port: virtual.port, protocol, endpoints, stickySeconds, origin }];
  });
  return fronts.length === 0 ? noFronts : fronts;
}

/** Pays for what changed; an entry that says the same as before keeps its identity. */
export function createConnectRenderer(): (model: Pick<NetworkModel, 'services'>) => ConnectTable {
  const frontsOf = memoByIdentity(connectFronts);
  let last: { services: NetworkModel['services']; table: ConnectTable } = { services: new Map(), table: new Map() };
  return ({ services }) => {
    const { added, changed, removed } = keyedDiff(last.services, services);
    const changes = new Map<string, readonly ConnectFront[] | undefined>(removed.map(([key]) => [key, undefined]));
    for (const [key, port] of [...added, ...changed]) {
      const fronts = frontsOf(port);
      if (!deepEqual(fronts, last.table.get(key))) changes.set(key, fronts);
    }
    last = { services, table: changes.size === 0 ? last.table : patchMap(last.table, changes) };
    return last.table;
  };
}
