// Who asks a Service, and how the asked node sees them. Serves explain-service.ts.
import { printAddress } from '../../base/net/address.ts';
import { nthAddress, prefixOf } from '../../base/net/prefix.ts';
import { nodeKind } from '../../kube/kinds/node.ts';
import { podKind } from '../../kube/kinds/pod.ts';
import type { Node } from '../../kube/objects/core.ts';
import type { Snapshot } from '../../kube/store/store.ts';
import { nodeIps, nodePodCIDRs } from '../../model/nodes/node-view.ts';
import type { ClientPlace } from '../../model/services/masquerade.ts';
import { QuestionError } from './explain.ts';

export type Asker = { type: 'pod'; name: string; namespace: string } | { type: 'node'; name: string } | { type: 'outside' };

export interface AskerView {
  /** The node whose rules are asked. */
  readonly node: string;
  readonly client: ClientPlace;
  /** Of each family at most one. */
  readonly sources: readonly string[];
  /** `pod client` */
  readonly words: string;
}

/** Stands for anyone out there (RFC 5737, RFC 3849). */
const strangers = ['203.0.113.1', '2001:db8::1'];

/** Without an asker: any pod of the node. Throws QuestionError. */
export function viewAsker(seen: Snapshot, from: Asker | undefined, node: string | undefined): AskerView {
  const at = nodeNamed(seen, node ?? homeOf(seen, from) ?? seen.list(nodeKind)[0]?.metadata.name);
  const name = at.metadata.name;
  if (from?.type === 'outside') return { node: name, client: 'outside', sources: strangers, words: 'a machine outside' };
  if (from?.type === 'node') return fromNode(seen, from.name, name);
  if (from?.type === 'pod') return fromPod(seen, from, name);
  // An address that no pod has: the last ones of a range are handed out last.
  const sources = nodePodCIDRs(at).map((cidr) => printAddress(nthAddress(prefixOf(cidr), 250)));
  return { node: name, client: 'pod here', sources, words: `a pod of node ${name}` };
}

function nodeNamed(seen: Snapshot, name: string | undefined): Node {
  if (name === undefined) throw new QuestionError('the cluster has no nodes');
  const found = seen.get(nodeKind, name);
  if (!found) throw new QuestionError(`there is no node ${name}`);
  return found;
}

function homeOf(seen: Snapshot, from: Asker | undefined): string | undefined {
  if (from?.type === 'node') return from.name;
  if (from?.type !== 'pod') return undefined;
  const pod = seen.get(podKind, from.name, from.namespace);
  if (!pod?.spec.nodeName) throw new QuestionError(`there is no running pod ${from.name} in namespace ${from.namespace}`);
  return pod.spec.nodeName;
}

/** A process of another node counts as outside (model/services/masquerade.ts). */
const fromNode = (seen: Snapshot, home: string, at: string): AskerView => ({
  node: at,
  client: home === at ? 'this node' : 'outside',
  sources: nodeIps(nodeNamed(seen, home)),
  words: `a process of node ${home}`,
});

function fromPod(seen: Snapshot, from: { name: string; namespace: string }, at: string): AskerView {
  const { spec, status } = seen.get(podKind, from.name, from.namespace)!;
  if (spec.hostNetwork) return fromNode(seen, spec.nodeName!, at);
  const sources = status?.podIPs?.map(({ ip }) => ip) ?? [];
  return { node: at, client: spec.nodeName === at ? 'pod here' : 'pod elsewhere', sources, words: `pod ${from.namespace}/${from.name}` };
}
