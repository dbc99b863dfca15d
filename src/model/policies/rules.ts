// Rules of policies → permits. One permit object per rule, shared by all pods the policy selects,
// except where a named port means another number on every selected pod. Serves compile-policies.ts.
import { memoByIdentity } from '../../base/data/memo.ts';
import type { Ref } from '../../kube/objects/meta.ts';
import type { NetworkPolicyPeer, NetworkPolicyPort } from '../../kube/objects/networking.ts';
import type { IpBlock, Permit, PortRange } from '../network-model.ts';
import { type Selectable, type SelectPods, ipBlockOf, peerFault, peerPods } from './peers.ts';
import type { PodFacts } from './pod-directory.ts';
import { namedWishes, numberedRanges, portFault, rangesOnPeers, rangesOnPod } from './ports.ts';

/** One ingress or egress rule, with `from` and `to` under one name. Made once per policy object: its identity is the memory's key. */
export interface Rule {
  readonly origin: Ref;
  readonly direction: 'ingress' | 'egress';
  readonly namespace: string;
  /** Absent = anyone. Faulty entries are already left out; a rule left with none permits nothing. */
  readonly peers?: readonly NetworkPolicyPeer[];
  /** Absent = any. */
  readonly ports?: readonly NetworkPolicyPort[];
}

export type PermitFor = (rule: Rule, pod: PodFacts) => Permit | undefined;

/** Sound entries of a rule; each fault goes to `report`. */
export function readRule(
  known: Pick<Rule, 'origin' | 'direction' | 'namespace'>,
  peers: readonly NetworkPolicyPeer[] | undefined,
  ports: readonly NetworkPolicyPort[] | undefined,
  report: (message: string) => void,
): Rule {
  const sound = <T>(entries: readonly T[] | undefined, faultOf: (entry: T) => string | undefined): readonly T[] | undefined => {
    if (!entries?.length) return undefined;
    return entries.filter((entry) => {
      const fault = faultOf(entry);
      if (fault) report(`${known.direction}: ${fault}; the entry permits nothing`);
      return fault === undefined;
    });
  };
  return { ...known, peers: sound(peers, peerFault), ports: sound(ports, portFault) };
}

interface Resolved {
  /** Complete but for ports named on the selected pod. */
  readonly permit: Permit;
  readonly namedHere: ReturnType<typeof namedWishes>;
}

/** Call once per compiler; then once per snapshot with what can be selected. */
export function createPermits(): (seen: Selectable, select: SelectPods) => PermitFor {
  const resolve = memoByIdentity((rule: Rule, ...lists: (readonly PodFacts[])[]): Resolved => resolveRule(rule, lists));
  return (seen, select) => (rule, pod) => {
    const { permit, namedHere } = resolve(rule, ...listsOf(rule, seen, select));
    if (namedHere.length === 0) return isDead(permit) ? undefined : permit;
    const own = { ...permit, ports: [...(permit.ports as readonly PortRange[]), ...rangesOnPod(namedHere, pod)] };
    return isDead(own) ? undefined : own;
  };
}

function listsOf(rule: Rule, seen: Selectable, select: SelectPods): readonly (readonly PodFacts[])[] {
  if (rule.peers) return rule.peers.flatMap((peer) => peerPods(peer, rule.namespace, seen, select));
  // "To anyone, at the port named so": every pod of the cluster may give the name a meaning.
  const needsNames = rule.direction === 'egress' && namedWishes(rule.ports ?? []).length > 0;
  return needsNames ? [...seen.pods.values()] : [];
}

function resolveRule(rule: Rule, lists: readonly (readonly PodFacts[])[]): Resolved {
  const pods = [...new Set(lists.flat())];
  const blocks = (rule.peers ?? []).flatMap(({ ipBlock }) => (ipBlock ? [ipBlockOf(ipBlock)] : []));
  const peers: readonly IpBlock[] | 'anyone' = rule.peers ? [...pods.flatMap((pod) => pod.blocks), ...blocks] : 'anyone';
  if (!rule.ports) return { permit: { peers, ports: 'any', origin: rule.origin }, namedHere: [] };
  const wishes = namedWishes(rule.ports);
  const elsewhere = rule.direction === 'egress' ? rangesOnPeers(wishes, pods) : [];
  const ports = [...numberedRanges(rule.ports), ...elsewhere];
  return { permit: { peers, ports, origin: rule.origin }, namedHere: rule.direction === 'ingress' ? wishes : [] };
}

const isDead = ({ peers, ports }: Permit): boolean => peers.length === 0 || ports.length === 0;
