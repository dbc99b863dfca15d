// NetworkModel → what load balancers may ask this node about single Services: their healthCheckNodePorts (KPX-45).
import { deepEqual, memoLast } from '../../base/data/memo.ts';
import type { Ref } from '../../kube/objects/meta.ts';
import type { Endpoint, NetworkModel } from '../../model/network-model.ts';
import { printRef } from '../../model/network-model.ts';

export interface ServiceHealth {
  readonly port: number;
  readonly service: Ref;
  /** Ready ones on this node: those that only serve until they end are not counted (PROXY-34). */
  readonly localEndpoints: number;
}

/** By port number. */
export type HealthWishes = ReadonlyMap<number, ServiceHealth>;

/** A pod is one endpoint, however many ports and families it serves. */
const identityOf = ({ pod, address }: Endpoint): string => (pod ? printRef(pod) : address);

function healthOf(services: NetworkModel['services']): HealthWishes {
  const found = new Map<number, { service: Ref; endpoints: Set<string> }>();
  for (const { healthCheckNodePort: port, origin, localEndpoints = [] } of services.values()) {
    if (port === undefined) continue;
    const known = found.get(port) ?? { service: origin, endpoints: new Set<string>() };
    found.set(port, known);
    for (const endpoint of localEndpoints) if (!endpoint.terminating) known.endpoints.add(identityOf(endpoint));
  }
  return new Map([...found].map(([port, { service, endpoints }]) => [port, { port, service, localEndpoints: endpoints.size }]));
}

export function createHealthRenderer(): (model: Pick<NetworkModel, 'services'>) => HealthWishes {
  const render = memoLast(healthOf);
  let last: HealthWishes = new Map();
  return ({ services }) => {
    const fresh = render(services);
    return (last = deepEqual(last, fresh) ? last : fresh);
  };
}

export interface HealthAnswer {
  readonly code: 200 | 503;
  readonly body: string;
}

/** Load balancers look at the code; the body is for people. */
export function healthAnswer({ service, localEndpoints }: ServiceHealth, serviceProxyHealthy: boolean): HealthAnswer {
  const { namespace, name } = service;
  return {
    code: localEndpoints > 0 && serviceProxyHealthy ? 200 : 503,
    body: `${JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy }, undefined, '\t')}\n`,
  };
}
