// Cluster IPs: one per family, asked-for ones checked, missing ones handed out (SVC-48 … SVC-57, IPAM-01 … IPAM-26).
// Nothing is reserved beforehand: an address is taken when a stored Service carries it, so a refused write leaks nothing.
import { type Address, addressOf, parseAddress, printAddress } from '../../../base/net/address.ts';
import { contains, type Prefix, sizeOf } from '../../../base/net/prefix.ts';
import { internalError, invalidError } from '../../meaning/api-error.ts';
import { invalid } from '../../meaning/field-error.ts';
import type { Service } from '../../objects/core.ts';
import type { IPFamily } from '../../objects/meta.ts';
import { ipFamily, type ServiceRange } from '../cluster-config.ts';
import { type Bands, pickFree, staticAddresses } from './bands.ts';
import type { Taken } from './taken.ts';
import { givenClusterIPs, isHeadless } from './traits.ts';

export interface AddressPool {
  readonly ranges: readonly ServiceRange[];
  readonly taken: Taken;
  /** Nothing is handed out: the network address stands for what would be, and who has an address is not asked. */
  readonly isDryRun: boolean;
}

/** Usable addresses: neither the network address nor IPv4's broadcast address (IPAM-11). */
export function addressBands(prefix: Prefix): Bands {
  const size = sizeOf(prefix);
  const first = prefix.first + 1n;
  const last = prefix.first + size - (prefix.family === 4 ? 2n : 1n);
  return { first, last, dynamic: first + staticAddresses(size) };
}

const isUsable = (prefix: Prefix, address: Address): boolean => {
  const { first, last } = addressBands(prefix);
  return contains(prefix, address) && address.value >= first && address.value <= last;
};

const serviceNames = { apiVersion: 'v1', kind: 'Service', plural: 'services' };

function refuse(service: Service, ip: string, why: string): never {
  const error = invalid('spec.clusterIPs', givenClusterIPs(service.spec), `failed to allocate IP ${ip}: ${why}`);
  throw invalidError(serviceNames, service.metadata.name, [error]);
}

/** Throws ApiError 422 when the asked-for address is outside the ranges or taken. */
function claimAddress(service: Service, ip: string, pool: AddressPool): void {
  const address = parseAddress(ip);
  const ranges = pool.ranges.filter(({ prefix }) => prefix.family === address?.family);
  if (!address || !ranges.some(({ prefix }) => isUsable(prefix, address))) {
    const valid = ranges.map(({ text }) => text).join(', ') || 'none';
    refuse(service, ip, `the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${valid}`);
  }
  if (!pool.isDryRun && pool.taken.hasAddress(printAddress(address))) refuse(service, ip, 'provided IP is already allocated');
}

/** A free address for the Service, from the first range that has one. Throws ApiError 500 when all are full. */
function handOutAddress(service: Service, family: IPFamily, pool: AddressPool): string {
  const ranges = pool.ranges.filter((one) => one.family === family);
  if (ranges.length === 0) throw internalError(`failed to allocate a serviceIP: no range for ${family}`);
  if (pool.isDryRun) return printAddress({ family: ranges[0]!.prefix.family, value: ranges[0]!.prefix.first });
  const { namespace, name, uid } = service.metadata;
  for (const { prefix } of ranges) {
    const print = (value: bigint) => printAddress({ family: prefix.family, value });
    const free = pickFree(addressBands(prefix), `${namespace}/${name}/${uid}`, (value) => !pool.taken.hasAddress(print(value)));
    if (free !== undefined) return print(free);
  }
  throw internalError('failed to allocate a serviceIP: range is full');
}

const familyOfText = (ip: string): IPFamily => ipFamily(addressOf(ip).family);

/** The Service with one cluster IP per family; those it already had stay. */
export function withAddresses(service: Service, old: Service | undefined, pool: AddressPool): Service {
  const given = givenClusterIPs(service.spec);
  if (isHeadless(service)) return { ...service, spec: { ...service.spec, clusterIP: 'None', clusterIPs: ['None'] } };
  const kept = new Set(old && old.spec.type !== 'ExternalName' ? givenClusterIPs(old.spec) : []);
  // Asked-for addresses first: a handed-out one must never be in their way.
  for (const ip of given) if (!kept.has(ip)) claimAddress(service, ip, pool);
  const have = new Set(given.map(familyOfText));
  const missing = (service.spec.ipFamilies ?? []).filter((family) => !have.has(family));
  const clusterIPs = [...given, ...missing.map((family) => handOutAddress(service, family, pool))];
  return { ...service, spec: { ...service.spec, clusterIP: clusterIPs[0], clusterIPs } };
}
