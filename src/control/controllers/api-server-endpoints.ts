// Service default/kubernetes and its endpoints: where the API server itself listens. It has no selector, so nobody else
// keeps them; removed or changed, they come back (SVC-58).
import { familyOf } from '../../base/net/address.ts';
import { deepEqual } from '../../base/data/memo.ts';
import { endpointSliceKind } from '../../kube/kinds/endpoint-slice.ts';
import { endpointsKind } from '../../kube/kinds/endpoints.ts';
import { serviceKind } from '../../kube/kinds/service.ts';
import { serviceNameLabel } from '../../kube/meaning/service-slices.ts';
import type { Endpoints, Service } from '../../kube/objects/core.ts';
import type { IPFamily, KubeObject } from '../../kube/objects/meta.ts';
import type { EndpointSlice } from '../../kube/objects/networking.ts';
import type { Write } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';
import type { ControllerOptions } from './options.ts';
import { create, update } from './writes.ts';

type ApiServers = ControllerOptions['apiServers'];

const name = 'kubernetes';
const namespace = 'default';

export const createApiServerEndpoints = ({ apiServers, apiService }: Pick<ControllerOptions, 'apiServers' | 'apiService'>): Controller => ({
  name: 'api-server-endpoints',
  reads: [serviceKind, endpointsKind, endpointSliceKind],
  decide(seen) {
    const service = seen.get(serviceKind, name, namespace);
    if (!service) return apiService ? [create(apiService)] : [];
    if (service.metadata.deletionTimestamp) return [];
    const families = (service.spec.ipFamilies ?? ['IPv4']).filter((family) => serversOf(apiServers, family).length > 0);
    const [first] = families;
    const slices = families.flatMap((family) => {
      const slice = sliceOf(service, family, { apiServers, isFirst: family === first });
      return ensure(slice, seen.get(endpointSliceKind, slice.metadata.name, namespace));
    });
    return first ? [...ensure(endpointsOf(service, serversOf(apiServers, first)), seen.get(endpointsKind, name, namespace)), ...slices] : slices;
  },
});

const serversOf = (apiServers: ApiServers, family: IPFamily): ApiServers => apiServers.filter(({ address }) => familyOf(address) === (family === 'IPv4' ? 4 : 6));

const portNameOf = ({ spec }: Service): string => spec.ports?.[0]?.name ?? 'https';

/** One port for all: API servers of one cluster listen alike. */
function sliceOf(service: Service, family: IPFamily, { apiServers, isFirst }: { apiServers: ApiServers; isFirst: boolean }): EndpointSlice {
  const servers = serversOf(apiServers, family);
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: isFirst ? name : `${name}-${family.toLowerCase()}`, namespace, labels: { [serviceNameLabel]: name } },
    addressType: family,
    endpoints: servers.map(({ address }) => ({ addresses: [address], conditions: { ready: true } })),
    ports: [{ name: portNameOf(service), protocol: 'TCP', port: servers[0]!.port }],
  };
}

/** Marked, so that the mirroring controller does not make the same slices again. */
const endpointsOf = (service: Service, servers: ApiServers): Endpoints => ({
  apiVersion: 'v1',
  kind: 'Endpoints',
  metadata: { name, namespace, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
  subsets: [{ addresses: servers.map(({ address }) => ({ ip: address })), ports: [{ name: portNameOf(service), port: servers[0]!.port, protocol: 'TCP' }] }],
});

function ensure<T extends KubeObject>(wanted: T, old: T | undefined): Write[] {
  if (!old) return [create(wanted)];
  const labels = { ...old.metadata.labels, ...wanted.metadata.labels };
  const next = { ...old, ...wanted, metadata: { ...old.metadata, labels } };
  return deepEqual(next, old) ? [] : [update(next)];
}
