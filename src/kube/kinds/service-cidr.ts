// ServiceCIDR: one more range that Service addresses may come from. Its ranges never change.
import { deepEqual } from '../../base/data/memo.ts';
import { parseAddress } from '../../base/net/address.ts';
import { parsePrefix, printPrefix } from '../../base/net/prefix.ts';
import { type FieldError, invalid, required } from '../meaning/field-error.ts';
import { validatePrefix } from '../meaning/rules/addresses.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import type { ServiceCIDR } from '../objects/networking.ts';
import { ageColumn, nameColumn } from './columns.ts';
import type { Kind } from './kind.ts';

const shortestIPv6 = 64;

function validateRange(text: string, field: string): FieldError[] {
  const prefix = parsePrefix(text);
  if (!prefix) return validatePrefix(text, field);
  if (parseAddress(text.slice(0, text.indexOf('/')))?.value !== prefix.first) {
    return [invalid(field, text, "wrong CIDR format, IP doesn't match network IP address")];
  }
  if (printPrefix(prefix) !== text) return [invalid(field, text, 'CIDR not in RFC 5952 canonical format')];
  const isWide = prefix.family === 6 && prefix.length < shortestIPv6;
  return isWide ? [invalid(field, text, `shortest allowed prefix length for service CIDR is ${shortestIPv6}, got ${prefix.length}`)] : [];
}

function validateRanges({ spec }: ServiceCIDR, old?: ServiceCIDR): FieldError[] {
  const field = 'spec.cidrs';
  const ranges = spec?.cidrs ?? [];
  if (old) return deepEqual(ranges, old.spec?.cidrs ?? []) ? [] : [invalid(field, ranges, 'field is immutable')];
  if (ranges.length === 0) return [required(field, 'at least one CIDR required')];
  const errors: FieldError[] = [];
  if (ranges.length > 2) errors.push(invalid(field, ranges, 'may only hold up to 2 values'));
  const families = ranges.flatMap((range) => parsePrefix(range)?.family ?? []);
  if (ranges.length === 2 && families.length === 2 && families[0] === families[1]) {
    errors.push(invalid(field, ranges, 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'));
  }
  return [...errors, ...ranges.flatMap((range, i) => validateRange(range, `${field}[${i}]`))];
}

export const serviceCidrKind: Kind<ServiceCIDR> = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'ServiceCIDR',
  // As 1.31 and 1.32 have it, and warn about it.
  alsoServedAs: [{ apiVersion: 'networking.k8s.io/v1beta1', deprecation: 'networking.k8s.io/v1beta1 ServiceCIDR is deprecated in v1.34+, unavailable in v1.37+' }],
  plural: 'servicecidrs',
  shortNames: [],
  namespaced: false,
  subresources: ['status'],
  columns: [nameColumn, { name: 'CIDRs', type: 'string', cell: ({ spec }) => (spec?.cidrs ?? []).join(',') }, ageColumn],
  validate: (range, old) => [...validateObjectMeta(range, { namespaced: false }, old), ...validateRanges(range, old)],
};
