// What is accepted but probably not meant: texts for `Warning:` headers.
import { addressWarnings, prefixWarnings } from '../../meaning/rules/addresses.ts';
import type { Service } from '../../objects/core.ts';
import { givenClusterIPs, isHeadless } from './traits.ts';

function headlessWarnings({ spec }: Service): string[] {
  return [
    ...(spec.loadBalancerIP ? ['spec.loadBalancerIP is ignored for headless services'] : []),
    ...(spec.externalIPs?.length ? ['spec.externalIPs is ignored for headless services'] : []),
    ...(spec.sessionAffinity && spec.sessionAffinity !== 'None' ? ['spec.SessionAffinity is ignored for headless services'] : []),
  ];
}

function textWarnings({ spec }: Service): string[] {
  return [
    ...givenClusterIPs(spec).flatMap((ip, i) => addressWarnings(ip, `spec.clusterIPs[${i}]`)),
    ...(spec.externalIPs ?? []).flatMap((ip, i) => addressWarnings(ip, `spec.externalIPs[${i}]`)),
    ...(spec.loadBalancerIP ? addressWarnings(spec.loadBalancerIP, 'spec.loadBalancerIP') : []),
    ...(spec.loadBalancerSourceRanges ?? []).flatMap((range, i) => prefixWarnings(range.trim(), `spec.loadBalancerSourceRanges[${i}]`)),
  ];
}

export function serviceWarnings(service: Service): string[] {
  const { spec, metadata } = service;
  const warnings: string[] = [];
  if (metadata.annotations?.['service.kubernetes.io/topology-aware-hints'] !== undefined) {
    warnings.push('annotation service.kubernetes.io/topology-aware-hints is deprecated, please use service.kubernetes.io/topology-mode instead');
  }
  warnings.push(...(isHeadless(service) ? headlessWarnings(service) : textWarnings(service)));
  if (spec.type === 'ExternalName' && spec.externalIPs?.length) warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  if (spec.type !== 'ExternalName' && spec.externalName) warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  return warnings;
}
