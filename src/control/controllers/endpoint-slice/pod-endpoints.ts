// One pod as an endpoint of one Service: address, ports, conditions, place. The rules of EPS and ESL in one place.
import { familyOf } from '../../../base/net/address.ts';
import type { Container, ObjectReference, Pod, Service, ServicePortSpec } from '../../../kube/objects/core.ts';
import type { IPFamily } from '../../../kube/objects/meta.ts';
import type { SliceEndpoint, SlicePort } from '../../../kube/objects/networking.ts';
import { wantsTopologyHints } from './topology-hints.ts';
import { isFinished, isReady, isTerminating } from '../workload/pod-state.ts';

/** Node name → zone, '' where the node has none. */
export type Zones = ReadonlyMap<string, string>;

export function addressOfPod({ status }: Pod, family: IPFamily): string | undefined {
  const ips = status?.podIPs?.map(({ ip }) => ip) ?? (status?.podIP ? [status.podIP] : []);
  return ips.find((ip) => familyOf(ip) === (family === 'IPv4' ? 4 : 6));
}

/** EPS-26, EPS-28: runs, and on a node that is there. */
export function isEndpoint(pod: Pod, service: Service, zones: Zones): boolean {
  if (isFinished(pod)) return false;
  return service.spec.publishNotReadyAddresses === true || pod.spec.nodeName === undefined || zones.has(pod.spec.nodeName);
}

/** ESL-28. */
function conditionsOf(pod: Pod, always: boolean): Required<NonNullable<SliceEndpoint['conditions']>> {
  const serving = isReady(pod);
  const terminating = isTerminating(pod);
  return { ready: always || (serving && !terminating), serving, terminating };
}

/** EPS-39: the endpoint's own zone, as long as it is ready; '' where it has none (TOPO-29). The annotation for balanced hints outweighs it (TOPO-32). */
function nearHints({ spec }: Service, zone: string, { ready }: { ready: boolean }, node: string | undefined): SliceEndpoint['hints'] | undefined {
  if (!spec.trafficDistribution || !ready) return undefined;
  const forNodes = spec.trafficDistribution === 'PreferSameNode' && node ? { forNodes: [{ name: node }] } : {};
  return { forZones: [{ name: zone }], ...forNodes };
}

export const referenceTo = ({ metadata }: Pod): ObjectReference => ({
  kind: 'Pod',
  namespace: metadata.namespace,
  name: metadata.name,
  ...(metadata.uid && { uid: metadata.uid }),
});

/** EPS-24: a pod has a name of its own only below the Service that it names. */
export const hostnameOf = ({ spec, metadata }: Pod, service: Service): string | undefined =>
  spec.hostname && spec.subdomain === service.metadata.name && metadata.namespace === service.metadata.namespace ? spec.hostname : undefined;

export function endpointOf(pod: Pod, service: Service, address: string, zones: Zones): SliceEndpoint {
  const { nodeName } = pod.spec;
  const conditions = conditionsOf(pod, service.spec.publishNotReadyAddresses === true);
  const zone = (nodeName && zones.get(nodeName)) || '';
  const hostname = hostnameOf(pod, service);
  const hints = wantsTopologyHints(service) ? undefined : nearHints(service, zone, conditions, nodeName);
  return {
    addresses: [address],
    conditions,
    ...(hostname && { hostname }),
    targetRef: referenceTo(pod),
    ...(nodeName && { nodeName }),
    ...(zone && { zone }),
    ...(hints && { hints }),
  };
}

/** Init containers that keep running (sidecars) may serve too. */
const servingContainers = ({ spec }: Pod): readonly Container[] => [
  ...spec.containers,
  ...(spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always'),
];

function targetOf(pod: Pod, { targetPort, port, protocol = 'TCP' }: ServicePortSpec): number | undefined {
  const target = targetPort ?? port;
  if (typeof target === 'number') return target || port;
  const ports = servingContainers(pod).flatMap((container) => container.ports ?? []);
  return ports.find((one) => one.name === target && (one.protocol ?? 'TCP') === protocol)?.containerPort;
}

/** ESL-20, ESL-40: named ports as this pod numbers them; unknown ones are left out. */
export const portsOf = (pod: Pod, { spec }: Service): SlicePort[] =>
  (spec.ports ?? []).flatMap((port): SlicePort[] => {
    const number = targetOf(pod, port);
    if (number === undefined) return [];
    return [{ name: port.name ?? '', protocol: port.protocol ?? 'TCP', port: number, ...(port.appProtocol && { appProtocol: port.appProtocol }) }];
  });
