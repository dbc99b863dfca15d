// Rules for the addresses a load balancer or an Ingress controller reports in a status.
import { parseAddress } from '../../../base/net/address.ts';
import type { LoadBalancerIngress } from '../../objects/core.ts';
import { validateAddress } from './addresses.ts';
import { type FieldError, forbidden, invalid, notSupported } from '../field-error.ts';
import { checkDns1123Subdomain } from './names.ts';
import { allInvalid } from './ports.ts';

function validateMode({ ip, ipMode }: LoadBalancerIngress, field: string): FieldError[] {
  if (!ipMode) return [];
  if (!ip) return [forbidden(field, 'may not be specified when `ip` is not set')];
  return ipMode === 'VIP' || ipMode === 'Proxy' ? [] : [notSupported(field, ipMode, ['Proxy', 'VIP'])];
}

function validateHostname(hostname: string, field: string): FieldError[] {
  const errors = allInvalid(field, hostname, checkDns1123Subdomain(hostname));
  return parseAddress(hostname) ? [...errors, invalid(field, hostname, 'must be a DNS name, not an IP address')] : errors;
}

export const validateBalancerStatus = (ingress: readonly LoadBalancerIngress[], field: string): FieldError[] =>
  ingress.flatMap((one, i) => [
    ...(one.ip ? validateAddress(one.ip, `${field}[${i}].ip`) : []),
    ...validateMode(one, `${field}[${i}].ipMode`),
    ...(one.hostname ? validateHostname(one.hostname, `${field}[${i}].hostname`) : []),
  ]);
