// Service default/kubernetes and its endpoints: where the API servers themselves listen, this one and all that renew their
// Lease (leader/presence.ts). It has no selector, so nobody else keeps them; removed or changed, they come back (SVC-58).
import { familyOf } from '../../base/net/address.ts';
import { deepEqual } from '../../base/data/memo.ts';
import { endpointSliceKind } from '../../kube/kinds/endpoint-slice.ts';
import { endpointsKind } from '../../kube/kinds/endpoints.ts';
import { leaseKind } from '../../kube/kinds/lease.ts';
import { serviceKind } from '../../kube/kinds/service.ts';
import { serviceNameLabel } from '../../kube/meaning/service-slices.ts';
import type { Endpoints, Service } from '../../kube/objects/core.ts';
import type { IPFamily, KubeObject } from '../../kube/objects/meta.ts';
import type { EndpointSlice } from '../../kube/objects/networking.ts';
import type { Snapshot, Write } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';
import { printApiServer, watchPresences } from './leader/presence-lease.ts';
import type { ControllerOptions } from './options.ts';
import { create, remove, update } from './writes.ts';

type ApiServers = ControllerOptions['apiServers'];

const name = 'kubernetes';
const namespace = 'default';

export function createApiServerEndpoints({ apiServers, apiService }: Pick<ControllerOptions, 'apiServers' | 'apiService'>): Controller {
  const presences = watchPresences();
  return {
    name: 'api-server-endpoints',
    reads: [serviceKind, endpointsKind, endpointSliceKind, leaseKind],
    decide(seen, now) {
      const { servers, ruins } = presences.look(seen, now);
      const cleared = ruins.map((lease) => remove(lease));
      const service = seen.get(serviceKind, name, namespace);
      if (!service) return apiService ? [create(apiService), ...cleared] : cleared;
      if (service.metadata.deletionTimestamp) return cleared;
      return [...publish(service, withOthers(apiServers, servers), seen), ...cleared];
    },
    wakeAfterMs: (seen, now) => presences.untilNextMs(seen, now),
  };
}

/** This server lives, whatever its Lease says. */
function withOthers(own: ApiServers, others: ApiServers): ApiServers {
  const known = new Set(own.map(printApiServer));
  return [...own, ...others.filter((one) => !known.has(printApiServer(one)))].toSorted((a, b) => (printApiServer(a) < printApiServer(b) ? -1 : 1));
}

function publish(service: Service, apiServers: ApiServers, seen: Snapshot): Write[] {
  const families = (service.spec.ipFamilies ?? ['IPv4']).filter((family) => serversOf(apiServers, family).length > 0);
  const [first] = families;
  if (!first) return [];
  const slices = families.flatMap((family) => slicesOf(service, family, { apiServers, isFirst: family === first }));
  const names = new Set(slices.map(({ metadata }) => metadata.name));
  const stale = seen.list(endpointSliceKind).filter(({ metadata }) => metadata.namespace === namespace && ownName.test(metadata.name) && !names.has(metadata.name));
  return [
    ...ensure(endpointsOf(service, serversOf(apiServers, first)), seen.get(endpointsKind, name, namespace)),
    ...slices.flatMap((slice) => ensure(slice, seen.get(endpointSliceKind, slice.metadata.name, namespace))),
    ...stale.map((slice) => remove(slice)),
  ];
}

const ownName = /^kubernetes(?:-ipv[46])?(?:-\d+)?$/;

const serversOf = (apiServers: ApiServers, family: IPFamily): ApiServers => apiServers.filter(({ address }) => familyOf(address) === (family === 'IPv4' ? 4 : 6));

const portNameOf = ({ spec }: Service): string => spec.ports?.[0]?.name ?? 'https';

/** By port: those of one slice listen alike, and API servers of one cluster usually do. */
const byPort = (servers: ApiServers): [port: number, servers: ApiServers][] => [...Map.groupBy(servers, ({ port }) => port)];

function slicesOf(service: Service, family: IPFamily, { apiServers, isFirst }: { apiServers: ApiServers; isFirst: boolean }): EndpointSlice[] {
  const base = isFirst ? name : `${name}-${family.toLowerCase()}`;
  return byPort(serversOf(apiServers, family)).map(([port, servers], i) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: i === 0 ? base : `${base}-${port}`, namespace, labels: { [serviceNameLabel]: name } },
    addressType: family,
    endpoints: servers.map(({ address }) => ({ addresses: [address], conditions: { ready: true } })),
    ports: [{ name: portNameOf(service), protocol: 'TCP', port }],
  }));
}

/** Marked, so that the mirroring controller does not make the same slices again. */
const endpointsOf = (service: Service, all: ApiServers): Endpoints => ({
  apiVersion: 'v1',
  kind: 'Endpoints',
  metadata: { name, namespace, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
  subsets: byPort(all).map(([port, servers]) => ({ addresses: servers.map(({ address }) => ({ ip: address })), ports: [{ name: portNameOf(service), port, protocol: 'TCP' }] })),
});

function ensure<T extends KubeObject>(wanted: T, old: T | undefined): Write[] {
  if (!old) return [create(wanted)];
  const labels = { ...old.metadata.labels, ...wanted.metadata.labels };
  const next = { ...old, ...wanted, metadata: { ...old.metadata, labels } };
  return deepEqual(next, old) ? [] : [update(next)];
}
