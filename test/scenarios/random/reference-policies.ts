// The reference's reading of NetworkPolicies: Kubernetes' sentences, word for word, slowly.
import ipaddr from 'ipaddr.js';
import { namespaceKind } from '../../../src/kube/kinds/namespace.ts';
import { networkPolicyKind } from '../../../src/kube/kinds/network-policy.ts';
import { podKind } from '../../../src/kube/kinds/pod.ts';
import type { Pod } from '../../../src/kube/objects/core.ts';
import type { LabelSelector } from '../../../src/kube/objects/meta.ts';
import type { NetworkPolicyPeer, NetworkPolicyPort } from '../../../src/kube/objects/networking.ts';
import type { Snapshot } from '../../../src/kube/store/store.ts';
import type { Packet } from '../../../src/model/packet.ts';

export const within = (address: string, cidr: string): boolean => {
  const [ip, range] = [ipaddr.parse(address), ipaddr.parseCIDR(cidr)];
  return ip.kind() === range[0].kind() && ip.match(range);
};
/** Without the freedom of spelling. */
export const plain = (address: string): string => ipaddr.parse(address).toString();
export const familyOf = (address: string): 4 | 6 => (ipaddr.parse(address).kind() === 'ipv4' ? 4 : 6);

export const isLive = ({ spec, status }: Pod): boolean => !spec.hostNetwork && status?.phase !== 'Succeeded' && status?.phase !== 'Failed';
export const ipsOf = ({ status }: Pod): string[] => status?.podIPs?.map(({ ip }) => ip) ?? [];
export const podAt = (seen: Snapshot, address: string): Pod | undefined => seen.list(podKind).find((pod) => isLive(pod) && ipsOf(pod).includes(address));

type Labels = Readonly<Record<string, string>> | undefined;

function selects({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Labels = {}): boolean {
  const pairsFit = Object.entries(matchLabels).every(([key, value]) => labels[key] === value);
  return pairsFit && matchExpressions.every(({ key, operator, values = [] }) => {
    const value = labels[key];
    if (operator === 'Exists') return value !== undefined;
    if (operator === 'DoesNotExist') return value === undefined;
    const isListed = value !== undefined && values.includes(value);
    return operator === 'In' ? isListed : !isListed;
  });
}

/** May the packet pass the policies that select `pod`? The far end is the source on the way in, else the destination. */
export function permits(seen: Snapshot, pod: Pod, way: 'Ingress' | 'Egress', packet: Packet): boolean {
  const space = pod.metadata.namespace;
  const other = way === 'Ingress' ? packet.source : packet.destination;
  const isolating = seen
    .list(networkPolicyKind)
    .filter(({ metadata, spec }) => metadata.namespace === space && selects(spec?.podSelector ?? {}, pod.metadata.labels))
    .filter(({ spec }) => (spec?.policyTypes ?? ['Ingress', ...(spec?.egress?.length ? ['Egress' as const] : [])]).includes(way));
  if (isolating.length === 0 || packet.protocol === 'ICMP') return true;
  const rules = isolating.flatMap(({ spec }) => (way === 'Ingress' ? (spec?.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports })) : (spec?.egress ?? []).map(({ to, ports }) => ({ peers: to, ports }))));
  return rules.some(({ peers = [], ports = [] }) => {
    const receiver = podAt(seen, packet.destination);
    const named = (peer?: NetworkPolicyPeer): boolean =>
      ports.length === 0 || ports.some((port) => fitsPort(port, packet, way === 'Egress' && peer?.ipBlock ? undefined : receiver));
    return peers.length === 0 ? named() : peers.some((peer) => fitsPeer(seen, peer, space, other) && named(peer));
  });
}

function fitsPeer(seen: Snapshot, { ipBlock, podSelector, namespaceSelector }: NetworkPolicyPeer, home: string | undefined, address: string): boolean {
  if (ipBlock) return within(address, ipBlock.cidr) && !(ipBlock.except ?? []).some((hole) => within(address, hole));
  const pod = podAt(seen, address);
  if (!pod) return false;
  const space = seen.get(namespaceKind, pod.metadata.namespace ?? '')?.metadata;
  const spaceFits = namespaceSelector ? selects(namespaceSelector, space?.labels) : pod.metadata.namespace === home;
  return spaceFits && selects(podSelector ?? {}, pod.metadata.labels);
}

function fitsPort({ protocol = 'TCP', port, endPort }: NetworkPolicyPort, packet: Packet, receiver: Pod | undefined): boolean {
  if (protocol !== packet.protocol) return false;
  if (port === undefined) return true;
  if (typeof port === 'number') return packet.destinationPort >= port && packet.destinationPort <= (endPort ?? port);
  const declared = receiver?.spec.containers.flatMap((container) => container.ports ?? []) ?? [];
  return declared.some((entry) => entry.name === port && (entry.protocol ?? 'TCP') === protocol && entry.containerPort === packet.destinationPort);
}
