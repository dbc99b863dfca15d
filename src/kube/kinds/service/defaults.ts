// What the API fills into a Service that the client left out. Addresses and families: families.ts, allocate.ts.
import type { Service, ServicePortSpec, ServiceSpec } from '../../objects/core.ts';
import { isExternallyAccessible } from './traits.ts';

export const defaultStickySeconds = 10_800;

const withPortDefaults = (port: ServicePortSpec): ServicePortSpec => ({
  ...port,
  protocol: port.protocol ?? 'TCP',
  targetPort: port.targetPort || port.port,
});

/** Affinity `None` drops its configuration; `ClientIP` gets three hours. */
function affinityOf(spec: ServiceSpec): Pick<ServiceSpec, 'sessionAffinity' | 'sessionAffinityConfig'> {
  const sessionAffinity = spec.sessionAffinity || 'None';
  if (sessionAffinity !== 'ClientIP') return { sessionAffinity, sessionAffinityConfig: undefined };
  const timeoutSeconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultStickySeconds;
  return { sessionAffinity, sessionAffinityConfig: { clientIP: { timeoutSeconds } } };
}

/** An address of a load balancer is taken as it stands unless its maker says otherwise. */
function withStatusDefaults(service: Service): Service {
  // Clients read `.status.loadBalancer` without asking whether it is there: no Service is without one (SVC-73).
  if (!service.status?.loadBalancer) return { ...service, status: { ...service.status, loadBalancer: {} } };
  const { ingress } = service.status.loadBalancer;
  if (service.spec.type !== 'LoadBalancer' || !ingress?.some(({ ip, ipMode }) => ip && !ipMode)) return service;
  const filled = ingress.map((one) => (one.ip && !one.ipMode ? { ...one, ipMode: 'VIP' as const } : one));
  return { ...service, status: { ...service.status, loadBalancer: { ...service.status.loadBalancer, ingress: filled } } };
}

export function setServiceDefaults(service: Service): Service {
  const given: ServiceSpec = service.spec ?? {};
  const type = given.type || 'ClusterIP';
  const spec: ServiceSpec = { ...given, type, ...affinityOf(given), ports: given.ports?.map(withPortDefaults) };
  spec.internalTrafficPolicy = type === 'ExternalName' ? undefined : (given.internalTrafficPolicy ?? 'Cluster');
  if (type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true;
  if (isExternallyAccessible({ ...service, spec })) spec.externalTrafficPolicy ||= 'Cluster';
  return withStatusDefaults({ ...service, spec: withoutAbsent(spec) });
}

/** Drops keys that are undefined, so that stored objects have no holes. */
export const withoutAbsent = <T extends object>(record: T): T =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as T;
