// Ports of a rule → ranges. Named ports are looked up on the pod that receives the connection. Serves rules.ts.
import type { Protocol } from '../../kube/objects/meta.ts';
import type { NetworkPolicyPort } from '../../kube/objects/networking.ts';
import type { PortRange } from '../network-model.ts';
import type { PodFacts } from './pod-directory.ts';

const protocols: readonly string[] = ['TCP', 'UDP', 'SCTP'];

/** What keeps a port entry from being understood; it then permits nothing. */
export function portFault({ protocol = 'TCP', port, endPort }: NetworkPolicyPort): string | undefined {
  if (!protocols.includes(protocol)) return `protocol ${protocol} is not one of ${protocols.join(', ')}`;
  if (endPort === undefined) return undefined;
  if (typeof port !== 'number') return 'endPort needs a numeric port';
  return endPort < port ? `endPort ${endPort} lies before port ${port}` : undefined;
}

/** A range for every entry that carries no name. */
export const numberedRanges = (ports: readonly NetworkPolicyPort[]): PortRange[] =>
  ports.flatMap(({ protocol = 'TCP', port, endPort }) => {
    if (port === undefined) return [{ protocol }];
    return typeof port === 'number' ? [{ protocol, first: port, last: endPort ?? port }] : [];
  });

export interface NamedPortWish {
  readonly protocol: Protocol;
  readonly name: string;
}

export const namedWishes = (ports: readonly NetworkPolicyPort[]): NamedPortWish[] =>
  ports.flatMap(({ protocol = 'TCP', port }) => (typeof port === 'string' ? [{ protocol, name: port }] : []));

/** Name and protocol must both fit (NPT-25); a pod without such a port contributes nothing. */
export const rangesOnPod = (wishes: readonly NamedPortWish[], { namedPorts }: PodFacts): PortRange[] =>
  wishes.flatMap(({ protocol, name }) =>
    namedPorts
      .filter((port) => port.name === name && port.protocol === protocol)
      .map(({ port }) => ({ protocol, first: port, last: port })),
  );

/** Egress: the name may mean another number on every peer (NP, "Named port"). */
export const rangesOnPeers = (wishes: readonly NamedPortWish[], peers: readonly PodFacts[]): PortRange[] =>
  wishes.length === 0 ? [] : peers.flatMap((peer) => rangesOnPod(wishes, peer).flatMap((range) => peer.ips.map((onlyFor) => ({ ...range, onlyFor }))));
