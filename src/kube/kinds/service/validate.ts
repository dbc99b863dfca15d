// All rules for a Service, in upstream's order (api-server conventions: many errors are told at once).
// It runs on the object as the client meant it, before addresses and node ports are allocated.
import { deepEqual } from '../../../base/data/memo.ts';
import { notAPrefix, validateOrdinaryAddress, validatePrefix } from '../../meaning/rules/addresses.ts';
import { type FieldError, forbidden, invalid, notSupported, required } from '../../meaning/field-error.ts';
import { checkDns1035Label, checkDns1123Subdomain, checkQualifiedName } from '../../meaning/rules/names.ts';
import { validateLabels, validateObjectMeta } from '../../meaning/rules/object-meta.ts';
import { allInvalid, validatePortNumber } from '../../meaning/rules/ports.ts';
import type { Service } from '../../objects/core.ts';
import type { ServiceRange } from '../cluster-config.ts';
import { isExternallyAccessible, isHeadless, needsHealthCheckPort } from './traits.ts';
import { validateAddressUpdate, validateServiceAddresses } from './validate-addresses.ts';
import { validateExposedPorts, validateHasPorts, validateServicePorts, validateServicePortUse } from './validate-ports.ts';
import { validateBalancerStatus } from '../../meaning/rules/balancer-status.ts';

const hintsAnnotation = 'service.kubernetes.io/topology-aware-hints';
const modeAnnotation = 'service.kubernetes.io/topology-mode';
const rangesAnnotation = 'service.beta.kubernetes.io/load-balancer-source-ranges';
const onlyForBalancers = "may only be used when `type` is 'LoadBalancer'";

function validateTopology({ metadata }: Service): FieldError[] {
  const hints = metadata.annotations?.[hintsAnnotation];
  const mode = metadata.annotations?.[modeAnnotation];
  if (hints === undefined || mode === undefined || hints === mode) return [];
  return [invalid(`metadata.annotations[${modeAnnotation}]`, mode, `must match annotations[${hintsAnnotation}] when both are specified`)];
}

function validateExternalName({ spec }: Service): FieldError[] {
  const why = 'may not be set for ExternalName services';
  const set = [
    ['spec.clusterIPs', spec.clusterIPs?.length || spec.clusterIP],
    ['spec.ipFamilies', spec.ipFamilies?.length],
    ['spec.ipFamilyPolicy', spec.ipFamilyPolicy],
  ] as const;
  const errors = set.filter(([, value]) => value).map(([field]) => forbidden(field, why));
  const name = (spec.externalName ?? '').replace(/\.$/, '');
  if (!name) return [...errors, required('spec.externalName')];
  return [...errors, ...allInvalid('spec.externalName', name, checkDns1123Subdomain(name))];
}

function validateType(service: Service): FieldError[] {
  const { type } = service.spec;
  if (type === 'ExternalName') return validateExternalName(service);
  if ((type !== 'LoadBalancer' && type !== 'NodePort') || !isHeadless(service)) return [];
  return [invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${type} services`)];
}

const maxStickySeconds = 86_400;

function validateAffinity({ spec }: Service): FieldError[] {
  const { sessionAffinity, sessionAffinityConfig } = spec;
  if (sessionAffinity === 'None') {
    return sessionAffinityConfig ? [forbidden('spec.sessionAffinityConfig', 'must not be set when session affinity is None')] : [];
  }
  if (sessionAffinity !== 'ClientIP') return [notSupported('spec.sessionAffinity', sessionAffinity, ['ClientIP', 'None'])];
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 0;
  if (seconds > 0 && seconds <= maxStickySeconds) return [];
  return [invalid('spec.sessionAffinityConfig.clientIP.timeoutSeconds', seconds, `must be greater than 0 and less than ${maxStickySeconds}`)];
}

const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];

function validateSourceRanges({ spec, metadata }: Service): FieldError[] {
  // The capital L is upstream's path.
  const field = 'spec.LoadBalancerSourceRanges';
  const isBalancer = spec.type === 'LoadBalancer';
  if (spec.loadBalancerSourceRanges?.length) {
    const errors = isBalancer ? [] : [forbidden(field, onlyForBalancers)];
    return [...errors, ...spec.loadBalancerSourceRanges.flatMap((range, i) => validatePrefix(range.trim(), `${field}[${i}]`))];
  }
  const annotation = metadata.annotations?.[rangesAnnotation];
  if (annotation === undefined) return [];
  const at = `metadata.annotations[${rangesAnnotation}]`;
  const errors = isBalancer ? [] : [forbidden(at, onlyForBalancers)];
  const ranges = annotation.trim() === '' ? [] : annotation.split(',').map((range) => range.trim());
  const bad = ranges.some((range) => validatePrefix(range, at).length > 0);
  return bad ? [...errors, invalid(at, annotation, notAPrefix)] : errors;
}

function validateBalancerFields({ spec }: Service, old?: Service): FieldError[] {
  const errors: FieldError[] = [];
  const isBalancer = spec.type === 'LoadBalancer';
  if (spec.allocateLoadBalancerNodePorts !== undefined && !isBalancer) errors.push(forbidden('spec.allocateLoadBalancerNodePorts', onlyForBalancers));
  const { loadBalancerClass } = spec;
  const field = 'spec.loadBalancerClass';
  if (isBalancer && old?.spec.type === 'LoadBalancer' && old.spec.loadBalancerClass !== loadBalancerClass) {
    errors.push(invalid(field, loadBalancerClass, 'may not change once set'));
  }
  if (loadBalancerClass === undefined) return errors;
  return [...errors, ...(isBalancer ? allInvalid(field, loadBalancerClass, checkQualifiedName(loadBalancerClass)) : [forbidden(field, onlyForBalancers)])];
}

const reaches = ['Cluster', 'Local'];

function validateExternalPolicy(service: Service): FieldError[] {
  const { externalTrafficPolicy } = service.spec;
  const field = 'spec.externalTrafficPolicy';
  if (!isExternallyAccessible(service)) {
    return externalTrafficPolicy ? [invalid(field, externalTrafficPolicy, 'may only be set for externally-accessible services')] : [];
  }
  return externalTrafficPolicy && !reaches.includes(externalTrafficPolicy) ? [notSupported(field, externalTrafficPolicy, reaches)] : [];
}

function validateHealthCheckPort(service: Service, old?: Service): FieldError[] {
  const { healthCheckNodePort } = service.spec;
  const field = 'spec.healthCheckNodePort';
  if (!healthCheckNodePort) return [];
  if (!needsHealthCheckPort(service)) {
    return [invalid(field, healthCheckNodePort, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'")];
  }
  const changed = old && needsHealthCheckPort(old) && old.spec.healthCheckNodePort !== healthCheckNodePort;
  return changed ? [forbidden(field, 'field is immutable')] : validatePortNumber(healthCheckNodePort, field);
}

// PreferSameZone and PreferSameNode are 1.34's names; they are served, for the model understands them.
const distributions = ['PreferClose', 'PreferSameNode', 'PreferSameZone'];

function validatePolicies(service: Service, old?: Service): FieldError[] {
  const { internalTrafficPolicy, trafficDistribution } = service.spec;
  return [
    ...validateExternalPolicy(service),
    ...validateHealthCheckPort(service, old),
    ...(internalTrafficPolicy && !reaches.includes(internalTrafficPolicy)
      ? [notSupported('spec.internalTrafficPolicy', internalTrafficPolicy, reaches)]
      : []),
    ...(trafficDistribution && !distributions.includes(trafficDistribution)
      ? [notSupported('spec.trafficDistribution', trafficDistribution, distributions)]
      : []),
  ];
}

/** Only a changed status is judged, or a Service whose type changed could never be written again. */
function validateStatus(service: Service, old?: Service): FieldError[] {
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  if (ingress.length === 0 || deepEqual(ingress, old?.status?.loadBalancer?.ingress ?? [])) return [];
  const field = 'status.loadBalancer.ingress';
  if (service.spec.type !== 'LoadBalancer') return [forbidden(field, "may only be used when `spec.type` is 'LoadBalancer'")];
  return validateBalancerStatus(ingress, field);
}

export function validateService(service: Service, ranges: readonly ServiceRange[], old?: Service): FieldError[] {
  const { spec } = service;
  return [
    ...validateObjectMeta(service, { namespaced: true, name: checkDns1035Label }, old),
    ...(old ? validateAddressUpdate(service, old) : []),
    ...validateTopology(service),
    ...validateHasPorts(service),
    ...validateExposedPorts(service),
    ...validateType(service),
    ...validateServicePorts(service),
    ...validateLabels(spec.selector, 'spec.selector'),
    ...validateAffinity(service),
    ...validateServiceAddresses(service, ranges),
    ...(spec.externalIPs ?? []).flatMap((ip, i) => validateOrdinaryAddress(ip, `spec.externalIPs[${i}]`)),
    ...(spec.type && !types.includes(spec.type) ? [notSupported('spec.type', spec.type, types)] : []),
    ...validateServicePortUse(service),
    ...validateSourceRanges(service),
    ...validateBalancerFields(service, old),
    ...validatePolicies(service, old),
    ...validateStatus(service, old),
  ];
}
