// Rules for an Ingress: hosts, paths, back-ends, TLS (ING-03 … ING-12).
import { deepEqual } from '../../../base/data/memo.ts';
import { parseAddress } from '../../../base/net/address.ts';
import { type FieldError, invalid, notSupported, required } from '../../meaning/field-error.ts';
import { validateBalancerStatus } from '../../meaning/rules/balancer-status.ts';
import { checkDns1035Label, checkDns1123Subdomain, checkPortName, checkWildcardSubdomain } from '../../meaning/rules/names.ts';
import { validateObjectMeta } from '../../meaning/rules/object-meta.ts';
import { allInvalid, validatePortNumber } from '../../meaning/rules/ports.ts';
import type { Ingress, IngressBackend, IngressPath, IngressRule } from '../../objects/networking.ts';

export const classAnnotation = 'kubernetes.io/ingress.class';

const checkHost = (host: string): string[] => (host.includes('*') ? checkWildcardSubdomain(host) : checkDns1123Subdomain(host));

function validateResource(resource: NonNullable<IngressBackend['resource']>, field: string): FieldError[] {
  const { apiGroup, kind, name } = resource;
  return [
    ...(apiGroup ? allInvalid(`${field}.apiGroup`, apiGroup, checkDns1123Subdomain(apiGroup)) : []),
    ...(kind ? [] : [required(`${field}.kind`, 'kind is required')]),
    ...(name ? [] : [required(`${field}.name`, 'name is required')]),
  ];
}

function validateServiceBackend(service: NonNullable<IngressBackend['service']>, field: string): FieldError[] {
  const { name, port } = service;
  const at = `${field}.service`;
  const errors = name ? allInvalid(`${at}.name`, name, checkDns1035Label(name)) : [required(`${at}.name`)];
  if (port?.name && port.number) errors.push(invalid(field, '', 'cannot set both port name & port number'));
  else if (port?.name) errors.push(...allInvalid(`${at}.port.name`, port.name, checkPortName(port.name)));
  else if (port?.number) errors.push(...validatePortNumber(port.number, `${at}.port.number`));
  else errors.push(required(field, 'port name or number is required'));
  return errors;
}

function validateBackend(backend: IngressBackend | undefined, field: string): FieldError[] {
  const { service, resource } = backend ?? {};
  if (resource && service) return [invalid(field, '', 'cannot set both resource and service backends')];
  if (resource) return validateResource(resource, `${field}.resource`);
  return service ? validateServiceBackend(service, field) : [invalid(field, '', 'resource or service backend is required')];
}

const pathTypes = ['Exact', 'ImplementationSpecific', 'Prefix'];
const anywhere = ['//', '/./', '/../', '%2f', '%2F'];
const atTheEnd = ['/..', '/.'];

function validatePathText({ path = '', pathType }: IngressPath, field: string): FieldError[] {
  if (pathType === 'ImplementationSpecific' && path === '') return [];
  if (!path.startsWith('/')) return [invalid(field, path, 'must be an absolute path')];
  if (pathType === 'ImplementationSpecific') return [];
  return [
    ...anywhere.filter((part) => path.includes(part)).map((part) => invalid(field, path, `must not contain '${part}'`)),
    ...atTheEnd.filter((part) => path.endsWith(part)).map((part) => invalid(field, path, `cannot end with '${part}'`)),
  ];
}

function validatePath(path: IngressPath, field: string): FieldError[] {
  const backend = validateBackend(path.backend, `${field}.backend`);
  if (!path.pathType) return [required(`${field}.pathType`, 'pathType must be specified'), ...backend];
  const known = pathTypes.includes(path.pathType);
  return [...(known ? validatePathText(path, `${field}.path`) : [notSupported(`${field}.pathType`, path.pathType, pathTypes)]), ...backend];
}

function validateRule({ host, http }: IngressRule, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (host) {
    if (parseAddress(host)) errors.push(invalid(`${field}.host`, host, 'must be a DNS name, not an IP address'));
    errors.push(...allInvalid(`${field}.host`, host, checkHost(host)));
  }
  if (!http) return errors;
  if (!http.paths?.length) return [...errors, required(`${field}.http.paths`)];
  return [...errors, ...http.paths.flatMap((path, i) => validatePath(path, `${field}.http.paths[${i}]`))];
}

type Tls = NonNullable<Ingress['spec']['tls']>;

/** A secret name that was bad before stays writable: old objects must not be locked. */
function validateTls(tls: Tls, old: Tls | undefined): FieldError[] {
  const known = new Set((old ?? []).map(({ secretName }) => secretName));
  return tls.flatMap(({ hosts = [], secretName }, i) => [
    ...hosts.flatMap((host, j) => allInvalid(`spec.tls[${i}].hosts[${j}]`, host, checkHost(host))),
    ...(secretName && !known.has(secretName) ? allInvalid(`spec.tls[${i}].secretName`, secretName, checkDns1123Subdomain(secretName)) : []),
  ]);
}

function validateClass({ spec, metadata }: Ingress, old?: Ingress): FieldError[] {
  const name = spec.ingressClassName;
  const annotation = metadata.annotations?.[classAnnotation];
  const errors: FieldError[] = [];
  // Only on creation, and at a path without `metadata`: both are upstream's.
  if (!old && annotation && name !== undefined && annotation !== name) {
    errors.push(invalid(`annotations.${classAnnotation}`, annotation, 'must match `ingressClassName` when both are specified'));
  }
  return errors;
}

function validateStatus({ status }: Ingress, old?: Ingress): FieldError[] {
  const ingress = status?.loadBalancer?.ingress ?? [];
  return deepEqual(ingress, old?.status?.loadBalancer?.ingress ?? []) ? [] : validateBalancerStatus(ingress, 'status.loadBalancer.ingress');
}

export function validateIngress(ingress: Ingress, old?: Ingress): FieldError[] {
  const spec = ingress.spec ?? {};
  const name = spec.ingressClassName;
  return [
    ...validateObjectMeta(ingress, { namespaced: true }, old),
    ...validateClass({ ...ingress, spec }, old),
    ...(!spec.rules?.length && !spec.defaultBackend ? [invalid('spec', '', 'either `defaultBackend` or `rules` must be specified')] : []),
    ...(spec.defaultBackend ? validateBackend(spec.defaultBackend, 'spec.defaultBackend') : []),
    ...(spec.rules ?? []).flatMap((rule, i) => validateRule(rule, `spec.rules[${i}]`)),
    ...validateTls(spec.tls ?? [], old?.spec?.tls),
    ...(name === undefined ? [] : allInvalid('spec.ingressClassName', name, checkDns1123Subdomain(name))),
    ...validateStatus(ingress, old),
  ];
}
