// Which mixes of features the random worlds really made, and which verdicts each of them met: a generator that never
// makes a thing proves nothing about it. Counts; `missing` names what a long run must have met and did not.
import { networkPolicyKind } from '../../../src/kube/kinds/network-policy.ts';
import { nodeKind } from '../../../src/kube/kinds/node.ts';
import { podKind } from '../../../src/kube/kinds/pod.ts';
import { serviceKind } from '../../../src/kube/kinds/service.ts';
import type { NetworkPolicy } from '../../../src/kube/objects/networking.ts';
import type { Hop, Outcome } from '../../../src/model/packet.ts';
import type { Probe } from '../run/packet-lines.ts';
import type { Stage } from '../run/stage.ts';
import { behindHostPort, type Front, frontAt, near, nodeAt, type Target, targetsOf, usable } from './reference-services.ts';

const verdicts = ['pod', 'pod, hidden', 'node', 'outside', 'dropped', 'rejected', 'one of several'] as const;
type Verdict = (typeof verdicts)[number];

/** One packet with what it met on the node where it entered. */
interface Seen {
  readonly stage: Stage;
  readonly probe: Probe;
  readonly hops: readonly Hop[];
  readonly front?: Front | undefined;
  readonly targets: readonly Target[];
  readonly node: string;
}

const specOf = ({ front }: Seen) => front?.service.spec;
const isInside = ({ probe }: Seen): boolean => probe.from.type !== 'outside';
const hasOuterFront = ({ front }: Seen): boolean => front !== undefined && front.type !== 'cluster';
const isLocalOutside = (seen: Seen): boolean => hasOuterFront(seen) && specOf(seen)?.externalTrafficPolicy === 'Local';
const selfOf = ({ stage, node }: Seen) => stage.snapshot.get(nodeKind, node);
const here = ({ targets, node }: Seen) => targets.filter(({ listed }) => listed.nodeName === node);
const isDraining = (targets: readonly Target[]): boolean => targets.length > 0 && !targets.some(({ ready }) => ready) && usable(targets).length > 0;
const isNarrowed = (seen: Seen, by: 'forZones' | 'forNodes'): boolean => {
  const all = usable(seen.targets);
  return all.every(({ listed }) => listed.hints?.[by]?.length) && near(all, selfOf(seen)).length < all.length;
};
const balancedAt = ({ stage, probe }: Seen, ipMode: string) =>
  stage.snapshot.list(serviceKind).filter(({ status }) => status?.loadBalancer?.ingress?.some((each) => each.ip === probe.packet.destination && (each.ipMode ?? 'VIP') === ipMode));

function policiesOn({ stage, hops }: Seen, at: Hop['at']): NetworkPolicy[] {
  const causes = hops.flatMap((hop) => (hop.at === at && hop.because ? [hop.because] : []));
  return causes.flatMap(({ name, namespace }) => stage.snapshot.get(networkPolicyKind, name, namespace) ?? []);
}
const allPolicies = (seen: Seen) => [...policiesOn(seen, 'egress policy'), ...policiesOn(seen, 'ingress policy')];
const mentions = (word: RegExp) => (seen: Seen): boolean => allPolicies(seen).some(({ spec }) => word.test(JSON.stringify(spec)));

/** A feature, whether a packet met it, and the verdicts that it must have met in a long run. */
const features: readonly (readonly [name: string, met: (seen: Seen) => boolean, needed: readonly Verdict[]])[] = [
  ['IPv4', ({ probe }) => probe.packet.family === 4, verdicts],
  ['IPv6', ({ probe }) => probe.packet.family === 6, verdicts],
  ['TCP', ({ probe }) => probe.packet.protocol === 'TCP', verdicts],
  ['UDP', ({ probe }) => probe.packet.protocol === 'UDP', verdicts],
  ['SCTP', ({ probe }) => probe.packet.protocol === 'SCTP', verdicts],
  ['ICMP', ({ probe }) => probe.packet.protocol === 'ICMP', ['pod', 'node', 'outside', 'dropped', 'rejected']],
  ['from a pod', ({ probe }) => probe.from.type === 'pod', verdicts],
  ['from a node', ({ probe }) => probe.from.type === 'node', ['pod', 'node', 'outside', 'dropped', 'rejected', 'one of several']],
  ['from outside', ({ probe }) => probe.from.type === 'outside', verdicts],
  ['to a pod', ({ front, stage, probe }) => !front && stage.world.pods.has(probe.packet.destination), ['pod', 'dropped']],
  ['to a node', ({ front, stage, probe }) => !front && nodeAt(stage.snapshot, probe.packet.destination) !== undefined, ['node', 'pod']],
  ['cluster IP', ({ front }) => front?.type === 'cluster', verdicts],
  ['balancer address', ({ front }) => front?.type === 'balancer', verdicts],
  ['external IP', ({ front }) => front?.type === 'external', verdicts],
  ['node port', ({ front }) => front?.type === 'node', verdicts],
  ['host port', ({ front, stage, node, probe }) => !front && behindHostPort(stage, node, probe.packet) !== undefined, ['pod', 'dropped']],
  ['unknown port of a balancer', (seen) => !seen.front && balancedAt(seen, 'VIP').length > 0, ['rejected', 'outside']],
  ['balancer of mode Proxy', (seen) => !seen.front && balancedAt(seen, 'Proxy').length > 0, ['outside']],
  ['address of a node as a front', (seen) => hasOuterFront(seen) && seen.front?.type !== 'node' && nodeAt(seen.stage.snapshot, seen.probe.packet.destination) !== undefined, ['pod', 'pod, hidden', 'rejected']],
  ['internal Local', (seen) => seen.front?.type === 'cluster' && specOf(seen)?.internalTrafficPolicy === 'Local', ['pod', 'dropped', 'rejected', 'one of several']],
  ['external Local, outside', (seen) => isLocalOutside(seen) && !isInside(seen), ['pod', 'dropped', 'rejected', 'one of several']],
  ['external Local, inside', (seen) => isLocalOutside(seen) && isInside(seen), ['pod', 'rejected', 'one of several']],
  ['Local, only draining here', (seen) => isLocalOutside(seen) && !isInside(seen) && isDraining(here(seen)), ['pod']],
  ['Local, ready elsewhere only', (seen) => isLocalOutside(seen) && !isInside(seen) && here(seen).length === 0 && usable(seen.targets).length > 0, ['dropped']],
  ['only draining anywhere', (seen) => !isLocalOutside(seen) && isDraining(seen.targets), ['pod', 'pod, hidden', 'one of several']],
  ['endpoints, none usable', (seen) => seen.targets.length > 0 && usable(seen.targets).length === 0, ['rejected']],
  ['ready and draining mixed', ({ targets }) => targets.some(({ ready }) => ready) && targets.some(({ ready, draining }) => draining && !ready), ['pod', 'pod, hidden', 'one of several']],
  ['narrowed to the zone', (seen) => isNarrowed(seen, 'forZones'), ['pod', 'pod, hidden', 'one of several']],
  ['narrowed to the node', (seen) => isNarrowed(seen, 'forNodes'), ['pod', 'pod, hidden']],
  ['hints that are ignored', (seen) => seen.targets.some(({ listed }) => listed.hints) && near(usable(seen.targets), selfOf(seen)).length === usable(seen.targets).length, ['pod', 'one of several']],
  ['session affinity', (seen) => specOf(seen)?.sessionAffinity === 'ClientIP', verdicts],
  ['source ranges', (seen) => seen.front?.type === 'balancer' && /source-?ranges/i.test(JSON.stringify(seen.front.service)), ['pod', 'dropped', 'rejected']],
  ['named target port', ({ front }) => typeof front?.port.targetPort === 'string', ['pod', 'dropped', 'rejected', 'one of several']],
  ['not ready, published', (seen) => specOf(seen)?.publishNotReadyAddresses === true && seen.targets.some(({ listed }) => listed.conditions?.serving === false), ['pod', 'dropped']],
  ['two families', (seen) => specOf(seen)?.clusterIPs?.length === 2, verdicts],
  ['IPv6 first', (seen) => specOf(seen)?.ipFamilies?.join() === 'IPv6,IPv4', ['pod', 'dropped', 'rejected', 'one of several']],
  ['endpoint on a node address', ({ targets, stage }) => usable(targets).some(({ address }) => nodeAt(stage.snapshot, address)), ['node', 'dropped', 'one of several']],
  ['endpoint outside', ({ targets }) => usable(targets).some(({ address }) => /^(172|203|2001)/.test(address)), ['outside', 'one of several']],
  ['hairpin', (seen) => usable(seen.targets).some(({ address }) => address === seen.probe.packet.source) && seen.probe.from.type === 'pod', ['pod, hidden', 'one of several']],
  ['nobody proxies it', ({ stage, probe }) => stage.snapshot.list(serviceKind).some(({ spec, metadata }) => spec.clusterIPs?.includes(probe.packet.destination) && JSON.stringify(metadata.labels ?? {}).includes('service.kubernetes.io/')), ['dropped']],
  ['node ports on some addresses', ({ stage }) => stage.scope.nodePortAddresses !== undefined, verdicts],
  ['pods keep their source', ({ stage, probe }) => stage.scope.keepsPodSources === true && probe.from.type === 'pod', ['pod', 'outside']],
  ['egress policy', (seen) => policiesOn(seen, 'egress policy').length > 0, ['pod', 'outside', 'dropped']],
  ['ingress policy', (seen) => policiesOn(seen, 'ingress policy').length > 0, ['pod', 'pod, hidden', 'dropped']],
  ['policies behind a Service', (seen) => seen.front !== undefined && allPolicies(seen).length > 0, ['pod', 'dropped', 'one of several']],
  ['policy with except', mentions(/"except"/), ['pod', 'outside', 'dropped']],
  ['policy with a named port', mentions(/"port":"/), ['pod', 'dropped']],
  ['policy with endPort', mentions(/"endPort"/), ['pod', 'dropped']],
  ['to a pod that has ended', ({ stage, probe }) => !stage.world.pods.has(probe.packet.destination) && stage.snapshot.list(podKind).some(({ spec, status }) => !spec.hostNetwork && status?.podIPs?.some(({ ip }) => ip === probe.packet.destination)), ['dropped']],
];

function verdictOf({ trace }: Outcome): Verdict {
  if (trace.verdict === 'rejected') return 'rejected';
  if (trace.verdict !== 'delivered') return 'dropped';
  if (trace.to?.kind === 'Pod') return trace.masqueraded ? 'pod, hidden' : 'pod';
  return trace.to?.kind === 'Node' ? 'node' : 'outside';
}

export interface Coverage {
  note(stage: Stage, probe: Probe, outcomes: readonly Outcome[]): void;
  print(): string;
  /** `feature: verdict`, for each that is needed and was never met. */
  missing(): string[];
}

export function createCoverage(): Coverage {
  const counts = new Map(features.map(([name]) => [name, new Map<Verdict, number>()]));
  const countOf = (name: string, verdict: Verdict): number => counts.get(name)?.get(verdict) ?? 0;
  return {
    note(stage, probe, outcomes) {
      const node = probe.from.type === 'outside' ? probe.from.arrivesAt : probe.from.node;
      const front = node === '' ? undefined : frontAt(stage, node, probe.packet);
      const seen: Seen = { stage, probe, node, front, targets: front ? targetsOf(stage, front, probe.packet.family, node) : [], hops: outcomes.flatMap(({ trace }) => trace.hops) };
      const met = new Set<Verdict>([...outcomes.map(verdictOf), ...(outcomes.length > 1 ? (['one of several'] as const) : [])]);
      for (const [name, isMet] of features) {
        if (!isMet(seen)) continue;
        const row = counts.get(name)!;
        for (const verdict of met) row.set(verdict, (row.get(verdict) ?? 0) + 1);
      }
    },
    print() {
      const line = (name: string, cells: readonly unknown[]) => [name.padEnd(30), ...cells.map((cell) => String(cell).padStart(15))].join('');
      return [line('', verdicts), ...features.map(([name]) => line(name, verdicts.map((verdict) => countOf(name, verdict))))].join('\n');
    },
    missing: () => features.flatMap(([name, , needed]) => needed.filter((verdict) => countOf(name, verdict) === 0).map((verdict) => `${name}: ${verdict}`)),
  };
}
