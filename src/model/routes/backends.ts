// From an Ingress backend to the pod addresses behind it, straight from EndpointSlices (never the cluster IP, ING-67).
// Total: whatever does not resolve becomes a fixed answer and a Problem.
import { memoByIdentity, memoLast } from '../../base/data/memo.ts';
import { serviceKind } from '../../kube/kinds/service.ts';
import { endpointSliceKind } from '../../kube/kinds/endpoint-slice.ts';
import type { Service, ServicePortSpec } from '../../kube/objects/core.ts';
import type { EndpointSlice, IngressBackend, SliceEndpoint } from '../../kube/objects/networking.ts';
import { keyOf, type Snapshot } from '../../kube/store/store.ts';
import type { Endpoint, RouteBackend, Scope } from '../network-model.ts';

/** What a backend came to; `problem` is for the Ingress that named it. */
export interface ResolvedBackend {
  readonly backend: RouteBackend;
  readonly problem?: { readonly reason: string; readonly message: string };
}

const fixed = (code: number, message: string, reason?: string): ResolvedBackend => ({
  backend: { type: 'answer', code, message },
  ...(reason === undefined ? {} : { problem: { reason, message } }),
});

export function resolveBackend(backend: IngressBackend, namespace: string, seen: Snapshot, scope: Scope): ResolvedBackend {
  if (backend.resource) return fixed(500, `backend ${backend.resource.kind} "${backend.resource.name}" is not a Service`, 'UnsupportedBackend');
  if (!backend.service?.name) return fixed(500, 'backend names no Service', 'UnsupportedBackend');
  const service = seen.get(serviceKind, backend.service.name, namespace);
  if (!service) return fixed(503, `Service ${namespace}/${backend.service.name} does not exist`, 'ServiceNotFound');
  const key = keyOf(service.metadata.name, namespace);
  if (service.spec.type === 'ExternalName')
    return fixed(503, `Service ${key} is an ExternalName; a Service with EndpointSlices of its own does the same`, 'UnsupportedBackend');
  const port = portOf(service, backend.service.port);
  if (!port) return fixed(503, `Service ${key} has no TCP port ${JSON.stringify(backend.service.port ?? null)}`, 'ServicePortNotFound');
  const slices = slicesByService(seen.list(endpointSliceKind)).get(key) ?? [];
  return { backend: backendOf(port, service, scope.node, ...slices) };
}

function portOf(service: Service, wanted: { name?: string; number?: number } = {}): ServicePortSpec | undefined {
  const tcp = service.spec.ports?.filter((each) => (each.protocol ?? 'TCP') === 'TCP');
  return tcp?.find((each) => (wanted.name ? each.name === wanted.name : each.port === wanted.number));
}

/** The port object is the key: it lives as long as its Service is unchanged and differs between the ports of one Service. */
const backendOf = memoByIdentity((port: ServicePortSpec, service: Service, node: string | undefined, ...slices: EndpointSlice[]): RouteBackend => {
  const { namespace, name } = service.metadata;
  const families = new Set([...(service.spec.ipFamilies ?? []), 'IPv4', 'IPv6']);
  for (const family of families) {
    const endpoints = usableEndpoints(slices.filter((slice) => slice.addressType === family), port, node);
    if (endpoints.length > 0) return { type: 'endpoints', service: { kind: 'Service', namespace, name }, port: port.name ?? port.port, endpoints };
  }
  return { type: 'answer', code: 503, message: `Service ${keyOf(name, namespace)} has no ready endpoints` };
});

/** Ready endpoints; when there are none, those that still serve while they terminate. Sorted, each address once. */
function usableEndpoints(slices: readonly EndpointSlice[], port: ServicePortSpec, node: string | undefined): Endpoint[] {
  const ready = new Map<string, Endpoint>();
  const draining = new Map<string, Endpoint>();
  for (const slice of slices) {
    const number = slicePort(slice, port);
    if (number === undefined) continue;
    for (const each of slice.endpoints ?? []) {
      const group = groupOf(each, ready, draining);
      for (const address of group ? each.addresses : []) group?.set(`${address} ${number}`, endpointOf(each, slice, { address, port: number, node }));
    }
  }
  const usable = ready.size > 0 ? ready : draining;
  return [...usable.values()].toSorted((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : a.port - b.port));
}

/** An absent condition means yes for ready and serving, no for terminating (EndpointSlice API). */
function groupOf<T>({ conditions }: SliceEndpoint, ready: T, draining: T): T | undefined {
  if (conditions?.ready !== false) return ready;
  return conditions.terminating === true && conditions.serving !== false ? draining : undefined;
}

/** Slices carry the port's name and the number on the pod. */
function slicePort(slice: EndpointSlice, port: ServicePortSpec): number | undefined {
  const found = slice.ports?.find((each) => (each.name ?? '') === (port.name ?? '') && (each.protocol ?? 'TCP') === 'TCP');
  return found?.port;
}

function endpointOf(each: SliceEndpoint, slice: EndpointSlice, at: { address: string; port: number; node?: string }): Endpoint {
  const pod = each.targetRef?.kind === 'Pod' && each.targetRef.name ? { kind: 'Pod', namespace: slice.metadata.namespace, name: each.targetRef.name } : undefined;
  return {
    address: at.address,
    port: at.port,
    node: each.nodeName,
    zone: each.zone,
    local: at.node !== undefined && each.nodeName === at.node,
    ...(each.conditions?.terminating ? { terminating: true } : {}),
    ...(pod ? { pod } : {}),
    origin: { kind: 'EndpointSlice', namespace: slice.metadata.namespace, name: slice.metadata.name },
  };
}

const slicesByService = memoLast((slices: readonly EndpointSlice[]): ReadonlyMap<string, EndpointSlice[]> => {
  const found = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const service = slice.metadata.labels?.['kubernetes.io/service-name'];
    if (!service) continue;
    const key = keyOf(service, slice.metadata.namespace);
    const list = found.get(key);
    if (list) list.push(slice);
    else found.set(key, [slice]);
  }
  return found;
});
