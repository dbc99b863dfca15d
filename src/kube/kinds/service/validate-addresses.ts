// Rules for clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy, on creation and on update.
// ExternalName has none of them; validate.ts says so.
import { familyOf, parseAddress } from '../../../base/net/address.ts';
import { notAnAddress } from '../../meaning/rules/addresses.ts';
import { duplicate, type FieldError, invalid, notSupported } from '../../meaning/field-error.ts';
import type { Service } from '../../objects/core.ts';
import { ipFamily, type ServiceRange } from '../cluster-config.ts';
import { isFreeOfFamilies } from './families.ts';
import { givenClusterIPs, isHeadless, wantsBothFamilies } from './traits.ts';

const atIPs = 'spec.clusterIPs';
const atFamilies = 'spec.ipFamilies';
const atPolicy = 'spec.ipFamilyPolicy';

function validateInStep({ spec }: Service): FieldError[] {
  const { clusterIP, clusterIPs = [] } = spec;
  if (clusterIPs.length === 0 || clusterIPs[0] === clusterIP) return [];
  return [invalid(atIPs, clusterIPs, clusterIP ? 'first value must match `clusterIP`' : 'must be empty when `clusterIP` is not specified')];
}

function validateFamilies({ spec }: Service): FieldError[] {
  const families = spec.ipFamilies ?? [];
  return families.flatMap((family, i) => [
    ...(family === 'IPv4' || family === 'IPv6' ? [] : [notSupported(`${atFamilies}[${i}]`, family, ['IPv4', 'IPv6'])]),
    ...(families.indexOf(family) < i ? [duplicate(`${atFamilies}[${i}]`, family)] : []),
  ]);
}

const policies = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];

const validatePolicy = ({ spec }: Service): FieldError[] =>
  spec.ipFamilyPolicy === undefined || policies.includes(spec.ipFamilyPolicy) ? [] : [notSupported(atPolicy, spec.ipFamilyPolicy, policies)];

function validateTexts(ips: readonly string[]): FieldError[] {
  return ips.flatMap((ip, i) => {
    if (i === 0 && ip === 'None') return ips.length > 1 ? [invalid(atIPs, ips, "'None' must be the first and only value")] : [];
    return parseAddress(ip) ? [] : [invalid(`${atIPs}[${i}]`, ip, notAnAddress)];
  });
}

const areTwoFamilies = (ips: readonly string[]): boolean => new Set(ips.map(familyOf)).size === 2;

/** Each address against the family stated at its place. */
function validateMatch(ips: readonly string[], families: readonly string[]): FieldError[] {
  return ips.flatMap((ip, i) => {
    const stated = families[i];
    if (!stated || ip === 'None' || ipFamily(familyOf(ip)) === stated) return [];
    return [invalid(`${atIPs}[${i}]`, ip, `expected an ${stated} value as indicated by \`ipFamilies[${i}]\``)];
  });
}

/** What the object alone tells; the texts' order is upstream's. */
function validateForm(service: Service): FieldError[] {
  const ips = givenClusterIPs(service.spec);
  const errors = [...validateInStep(service), ...validateFamilies(service), ...validatePolicy(service)];
  const texts = validateTexts(ips);
  errors.push(...texts);
  if (ips.length > 2) errors.push(invalid(atIPs, ips, 'may only hold up to 2 values'));
  // With a text that is no address all further complaints would mislead.
  if (texts.length > 0) return errors;
  if (ips.length > 1 && !(ips.length === 2 && areTwoFamilies(ips))) {
    errors.push(invalid(atIPs, ips, 'may specify no more than one IP for each IP family'));
  }
  return errors.length > 0 ? errors : validateMatch(ips, service.spec.ipFamilies ?? []);
}

/** What the cluster cannot give. Hand-written endpoints of a headless Service may be of any family. */
function validateAgainstCluster(service: Service, ranges: readonly ServiceRange[]): FieldError[] {
  const { ipFamilies = [], ipFamilyPolicy } = service.spec;
  const errors: FieldError[] = [];
  if (isFreeOfFamilies(service)) return errors;
  const both = wantsBothFamilies(service);
  const needsBoth = (what: string) => invalid(atPolicy, ipFamilyPolicy, `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`);
  if (!both && givenClusterIPs(service.spec).length === 2) errors.push(needsBoth('cluster IPs'));
  if (!both && ipFamilies.length === 2) errors.push(needsBoth('IP families'));
  for (const [i, family] of ipFamilies.entries()) {
    if (!ranges.some((range) => range.family === family)) errors.push(invalid(`${atFamilies}[${i}]`, family, 'not configured on this cluster'));
  }
  if (ipFamilyPolicy === 'RequireDualStack' && ranges.length < 2) {
    errors.push(invalid(atPolicy, ipFamilyPolicy, 'this cluster is not configured for dual-stack services'));
  }
  return errors;
}

export function validateServiceAddresses(service: Service, ranges: readonly ServiceRange[]): FieldError[] {
  if (service.spec.type === 'ExternalName') return [];
  const errors = validateForm(service);
  return errors.length > 0 ? errors : validateAgainstCluster(service, ranges);
}

const once = 'may not change once set';

interface Listed {
  field: string;
  /** `primary clusterIP`, `secondary cluster IP`: the words of the texts. */
  primary: string;
  secondary: string;
}

/** The first entry stays for ever; the second may come, and go when the policy says SingleStack. */
function validateListUpdate(now: readonly string[], old: readonly string[], words: Listed, service: Service): FieldError[] {
  const { field, primary, secondary } = words;
  if (old.length === 0) return [];
  if (now.length === 0) return [invalid(`${field}[0]`, now, `${primary} can not be unset`)];
  const errors = now[0] === old[0] ? [] : [invalid(`${field}[0]`, now, once)];
  if (now.length > 1 && old.length > 1 && now[1] !== old[1]) errors.push(invalid(`${field}[1]`, now, once));
  if (now.length < old.length && service.spec.ipFamilyPolicy !== 'SingleStack') {
    errors.push(invalid(atPolicy, service.spec.ipFamilyPolicy, `must be 'SingleStack' to release the ${secondary}`));
  }
  return errors;
}

/** Changes that are only free on the way from or to ExternalName (SVC-56, SVC-99, DS-12, DS-35). */
export function validateAddressUpdate(service: Service, old: Service): FieldError[] {
  if (service.spec.type === 'ExternalName' || old.spec.type === 'ExternalName') return [];
  const ips: Listed = { field: atIPs, primary: 'primary clusterIP', secondary: 'secondary cluster IP' };
  const families: Listed = { field: atFamilies, primary: 'primary ipFamily', secondary: 'secondary IP family' };
  const errors = validateListUpdate(givenClusterIPs(service.spec), givenClusterIPs(old.spec), ips, service);
  if (isHeadless(service) && isHeadless(old)) return errors;
  return [...errors, ...validateListUpdate(service.spec.ipFamilies ?? [], old.spec.ipFamilies ?? [], families, service)];
}
