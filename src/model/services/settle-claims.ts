// Two Services may name the same external address and port; nobody forbids it (SVC-109), but a packet needs one answer.
// The older Service keeps it, then the first by key; the other loses that address and hears of it.
import type { Problem, ServicePort, VirtualAddress } from '../network-model.ts';
import { printRef } from '../network-model.ts';

/** A port that has addresses beyond cluster IP and node port, with the age of its Service. */
export interface Claimant {
  readonly port: ServicePort;
  /** creationTimestamp; '' sorts first. */
  readonly since: string;
}

export const claimsAddresses = (port: ServicePort): boolean => port.virtual.some(isClaim);

const isClaim = ({ type }: VirtualAddress): boolean => type === 'loadBalancer' || type === 'externalIP';

/** Answers the ports that lose addresses, by key, without them. */
export function settleClaims(claimants: readonly Claimant[]): { losers: ReadonlyMap<string, ServicePort>; problems: readonly Problem[] } {
  const owners = new Map<string, ServicePort>();
  const losers = new Map<string, ServicePort>();
  const problems: Problem[] = [];
  for (const { port } of [...claimants].sort(byAge)) {
    const kept = port.virtual.filter((virtual) => {
      const owner = isClaim(virtual) ? claim(owners, port, virtual) : undefined;
      if (owner && owner !== port) problems.push(taken(port, owner, virtual));
      return owner === undefined;
    });
    if (kept.length < port.virtual.length) losers.set(port.key, { ...port, virtual: kept });
  }
  return { losers, problems };
}

/** The one who came before; undefined when the claim is granted. A Service may list one address twice: once is enough. */
function claim(owners: Map<string, ServicePort>, port: ServicePort, { address, port: number }: VirtualAddress): ServicePort | undefined {
  const key = `${address} ${port.protocol} ${number}`;
  const owner = owners.get(key);
  if (!owner) owners.set(key, port);
  return owner;
}

const taken = (port: ServicePort, owner: ServicePort, virtual: VirtualAddress): Problem => ({
  about: port.origin,
  reason: 'AddressConflict',
  message: `${virtual.address} port ${virtual.port}/${port.protocol} belongs to the older ${printRef(owner.origin)}`,
});

function byAge(a: Claimant, b: Claimant): number {
  if (a.since !== b.since) return a.since < b.since ? -1 : 1;
  return a.port.key < b.port.key ? -1 : 1;
}
