// Who owns which address, cluster-wide: what a packet's path needs beyond one node's model.
// Serves trace.ts, and through it the `why` command and the tests.
import { canonicalAddress } from '../../base/net/address.ts';
import { nodeKind } from '../../kube/kinds/node.ts';
import { podKind } from '../../kube/kinds/pod.ts';
import type { Pod } from '../../kube/objects/core.ts';
import type { Ref } from '../../kube/objects/meta.ts';
import type { Snapshot } from '../../kube/store/store.ts';
import { nodeIps } from './node-view.ts';

export interface PodHome {
  readonly pod: Ref;
  readonly node: string;
}

export interface World {
  /** By address; host-network pods are absent: their address is their node's. */
  readonly pods: ReadonlyMap<string, PodHome>;
  /** Node name by address. */
  readonly nodes: ReadonlyMap<string, string>;
}

export function compileWorld(seen: Snapshot): World {
  return {
    pods: new Map(seen.list(podKind).flatMap(homesOf)),
    nodes: new Map(seen.list(nodeKind).flatMap((node) => nodeIps(node).map((ip): [string, string] => [ip, node.metadata.name]))),
  };
}

function homesOf({ metadata, spec, status }: Pod): [string, PodHome][] {
  const isGone = status?.phase === 'Succeeded' || status?.phase === 'Failed';
  if (spec.hostNetwork || isGone || spec.nodeName === undefined) return [];
  const home: PodHome = { pod: { kind: 'Pod', namespace: metadata.namespace, name: metadata.name }, node: spec.nodeName };
  const ips = status?.podIPs?.map(({ ip }) => ip) ?? [status?.podIP ?? ''];
  return ips.flatMap((ip) => canonicalAddress(ip) ?? []).map((ip) => [ip, home]);
}
