// What a Service is, asked everywhere: which sort of addresses and ports it needs.
import type { Service, ServiceSpec } from '../../objects/core.ts';

/** The plural form, made from the singular where the client gave only that. */
export const givenClusterIPs = ({ clusterIP, clusterIPs }: ServiceSpec): readonly string[] =>
  clusterIPs?.length ? clusterIPs : clusterIP ? [clusterIP] : [];

export const isHeadless = ({ spec }: Service): boolean => givenClusterIPs(spec)[0] === 'None';

export const hasSelector = ({ spec }: Service): boolean => Object.keys(spec.selector ?? {}).length > 0;

/** All but ExternalName, headless ones included: the field means something. */
export const needsClusterIP = ({ spec }: Service): boolean => spec.type !== 'ExternalName';

export const mayHaveNodePorts = ({ spec }: Service): boolean => spec.type === 'NodePort' || spec.type === 'LoadBalancer';

/** Ports are handed out unasked; a LoadBalancer may opt out of it. */
export const wantsNodePorts = ({ spec }: Service): boolean =>
  spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);

export const needsHealthCheckPort = ({ spec }: Service): boolean =>
  spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';

/** Reachable from outside the cluster, so that externalTrafficPolicy means something. */
export const isExternallyAccessible = (service: Service): boolean =>
  mayHaveNodePorts(service) || (service.spec.type === 'ClusterIP' && (service.spec.externalIPs?.length ?? 0) > 0);

export const wantsBothFamilies = ({ spec }: Service): boolean =>
  spec.ipFamilyPolicy === 'PreferDualStack' || spec.ipFamilyPolicy === 'RequireDualStack';
