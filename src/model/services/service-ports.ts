// One Service and its slices → its ServicePorts on this node. Serves compile-services.ts, which remembers the answer.
import { familyOf } from '../../base/net/address.ts';
import { inRanges } from '../../base/net/prefix-list.ts';
import type { Service, ServicePortSpec } from '../../kube/objects/core.ts';
import type { EndpointSlice } from '../../kube/objects/networking.ts';
import type { Family, Ref } from '../../kube/objects/meta.ts';
import { keyOf } from '../../kube/store/store.ts';
import type { Problem, ServicePort } from '../network-model.ts';
import { type Candidate, type SliceCandidates, mergeCandidates, portKey } from './slice-endpoints.ts';
import { keptEndpoints, type Place, readyNodes, usableEndpoints } from './usable-endpoints.ts';
import { type Report, allowedSources, frontAddresses, virtualAddresses } from './virtual-addresses.ts';

export interface ServiceOutcome {
  readonly ports: readonly ServicePort[];
  readonly problems: readonly Problem[];
  /** The Service's creationTimestamp: the older one keeps what two of them claim. '' sorts first. */
  readonly since: string;
}

/** What all Services of one compiler share; its identity changes only when the node moves to another zone. */
export interface Surroundings extends Place {
  readonly serviceCIDRs: readonly string[];
}

export type ReadSlice = (slice: EndpointSlice) => SliceCandidates;

const nothing: ServiceOutcome = { ports: [], problems: [], since: '' };

/** These labels say: another proxy serves it (KPX-22), or nobody does. */
const foreignLabels = ['service.kubernetes.io/service-proxy-name', 'service.kubernetes.io/headless'];

const defaultStickySeconds = 10_800;

export function servicePorts(service: Service, slices: readonly EndpointSlice[], around: Surroundings, read: ReadSlice): ServiceOutcome {
  const { labels = {} } = service.metadata;
  if (foreignLabels.some((label) => label in labels)) return nothing;
  const origin: Ref = { kind: 'Service', namespace: service.metadata.namespace, name: service.metadata.name };
  const problems: Problem[] = [];
  const report: Report = (reason, message) => problems.push({ about: origin, reason, message });
  const fronts = frontAddresses(service, around.serviceCIDRs, report);
  if (!fronts) return problems.length > 0 ? { ...nothing, problems } : nothing;
  const families = [...new Set(fronts.cluster.map(familyOf))];
  const ports = families.flatMap((family) => {
    const lists = slices.filter(({ addressType }) => addressType === `IPv${family}`).map(read);
    const sources = allowedSources(service, family, report);
    return (service.spec.ports ?? []).map((port): ServicePort => {
      const candidates = mergeCandidates(lists.map((list) => list.get(portKey(port.name, port.protocol)) ?? []));
      const real = candidates.filter((candidate) => !isVirtual(candidate, around.serviceCIDRs, report));
      return joined(service, port, { family, origin, sources, virtual: virtualAddresses(service, port, fronts, family), around }, real);
    });
  });
  return { ports, problems, since: service.metadata.creationTimestamp ?? '' };
}

/** Virtual addresses are not chained: the second translation would never happen (SVC-38). */
function isVirtual({ endpoint }: Candidate, serviceCIDRs: readonly string[], report: Report): boolean {
  if (!inRanges(endpoint.address, serviceCIDRs)) return false;
  report('EndpointIgnored', `endpoint ${endpoint.address} lies inside the service range`);
  return true;
}

interface Known {
  readonly family: Family;
  readonly origin: Ref;
  readonly sources: readonly string[] | undefined;
  readonly virtual: ServicePort['virtual'];
  readonly around: Surroundings;
}

function joined(service: Service, port: ServicePortSpec, known: Known, candidates: readonly Candidate[]): ServicePort {
  const { name, namespace } = service.metadata;
  const { family, origin, sources, virtual, around } = known;
  const usable = usableEndpoints(candidates, around);
  const protocol = port.protocol ?? 'TCP';
  const kept = protocol === 'TCP' ? [] : keptEndpoints(candidates, usable);
  const needsLocal = virtual.some(({ localOnly }) => localOnly);
  const announced = virtual.some(({ type, localOnly }) => type === 'loadBalancer' && localOnly);
  return {
    key: `${keyOf(name, namespace)}:${port.name || port.port}/${protocol.toLowerCase()}/${family}`,
    family,
    protocol,
    virtual,
    endpoints: usable.cluster,
    ...(needsLocal ? { localEndpoints: usable.local } : {}),
    ...(kept.length > 0 ? { keptEndpoints: kept } : {}),
    ...settingsOf(service),
    ...(sources ? { allowedSources: sources } : {}),
    ...(announced ? { readyNodes: readyNodes(candidates) } : {}),
    origin,
  };
}

/** What holds for all ports of a Service alike. */
function settingsOf({ spec }: Service): Pick<ServicePort, 'stickySeconds' | 'healthCheckNodePort'> {
  const settings: { stickySeconds?: number; healthCheckNodePort?: number } = {};
  if (spec.sessionAffinity === 'ClientIP') settings.stickySeconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultStickySeconds;
  const checked = spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
  if (checked && spec.healthCheckNodePort) settings.healthCheckNodePort = spec.healthCheckNodePort;
  return settings;
}
