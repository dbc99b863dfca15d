// Addresses, prefixes and URLs as Kubernetes' CEL knows them.
import { type Address, bitsOf, parseAddress, printAddress } from '../../../../base/net/address.ts';
import type { Library } from '../environment.ts';
import { EvalError, type Opaque } from '../values.ts';

const fail = (message: string): never => {
  throw new EvalError(message);
};

class Ip implements Opaque {
  readonly typeName = 'net.IP';
  readonly address: Address;
  constructor(address: Address) {
    this.address = address;
  }
  equals(other: Opaque): boolean {
    return other instanceof Ip && other.address.family === this.address.family && other.address.value === this.address.value;
  }
}

class Cidr implements Opaque {
  readonly typeName = 'net.CIDR';
  readonly address: Address;
  readonly length: number;
  constructor(address: Address, length: number) {
    this.address = address;
    this.length = length;
  }
  equals(other: Opaque): boolean {
    return other instanceof Cidr && other.length === this.length && other.address.family === this.address.family && other.address.value === this.address.value;
  }
}

/** As netip reads them, but no IPv4 inside of IPv6. */
function plainAddress(text: string): Address | undefined {
  const address = parseAddress(text);
  const isMapped = address?.family === 6 && address.value >> 32n === 0xffffn;
  return isMapped ? undefined : address;
}

const ipOf = (text: string): Ip => new Ip(plainAddress(text) ?? fail(`IP Address '${text}' parse error during conversion from string: ParseAddr("${text}"): unable to parse IP`));

function parseCidr(text: string): Cidr | undefined {
  const [address = '', length = '', ...more] = text.split('/');
  const parsed = more.length === 0 && /^(?:0|[1-9]\d{0,2})$/.test(length) ? plainAddress(address) : undefined;
  return parsed && Number(length) <= bitsOf(parsed.family) ? new Cidr(parsed, Number(length)) : undefined;
}

const cidrOf = (text: string): Cidr => parseCidr(text) ?? fail(`network address parse error during conversion from string: netip.ParsePrefix("${text}"): no '/'`);

const maskedOf = ({ address, length }: Cidr): Cidr => {
  const shift = BigInt(bitsOf(address.family) - length);
  return new Cidr({ ...address, value: (address.value >> shift) << shift }, length);
};

function within({ address, length }: Cidr, inner: Address): boolean {
  const shift = BigInt(bitsOf(address.family) - length);
  return inner.family === address.family && inner.value >> shift === address.value >> shift;
}

const contains = (outer: Cidr, inner: Cidr): boolean => outer.length <= inner.length && within(outer, maskedOf(inner).address);

const inRange = (ip: Ip, ...ranges: string[]): boolean => ranges.some((text) => within(cidrOf(text), ip.address));
const isLoopback = (ip: Ip): boolean => inRange(ip, '127.0.0.0/8', '::1/128');
const isLinkLocalMulticast = (ip: Ip): boolean => inRange(ip, '224.0.0.0/24', 'ff02::/16');
const isLinkLocalUnicast = (ip: Ip): boolean => inRange(ip, '169.254.0.0/16', 'fe80::/10');
const isUnspecified = ({ address }: Ip): boolean => address.value === 0n;
const isGlobalUnicast = (ip: Ip): boolean =>
  !isUnspecified(ip) && !isLoopback(ip) && !inRange(ip, '224.0.0.0/4', 'ff00::/8', '255.255.255.255/32') && !isLinkLocalUnicast(ip);

const addresses: Library = [
  ['ip(string): net.IP', ([text]) => ipOf(text)],
  ['isIP(string): bool', ([text]) => plainAddress(text) !== undefined],
  ['ip.isCanonical(string): bool', ([text]) => printAddress(ipOf(text).address) === text],
  ['string(net.IP): string', ([ip]: [Ip]) => printAddress(ip.address)],
  ['net.IP.family(): int', ([ip]: [Ip]) => BigInt(ip.address.family)],
  ['net.IP.isUnspecified(): bool', ([ip]) => isUnspecified(ip)],
  ['net.IP.isLoopback(): bool', ([ip]) => isLoopback(ip)],
  ['net.IP.isLinkLocalMulticast(): bool', ([ip]) => isLinkLocalMulticast(ip)],
  ['net.IP.isLinkLocalUnicast(): bool', ([ip]) => isLinkLocalUnicast(ip)],
  ['net.IP.isGlobalUnicast(): bool', ([ip]) => isGlobalUnicast(ip)],
  ['cidr(string): net.CIDR', ([text]) => cidrOf(text)],
  ['isCIDR(string): bool', ([text]) => parseCidr(text) !== undefined],
  ['string(net.CIDR): string', ([{ address, length }]: [Cidr]) => `${printAddress(address)}/${length}`],
  ['net.CIDR.containsIP(string): bool', ([cidr, text]) => within(cidr, ipOf(text).address)],
  ['net.CIDR.containsIP(net.IP): bool', ([cidr, ip]) => within(cidr, ip.address)],
  ['net.CIDR.containsCIDR(string): bool', ([cidr, text]) => contains(cidr, cidrOf(text))],
  ['net.CIDR.containsCIDR(net.CIDR): bool', ([cidr, other]) => contains(cidr, other)],
  ['net.CIDR.ip(): net.IP', ([{ address }]: [Cidr]) => new Ip(address)],
  ['net.CIDR.masked(): net.CIDR', ([cidr]) => maskedOf(cidr)],
  ['net.CIDR.prefixLength(): int', ([{ length }]: [Cidr]) => BigInt(length)],
];

class Url implements Opaque {
  readonly typeName = 'kubernetes.URL';
  readonly url: URL;
  readonly text: string;
  constructor(url: URL, text: string) {
    this.url = url;
    this.text = text;
  }
  equals(other: Opaque): boolean {
    return other instanceof Url && other.text === this.text;
  }
}

// Absolute paths are URLs too; a base makes them readable and is not shown.
const noScheme = 'relative://host';

function parseUrl(text: string): Url | undefined {
  const isPath = text.startsWith('/');
  if (!isPath && !/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(text)) return undefined;
  const url = URL.parse(text, isPath ? noScheme : undefined);
  return url && !/\s/.test(text) ? new Url(url, text) : undefined;
}

const isRelative = ({ url }: Url): boolean => url.protocol === 'relative:';
const authority = /^[^:]+:\/\/(?:[^/?#@]*@)?([^/?#]*)/;
const hostOf = (one: Url): string => (isRelative(one) ? '' : (authority.exec(one.text)?.[1] ?? ''));
const portOf = (one: Url): string => /:(\d*)$/.exec(hostOf(one))?.[1] ?? '';
const hostnameOf = (one: Url): string => hostOf(one).replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');

function queryOf({ url }: Url): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const key of new Set(url.searchParams.keys())) found.set(key, url.searchParams.getAll(key));
  return found;
}

const urls: Library = [
  ['url(string): kubernetes.URL', ([text]) => parseUrl(text) ?? fail(`URL parse error during conversion from string: parse "${text}": invalid URI for request`)],
  ['isURL(string): bool', ([text]) => parseUrl(text) !== undefined],
  ['kubernetes.URL.getScheme(): string', ([one]: [Url]) => (isRelative(one) ? '' : one.url.protocol.slice(0, -1))],
  ['kubernetes.URL.getHost(): string', ([one]) => hostOf(one)],
  ['kubernetes.URL.getHostname(): string', ([one]) => hostnameOf(one)],
  ['kubernetes.URL.getPort(): string', ([one]) => portOf(one)],
  ['kubernetes.URL.getEscapedPath(): string', ([one]: [Url]) => (/^[^:]+:\/\/[^/?#]*(?:[?#]|$)/.test(one.text) ? '' : one.url.pathname)],
  ['kubernetes.URL.getQuery(): map<string, list<string>>', ([one]) => queryOf(one)],
];

export const network: Library = [...addresses, ...urls];
