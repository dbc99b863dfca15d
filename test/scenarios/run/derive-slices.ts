// EndpointSlices for Services with selectors, as the controller would write them, but plainly and two endpoints
// to a slice, so that every scenario also merges slices.
import { isDeepStrictEqual } from 'node:util';
import { familyOf } from '../../../src/base/net/address.ts';
import { matchesPairs } from '../../../src/kube/meaning/label-selector.ts';
import type { Node, Pod, Service, ServicePortSpec } from '../../../src/kube/objects/core.ts';
import type { EndpointSlice, SliceEndpoint } from '../../../src/kube/objects/networking.ts';
import type { KubeObject } from '../../../src/kube/objects/meta.ts';

const perSlice = 2;

/** `before` are the slices of the step before: equal ones keep their identity. */
export function deriveSlices(objects: readonly KubeObject[], before: readonly KubeObject[] = []): KubeObject[] {
  const services = objects.filter((object): object is Service => object.kind === 'Service');
  const fresh = services.flatMap((service) => slicesOf(service, objects));
  return fresh.map((slice) => before.find((old) => isDeepStrictEqual(old, slice)) ?? slice);
}

function slicesOf(service: Service, objects: readonly KubeObject[]): KubeObject[] {
  const { spec, metadata } = service;
  if (!spec.selector || spec.type === 'ExternalName') return [];
  const pods = objects.filter((object): object is Pod => object.kind === 'Pod' && object.metadata.namespace === metadata.namespace);
  const chosen = pods.filter((pod) => matchesPairs(spec.selector, pod.metadata.labels) && !isGone(pod)).sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const families = (spec.ipFamilies ?? ['IPv4']).map((family) => (family === 'IPv6' ? 6 : 4));
  return families.flatMap((family) => {
    // Pods whose named target port has different numbers cannot share a slice (EPS-03).
    const groups = Map.groupBy(chosen, (pod) => JSON.stringify(portsOn(pod, spec.ports ?? [])));
    return [...groups].flatMap(([ports, group], g) =>
      chunks(group, perSlice).map((chunk, i) => sliceOf(service, `${metadata.name}-${family}-${g}-${i}`, { family, ports: JSON.parse(ports), endpoints: chunk.flatMap((pod) => endpointOf(pod, service, family, objects)) })),
    );
  });
}

const isGone = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

const portsOn = (pod: Pod, ports: readonly ServicePortSpec[]): EndpointSlice['ports'] =>
  ports.flatMap((port) => {
    const target = port.targetPort ?? port.port;
    const declared = pod.spec.containers.flatMap((container) => container.ports ?? []);
    const number = typeof target === 'number' ? target : declared.find(({ name, protocol = 'TCP' }) => name === target && protocol === (port.protocol ?? 'TCP'))?.containerPort;
    return number === undefined ? [] : [{ name: port.name ?? '', protocol: port.protocol ?? 'TCP', port: number }];
  });

function endpointOf(pod: Pod, service: Service, family: 4 | 6, objects: readonly KubeObject[]): SliceEndpoint[] {
  const address = pod.status?.podIPs?.find(({ ip }) => familyOf(ip) === family)?.ip;
  if (!address) return [];
  const { spec } = service;
  const conditions = conditionsOf(pod, spec.publishNotReadyAddresses === true);
  const zone = zoneOf(pod.spec.nodeName, objects);
  const hints = hintsFor(spec.trafficDistribution, zone, pod.spec.nodeName);
  const targetRef = { kind: 'Pod', namespace: pod.metadata.namespace, name: pod.metadata.name };
  const hinted = hints && conditions.ready ? { hints } : {};
  // A pod's hostname counts only behind the Service that its subdomain names (HN-12).
  const hostname = pod.spec.hostname && pod.spec.subdomain === service.metadata.name ? { hostname: pod.spec.hostname } : {};
  return [{ addresses: [address], ...hostname, conditions, nodeName: pod.spec.nodeName, ...(zone ? { zone } : {}), ...hinted, targetRef }];
}

function conditionsOf({ metadata, status }: Pod, always: boolean): { ready: boolean; serving: boolean; terminating: boolean } {
  const serving = status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
  const terminating = metadata.deletionTimestamp !== undefined;
  return { ready: always || (serving && !terminating), serving, terminating };
}

function zoneOf(name: string | undefined, objects: readonly KubeObject[]): string | undefined {
  const node = objects.find((object): object is Node => object.kind === 'Node' && object.metadata.name === name);
  return node?.metadata.labels?.['topology.kubernetes.io/zone'];
}

function hintsFor(distribution: string | undefined, zone = '', node = ''): SliceEndpoint['hints'] | undefined {
  if (distribution === 'PreferSameNode') return { forZones: [{ name: zone }], forNodes: [{ name: node }] };
  return distribution ? { forZones: [{ name: zone }] } : undefined;
}

const sliceOf = ({ metadata }: Service, name: string, known: { family: 4 | 6; ports: EndpointSlice['ports']; endpoints: SliceEndpoint[] }): KubeObject =>
  ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: metadata.namespace, name, labels: { 'kubernetes.io/service-name': metadata.name } },
    addressType: `IPv${known.family}`,
    endpoints: known.endpoints,
    ports: known.ports,
  }) as unknown as KubeObject;

const chunks = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
