// Rules for IP addresses and prefixes in objects, with upstream's texts.
// Stricter than upstream where it is lenient by history: leading zeros are refused, not warned about.
import { type Address, parseAddress, printAddress } from '../../../base/net/address.ts';
import { contains, parsePrefix, type Prefix, prefixOf, printPrefix } from '../../../base/net/prefix.ts';
import { type FieldError, invalid } from '../field-error.ts';

export const notAnAddress = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
export const notAPrefix = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';

const special: readonly [ranges: Prefix[], complaint: string][] = [
  [['0.0.0.0/32'].map(prefixOf), 'may not be unspecified (0.0.0.0)'],
  [['::/128'].map(prefixOf), 'may not be unspecified (::)'],
  [['127.0.0.0/8', '::1/128'].map(prefixOf), 'may not be in the loopback range (127.0.0.0/8, ::1/128)'],
  [['169.254.0.0/16', 'fe80::/10'].map(prefixOf), 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'],
  [['224.0.0.0/24', 'ff02::/16'].map(prefixOf), 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'],
];

/** `::ffff:10.0.0.1` is judged as 10.0.0.1, or a mapped loopback address would slip through. */
function unmapped(address: Address): Address {
  const mapped = address.family === 6 && address.value >> 32n === 0xffffn;
  return mapped ? { family: 4, value: address.value & 0xffff_ffffn } : address;
}

export const validateAddress = (text: string, field: string): FieldError[] =>
  parseAddress(text) ? [] : [invalid(field, text, notAnAddress)];

/** Addresses that can never be an endpoint or an external address. */
export function validateOrdinaryAddress(text: string, field: string): FieldError[] {
  const parsed = parseAddress(text);
  if (!parsed) return [invalid(field, text, notAnAddress)];
  const address = unmapped(parsed);
  return special
    .filter(([ranges]) => ranges.some((range) => contains(range, address)))
    .map(([, complaint]) => invalid(field, text, complaint));
}

export const validatePrefix = (text: string, field: string): FieldError[] =>
  parsePrefix(text) ? [] : [invalid(field, text, notAPrefix)];

/** A warning when an IPv6 text is not the canonical one; readers that compare texts would loop. */
export function addressWarnings(text: string, field: string): string[] {
  const address = parseAddress(text);
  if (!address || address.family === 4 || printAddress(address) === text) return [];
  const canonical = printAddress(address);
  return [
    `${field}: IPv6 address ${JSON.stringify(text)} is not in RFC 5952 canonical format (${JSON.stringify(canonical)}), which may cause controller apply-loops`,
  ];
}

export function prefixWarnings(text: string, field: string): string[] {
  const prefix = parsePrefix(text);
  if (!prefix) return [];
  const [host = '', length] = text.split('/');
  const address = parseAddress(host);
  const canonical = printPrefix(prefix);
  if (address && address.value !== prefix.first) {
    const single = `${printAddress(address)}/${address.family === 4 ? 32 : 128}`;
    return [`${field}: CIDR value ${JSON.stringify(text)} is ambiguous in this context (should be ${JSON.stringify(canonical)} or ${JSON.stringify(single)}?)`];
  }
  if (prefix.family === 4 || `${host}/${length}` === canonical) return [];
  return [
    `${field}: IPv6 prefix ${JSON.stringify(text)} is not in RFC 5952 canonical format (${JSON.stringify(canonical)}), which may cause controller apply-loops`,
  ];
}
