// Why each endpoint of a Service gets new connections from a node, or does not. Serves `fairlead service`;
// the decision itself is usable-endpoints.ts, asked here again and put into words.
import { inRanges } from '../../base/net/prefix-list.ts';
import type { EndpointSlice } from '../../kube/objects/networking.ts';
import type { ServicePortSpec } from '../../kube/objects/core.ts';
import type { Endpoint, ServicePort } from '../network-model.ts';
import { type Candidate, mergeCandidates, portKey, readSlice } from './slice-endpoints.ts';
import { type Place, usableEndpoints } from './usable-endpoints.ts';

export interface EndpointReason {
  readonly endpoint: Endpoint;
  /** For clients that no Local policy binds. */
  readonly isUsed: boolean;
  /** For clients bound to this node by a Local policy; absent where the Service has none. */
  readonly isUsedLocally?: boolean;
  readonly why: string;
}

export interface Surroundings extends Place {
  readonly serviceCIDRs: readonly string[];
}

/** `slices` of the Service, whatever their family; those of other families than the port's are left out. */
export function endpointReasons(port: ServicePort, spec: Pick<ServicePortSpec, 'name' | 'protocol'>, slices: readonly EndpointSlice[], around: Surroundings): EndpointReason[] {
  const lists = slices.filter(({ addressType }) => addressType === `IPv${port.family}`).map((slice) => readSlice(slice, around.node));
  const candidates = mergeCandidates(lists.map((list) => list.get(portKey(spec.name, spec.protocol)) ?? []));
  const real = candidates.filter(({ endpoint }) => !inRanges(endpoint.address, around.serviceCIDRs));
  const { cluster, local } = usableEndpoints(real, around);
  const anyReady = real.some(({ ready }) => ready);
  return candidates.map((candidate): EndpointReason => {
    const { endpoint } = candidate;
    const isUsed = cluster.includes(endpoint);
    const why = real.includes(candidate) ? reasonOf(candidate, { isUsed, anyReady, around }) : 'its address lies inside the service range';
    return { endpoint, isUsed, why, ...(port.localEndpoints && { isUsedLocally: local.includes(endpoint) }) };
  });
}

interface Judged {
  readonly isUsed: boolean;
  readonly anyReady: boolean;
  readonly around: Surroundings;
}

function reasonOf({ ready, serving, terminating, zoneHints, nodeHints }: Candidate, { isUsed, anyReady, around }: Judged): string {
  if (isUsed) return ready ? 'ready' : 'terminating, but it still serves, and nothing is ready';
  if (terminating) return serving ? 'terminating; others are ready' : 'terminating, and it no longer serves';
  if (!ready) return 'not ready';
  const hints = [...nodeHints.map((name) => `node ${name}`), ...zoneHints.map((name) => `zone ${name || '""'}`)].join(', ');
  return anyReady ? `other zone: hinted for ${hints}; here is ${around.zone === undefined ? `node ${around.node}` : `zone ${around.zone}`}` : 'not ready';
}
