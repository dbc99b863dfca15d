// Which connections get this node's address as their source: the one place where that is decided.
// Serves trace.ts and node/dataplane, which renders the same three rules.
// Why at all: replies must pass the node that rewrote the destination, or the client sees a stranger answer.
//
//   1. hairpin   a pod reached itself through a Service: it would answer itself inside its own namespace
//   2. foreign   the client is elsewhere (outside, another node, another node's pod): its replies would take
//                another way back. Not when a Local external policy confined it to endpoints here (KPX-33, KPX-34),
//                and not by a host port: its pod is here (HPT-12)
//   3. outbound  a pod of this node speaks to an address that is neither pod nor node: nobody out there can
//                answer a pod address (NET-17). Judged on the packet after destination translation
//
// Everything else keeps its source: pods of this node (KPX-05) and the node itself, which already speaks
// with its own address. Policies on this node see the source before it is rewritten, on other nodes after.
import { inRanges } from '../../base/net/prefix-list.ts';
import type { KeptSources, VirtualAddress } from '../network-model.ts';

/** Where a connection comes from, as this node sees it. A process of another node counts as outside. */
export type ClientPlace = 'pod here' | 'this node' | 'pod elsewhere' | 'outside';

/**
 * Local policies bind everyone on a cluster IP, but only clients from outside on the other addresses:
 * pods and the node itself keep the whole cluster's endpoints there (KPX-36, PROXY-19).
 */
export const confinedToLocal = (virtual: Pick<VirtualAddress, 'type' | 'localOnly'>, client: ClientPlace): boolean =>
  virtual.localOnly && (virtual.type === 'clusterIP' || client === 'outside');

/** Rules 1 and 2, for a connection that a Service sent to an endpoint. Answers the reason, or undefined to keep the source. */
export function serviceMasquerade(
  virtual: Pick<VirtualAddress, 'type' | 'localOnly'>,
  client: ClientPlace,
  source: string,
  endpoint: string,
): 'hairpin' | 'foreign' | undefined {
  if (client === 'pod here' && source === endpoint) return 'hairpin';
  if (client === 'pod here' || client === 'this node' || virtual.type === 'hostPort') return undefined;
  return virtual.type !== 'clusterIP' && confinedToLocal(virtual, client) ? undefined : 'foreign';
}

/** The same where an operator has said whose address endpoints see. The node itself always speaks with its own. */
export function chosenMasquerade(keeps: KeptSources | undefined, virtual: Pick<VirtualAddress, 'type' | 'localOnly'>, { client, source }: { client: ClientPlace; source: string }, endpoint: string): 'hairpin' | 'foreign' | undefined {
  if (keeps === 'cluster pods' && client === 'pod elsewhere') return serviceMasquerade(virtual, 'pod here', source, endpoint);
  const usual = serviceMasquerade(virtual, client, source, endpoint);
  return usual === undefined && keeps === 'nobody' && client === 'pod here' ? serviceMasquerade(virtual, 'pod elsewhere', source, endpoint) : usual;
}

/** Rule 3. `inside` holds every pod range and the address of every node. */
export function outboundMasquerade(client: ClientPlace, destination: string, inside: readonly string[]): boolean {
  return client === 'pod here' && !inRanges(destination, inside);
}
