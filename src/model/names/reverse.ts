// From address to name (PTR): the directory turned around, once per directory and only when somebody asks.
import { addressFromBytes, printAddress, parseAddress } from '../../base/net/address.ts';
import type { Ref } from '../../kube/objects/meta.ts';
import type { NameDirectory } from '../network-model.ts';

export interface ReverseName {
  readonly target: string;
  readonly origin: Ref;
}

const turned = new WeakMap<NameDirectory, ReadonlyMap<string, readonly ReverseName[]>>();

/** The names of `4.3.2.1.in-addr.arpa` or its IPv6 form; undefined when no Service has the address. */
export function resolveAddress(directory: NameDirectory, reverseName: string): readonly ReverseName[] | undefined {
  const address = readReverseName(reverseName);
  if (address === undefined) return undefined;
  let names = turned.get(directory);
  if (!names) turned.set(directory, (names = turnAround(directory)));
  return names.get(address);
}

/** Cluster IPs take precedence over endpoints and stand alone (DNS-35). */
function turnAround({ domain, services }: NameDirectory): ReadonlyMap<string, readonly ReverseName[]> {
  const names = new Map<string, readonly ReverseName[]>();
  const clusterIPs = new Map<string, readonly ReverseName[]>();
  for (const [key, { type, addresses, endpoints, origin }] of services) {
    const [namespace, service] = key.split('/');
    const host = `${service}.${namespace}.svc.${domain}`;
    for (const address of addresses) clusterIPs.set(address, [{ target: host, origin }]);
    if (type !== 'headless') continue;
    for (const { label, address, origin: cause } of endpoints) {
      names.set(address, [...(names.get(address) ?? []), { target: `${label}.${host}`, origin: cause }]);
    }
  }
  return new Map([...names, ...clusterIPs]);
}

const v4Suffix = '.in-addr.arpa';
const v6Suffix = '.ip6.arpa';

/** `1.0.96.10.in-addr.arpa` → `10.96.0.1`; undefined when it is no whole address. */
export function readReverseName(name: string): string | undefined {
  if (name.endsWith(v4Suffix)) {
    const address = parseAddress(name.slice(0, -v4Suffix.length).split('.').toReversed().join('.'));
    return address?.family === 4 ? printAddress(address) : undefined;
  }
  const nibbles = name.slice(0, -v6Suffix.length).split('.').toReversed();
  if (nibbles.length !== 32 || !nibbles.every((nibble) => /^[0-9a-f]$/.test(nibble))) return undefined;
  return printAddress(addressFromBytes(Buffer.from(nibbles.join(''), 'hex')));
}
