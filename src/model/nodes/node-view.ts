// What a node knows of itself and of the others: addresses, pod ranges, zone. Serves routing, announcing and traces.
import { canonicalAddress, familyOf } from '../../base/net/address.ts';
import { parsePrefix } from '../../base/net/prefix.ts';
import { deepEqual, memoByIdentity } from '../../base/data/memo.ts';
import type { Node } from '../../kube/objects/core.ts';
import type { Family } from '../../kube/objects/meta.ts';
import type { NodeView, Peer } from '../network-model.ts';

/** Only addresses that the node itself carries: an ExternalIP may belong to a translating gateway. */
export const nodeIps = ({ status }: Node): readonly string[] =>
  (status?.addresses ?? []).flatMap(({ type, address }) => (type === 'InternalIP' ? (canonicalAddress(address) ?? []) : []));

export const nodePodCIDRs = ({ spec }: Node): readonly string[] =>
  (spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : [])).filter((cidr) => parsePrefix(cidr));

/** The address by which a node is known in one family. */
export const ipOfFamily = (ips: readonly string[], family: Family): string | undefined => ips.find((ip) => familyOf(ip) === family);

function peerOf(node: Node): Peer | undefined {
  const ips = nodeIps(node);
  const podCIDRs = nodePodCIDRs(node);
  if (ips.length === 0 || podCIDRs.length === 0) return undefined;
  return { name: node.metadata.name, ips, podCIDRs, origin: { kind: 'Node', name: node.metadata.name } };
}

/** The view keeps its identity while nothing in it changed: heartbeats touch Node objects all the time. */
export function createNodeViewCompiler(self: string | undefined): (nodes: readonly Node[], announces: readonly string[]) => NodeView {
  const read = memoByIdentity((node: Node) => peerOf(node));
  let last: NodeView | undefined;
  return (nodes, announces) => {
    const own = nodes.find(({ metadata }) => metadata.name === self);
    const zone = own?.metadata.labels?.['topology.kubernetes.io/zone'];
    const fresh: NodeView = {
      name: self ?? '',
      ips: own ? nodeIps(own) : [],
      podCIDRs: own ? nodePodCIDRs(own) : [],
      ...(zone === undefined ? {} : { zone }),
      peers: nodes.flatMap((node) => (node === own ? [] : (read(node) ?? []))),
      announces,
    };
    last = deepEqual(last, fresh) ? (last as NodeView) : fresh;
    return last;
  };
}
