// What an update of a Service means when the client leaves out what the cluster had filled in,
// and what a change of type takes with it. Values the client changed itself stay, for validation to judge.
import { deepEqual } from '../../../base/data/memo.ts';
import type { Service, ServicePortSpec, ServiceSpec } from '../../objects/core.ts';
import { setServiceDefaults, withoutAbsent } from './defaults.ts';
import { isExternallyAccessible, mayHaveNodePorts, needsClusterIP, needsHealthCheckPort, wantsBothFamilies, wantsNodePorts } from './traits.ts';

/** Old port numbers come back by port name, unless the client already used the number for another port. */
function carryNodePorts(ports: readonly ServicePortSpec[], old: readonly ServicePortSpec[]): ServicePortSpec[] {
  const before = new Map(old.map(({ name = '', nodePort }) => [name, nodePort]));
  const used = new Set(ports.flatMap(({ nodePort }) => nodePort || []));
  return ports.map((port) => {
    const nodePort = before.get(port.name ?? '');
    if (port.nodePort || !nodePort || used.has(nodePort)) return port;
    used.add(nodePort);
    return { ...port, nodePort };
  });
}

/** Re-applying the first manifest must not lose what was allocated since (SVC-46, DS-36). */
function carryOver(service: Service, old: Service): Service {
  const spec: ServiceSpec = { ...service.spec };
  if (needsClusterIP(service) && needsClusterIP(old)) Object.assign(spec, carryAddresses(service.spec, old.spec));
  if (wantsNodePorts(service) && wantsNodePorts(old)) spec.ports = carryNodePorts(spec.ports ?? [], old.spec.ports ?? []);
  if (needsHealthCheckPort(service) && needsHealthCheckPort(old)) spec.healthCheckNodePort ||= old.spec.healthCheckNodePort;
  return { ...service, spec };
}

const orOld = <T>(wished: T[] | undefined, old: T[] | undefined): T[] | undefined => (wished?.length ? wished : old);

function carryAddresses(wished: ServiceSpec, old: ServiceSpec): Partial<ServiceSpec> {
  return {
    ...carryClusterIPs(wished, old),
    ipFamilyPolicy: wished.ipFamilyPolicy ?? old.ipFamilyPolicy,
    ipFamilies: orOld(wished.ipFamilies, old.ipFamilies),
  };
}

/** Singular and plural are kept in step: the one that the client changed leads. */
function carryClusterIPs(wished: ServiceSpec, old: ServiceSpec): Pick<ServiceSpec, 'clusterIP' | 'clusterIPs'> {
  const pluralSaid = (wished.clusterIPs?.length ?? 0) > 0;
  const pluralKept = !pluralSaid || deepEqual(wished.clusterIPs, old.clusterIPs);
  if (!wished.clusterIP) return pluralKept ? { clusterIP: old.clusterIP, clusterIPs: old.clusterIPs } : { clusterIPs: wished.clusterIPs };
  if (wished.clusterIP === old.clusterIP) return { clusterIP: old.clusterIP, clusterIPs: orOld(wished.clusterIPs, old.clusterIPs) };
  return { clusterIP: wished.clusterIP, clusterIPs: pluralKept ? [wished.clusterIP] : wished.clusterIPs };
}

/** A two-family Service told to be SingleStack gives up its second address and family (DS-21). */
function releaseSecondFamily(service: Service, old: Service): Service {
  const { spec } = service;
  if (spec.ipFamilyPolicy !== 'SingleStack' || !wantsBothFamilies(old)) return service;
  const clusterIPs = deepEqual(spec.clusterIPs, old.spec.clusterIPs) ? spec.clusterIPs?.slice(0, 1) : spec.clusterIPs;
  const ipFamilies = deepEqual(spec.ipFamilies, old.spec.ipFamilies) ? spec.ipFamilies?.slice(0, 1) : spec.ipFamilies;
  return { ...service, spec: { ...spec, clusterIPs, ipFamilies } };
}

/** What the old type had and the new one has no use for, as long as the client left it alone. */
function dropUnchanged(spec: ServiceSpec, old: ServiceSpec, fields: readonly (keyof ServiceSpec)[]): void {
  for (const field of fields) if (deepEqual(spec[field], old[field])) delete spec[field];
}

const nodePortsOf = (ports: readonly ServicePortSpec[] = []) => ports.map(({ nodePort }) => nodePort ?? 0);

function dropNodePorts(spec: ServiceSpec, old: ServiceSpec): void {
  if (deepEqual(nodePortsOf(spec.ports), nodePortsOf(old.ports))) spec.ports = spec.ports?.map((port) => withoutAbsent({ ...port, nodePort: undefined }));
}

/** Each use that the old type had and the new one has not, and the fields that end with it. */
const endings: readonly [applies: (service: Service) => boolean, fields: readonly (keyof ServiceSpec)[]][] = [
  [needsClusterIP, ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy']],
  [needsHealthCheckPort, ['healthCheckNodePort']],
  [({ spec }) => spec.type === 'LoadBalancer', ['allocateLoadBalancerNodePorts', 'loadBalancerClass']],
  [isExternallyAccessible, ['externalTrafficPolicy']],
];

function dropTypeDependentFields(service: Service, old: Service): Service {
  const spec: ServiceSpec = { ...service.spec };
  for (const [applies, fields] of endings) if (applies(old) && !applies(service)) dropUnchanged(spec, old.spec, fields);
  if (mayHaveNodePorts(old) && !mayHaveNodePorts(service)) dropNodePorts(spec, old.spec);
  return { ...service, spec };
}

/** Addresses given by a load balancer end with the type. */
const dropBalancerStatus = (service: Service, old: Service): Service =>
  old.spec.type === 'LoadBalancer' && service.spec.type !== 'LoadBalancer' && service.status?.loadBalancer?.ingress
    ? { ...service, status: { ...service.status, loadBalancer: {} } }
    : service;

export function prepareServiceUpdate(service: Service, old: Service): Service {
  const wished = setServiceDefaults(service);
  const kept = releaseSecondFamily(carryOver(wished, old), old);
  const dropped = dropBalancerStatus(dropTypeDependentFields(kept, old), old);
  return { ...dropped, spec: withoutAbsent(dropped.spec) };
}
