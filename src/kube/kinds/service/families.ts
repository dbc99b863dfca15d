// Which IP families a Service has: inferred from its addresses, else the cluster's first, and the second where wanted.
import type { Service } from '../../objects/core.ts';
import type { IPFamily } from '../../objects/meta.ts';
import { familyOf } from '../../../base/net/address.ts';
import { ipFamily, type ServiceRange } from '../cluster-config.ts';
import { givenClusterIPs, hasSelector, isHeadless } from './traits.ts';

export const otherFamily = (family: IPFamily): IPFamily => (family === 'IPv4' ? 'IPv6' : 'IPv4');

/** Endpoints written by hand may be of any family, whatever the cluster has (DS-22). */
export const isFreeOfFamilies = (service: Service): boolean => isHeadless(service) && !hasSelector(service);

function inferredFamilies(service: Service, ranges: readonly ServiceRange[]): IPFamily[] {
  const { ipFamilies = [] } = service.spec;
  const addresses = givenClusterIPs(service.spec).filter((ip) => ip !== 'None');
  const families = addresses.map((ip, i) => ipFamilies[i] ?? ipFamily(familyOf(ip)));
  const stated = [...families, ...ipFamilies.slice(addresses.length)];
  return stated.length > 0 ? stated : [ranges[0]?.family ?? 'IPv4'];
}

/** The Service with ipFamilyPolicy and ipFamilies filled in. Only for types that have them. */
export function withFamilies(service: Service, ranges: readonly ServiceRange[]): Service {
  const anyFamily = isFreeOfFamilies(service);
  const ipFamilyPolicy = service.spec.ipFamilyPolicy ?? (anyFamily ? 'RequireDualStack' : 'SingleStack');
  const [first = 'IPv4', second] = inferredFamilies(service, ranges);
  const other = otherFamily(first);
  const canHaveBoth = anyFamily || ranges.some(({ family }) => family === other);
  const added = !second && ipFamilyPolicy !== 'SingleStack' && canHaveBoth ? other : second;
  return { ...service, spec: { ...service.spec, ipFamilyPolicy, ipFamilies: added ? [first, added] : [first] } };
}
