// Why can (or cannot) this pod reach that destination? Name → address → Service → policies → verdict, from the model.
// Pure: the same question to the same snapshot has the same answer. Serves `fairlead why`; explanations print in print-explanation.ts.
import { familyOf, parseAddress } from '../../base/net/address.ts';
import { nodeKind } from '../../kube/kinds/node.ts';
import { podKind } from '../../kube/kinds/pod.ts';
import { serviceKind } from '../../kube/kinds/service.ts';
import type { Pod } from '../../kube/objects/core.ts';
import type { Protocol, Ref } from '../../kube/objects/meta.ts';
import type { Snapshot } from '../../kube/store/store.ts';
import { createCompiler } from '../../model/compile.ts';
import { type NameAnswer, resolveName } from '../../model/names/resolve.ts';
import type { NetworkModel, Scope } from '../../model/network-model.ts';
import { compileWorld } from '../../model/nodes/world.ts';
import { nodeIps } from '../../model/nodes/node-view.ts';
import type { From, Outcome, Packet } from '../../model/packet.ts';
import { type Models, trace } from '../../model/trace.ts';

export interface Question {
  pod: { name: string; namespace: string };
  /** A name as the pod would write it, or an address. */
  destination: string;
  port: number;
  protocol: Protocol;
}

/** One way of reading the destination's name, in the order the pod's resolver tries them. */
export interface NameStep {
  name: string;
  outcome: NameAnswer['outcome'];
  addresses: readonly string[];
  because?: Ref;
}

/** A packet that the pod may send, and what can become of it. */
export interface Try {
  packet: Packet;
  outcomes: readonly Outcome[];
}

export interface Explanation {
  from: { pod: Ref; node: string; addresses: readonly string[] };
  names: readonly NameStep[];
  /** The question to the cluster's DNS, where a name was given and the question gets no answer. */
  unheard?: Try;
  /** One per address that the pod may try; the resolver's order. */
  tries: readonly Try[];
  verdict: 'delivered' | 'fails' | 'sometimes';
  /** Chance that a connection succeeds. */
  chance: number;
  /** What is wrong when it fails, in one sentence. */
  reason?: string;
}

/** The question itself cannot be asked: no such pod, not running yet. */
export class QuestionError extends Error {}

/** resolv.conf of a ClusterFirst pod: below this many dots the search list comes first. */
const ndots = 5;

export function explain(seen: Snapshot, question: Question, scope: Scope): Explanation {
  const pod = findPod(seen, question);
  const addresses = pod.status?.podIPs?.map(({ ip }) => ip) ?? [];
  const node = pod.spec.nodeName ?? '';
  const ref: Ref = { kind: 'Pod', namespace: question.pod.namespace, name: question.pod.name };
  const models = compileModels(seen, scope);
  const from: Explanation['from'] = { pod: ref, node, addresses };
  const names = parseAddress(question.destination) ? [] : resolveAsPod(models, question);
  const targets = names.length === 0 ? [question.destination] : (names.at(-1)?.addresses ?? []);
  const world = compileWorld(seen);
  const place: From = pod.spec.hostNetwork ? { type: 'node', node } : { type: 'pod', pod: ref, node };
  const follow = (destination: string, about: Pick<Question, 'port' | 'protocol'>): Try[] => {
    const packet = packetTo(destination, about, addresses);
    return packet ? [{ packet, outcomes: trace(packet, place, models, world) }] : [];
  };
  const unheard = names.length === 0 ? undefined : dnsOf(seen, pod).flatMap((dns) => follow(dns, { port: 53, protocol: 'UDP' })).find(({ outcomes }) => chanceOf(outcomes) === 0);
  if (unheard) return { from, names, unheard, tries: [], verdict: 'fails', chance: 0, reason: `the cluster's DNS does not answer the pod: ${failure([unheard])}` };
  const tries = targets.flatMap((destination) => follow(destination, question));
  return { from, names, tries, ...judge(tries, names, question) };
}

/** Where the pod's resolv.conf points; none where that is not the cluster's DNS, or where the cluster has none. */
function dnsOf(seen: Snapshot, { spec: { dnsPolicy = 'ClusterFirst', hostNetwork } }: Pod): string[] {
  const asksCluster = dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !hostNetwork);
  const address = seen.get(serviceKind, 'kube-dns', 'kube-system')?.spec.clusterIP;
  return asksCluster && address && address !== 'None' ? [address] : [];
}

function findPod(seen: Snapshot, { pod: { name, namespace } }: Question): Pod {
  const pod = seen.get(podKind, name, namespace);
  if (!pod) {
    const near = seen.list(podKind).filter((each) => each.metadata.namespace === namespace && each.metadata.name.startsWith(name));
    const hint = near.length > 0 ? `; did you mean ${near.slice(0, 3).map((each) => each.metadata.name).join(', ')}?` : '';
    throw new QuestionError(`there is no pod ${name} in namespace ${namespace}${hint}`);
  }
  if (!pod.spec.nodeName) throw new QuestionError(`pod ${name} has no node yet (${pod.status?.conditions?.find((c) => c.type === 'PodScheduled')?.message ?? 'not scheduled'})`);
  if (!pod.status?.podIP) throw new QuestionError(`pod ${name} has no address yet (phase ${pod.status?.phase ?? 'unknown'})`);
  return pod;
}

/** Every node's view of the network, because a packet may cross several. */
export function compileModels(seen: Snapshot, scope: Scope): Models {
  const nodes = seen.list(nodeKind).filter((node) => nodeIps(node).length > 0);
  return new Map(nodes.map((node): [string, NetworkModel] => [node.metadata.name, createCompiler({ ...scope, node: node.metadata.name })(seen)]));
}

/** Tries what the pod's resolver would try, until a name has addresses. */
function resolveAsPod(models: Models, { destination, pod }: Question): NameStep[] {
  const directory = models.values().next().value?.names;
  if (!directory) return [];
  const { domain } = directory;
  const plain = destination.replace(/\.$/, '').toLowerCase();
  const searched = [`${pod.namespace}.svc.${domain}`, `svc.${domain}`, domain].map((suffix) => `${plain}.${suffix}`);
  const order = destination.endsWith('.') ? [plain] : plain.split('.').length > ndots ? [plain, ...searched] : [...searched, plain];
  const steps: NameStep[] = [];
  for (const name of order) {
    const answers = (['A', 'AAAA'] as const).map((type) => resolveName(directory, name, type));
    const records = answers.flatMap((answer) => answer.records);
    const addresses = records.flatMap((record) => ('address' in record ? [record.address] : []));
    const best = answers.find((answer) => answer.outcome === 'found') ?? answers[0]!;
    const because = records[0]?.origin;
    steps.push({ name, outcome: best.outcome, addresses, ...(because && { because }) });
    if (best.outcome === 'found') break;
  }
  return steps;
}

/** Undefined where the pod has no address of that family. */
function packetTo(destination: string, { port, protocol }: Pick<Question, 'port' | 'protocol'>, own: readonly string[]): Packet | undefined {
  const family = familyOf(destination);
  const source = own.find((address) => familyOf(address) === family);
  return source === undefined ? undefined : { family, protocol, source, sourcePort: 40_000, destination, destinationPort: port };
}

const succeeds = (outcome: Outcome): boolean => outcome.trace.verdict === 'delivered';
const chanceOf = (outcomes: readonly Outcome[]): number => outcomes.filter(succeeds).reduce((sum, { chance }) => sum + chance, 0);

function judge(tries: Explanation['tries'], names: readonly NameStep[], question: Question): Pick<Explanation, 'verdict' | 'chance' | 'reason'> {
  if (tries.length === 0) return { verdict: 'fails', chance: 0, reason: noTarget(names, question) };
  // A client goes on to the next address when one fails: the best one counts.
  const chance = Math.max(...tries.map(({ outcomes }) => chanceOf(outcomes)));
  if (chance > 0.999_999) return { verdict: 'delivered', chance: 1 };
  return { verdict: chance > 0 ? 'sometimes' : 'fails', chance, reason: failure(tries) };
}

/** The last thing that happened to the first packet that did not arrive. */
function failure(tries: readonly Try[]): string {
  const failed = tries.flatMap(({ outcomes }) => outcomes).find((outcome) => !succeeds(outcome));
  return failed?.trace.hops.at(-1)?.did ?? 'nobody answers';
}

function noTarget(names: readonly NameStep[], { destination }: Question): string {
  const last = names.at(-1);
  if (last?.outcome === 'notOurs') return `${destination} is no name of this cluster; it is asked of the servers outside, which are not in the model`;
  if (last?.outcome === 'found' || last?.outcome === 'noData') return `${last.name} exists but has no address of a family the pod has`;
  return `the name ${destination} does not exist`;
}
