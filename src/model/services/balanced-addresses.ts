// The LoadBalancer addresses of the cluster and the nodes that may answer for them. Serves compile.ts.
import type { ServicePort } from '../network-model.ts';

/** Several Services may share one address: only nodes that suit all of them may answer for it. */
export function balancedAddresses(balanced: readonly ServicePort[]): { address: string; nodes: readonly string[] | 'any' }[] {
  const found = new Map<string, readonly string[] | 'any'>();
  for (const port of balanced) {
    for (const { type, address, localOnly } of port.virtual) {
      if (type !== 'loadBalancer' || address === undefined) continue;
      const nodes = localOnly ? (port.readyNodes ?? []) : 'any';
      found.set(address, narrower(found.get(address), nodes));
    }
  }
  return [...found].map(([address, nodes]) => ({ address, nodes })).sort((a, b) => (a.address < b.address ? -1 : 1));
}

function narrower(a: readonly string[] | 'any' | undefined, b: readonly string[] | 'any'): readonly string[] | 'any' {
  if (a === undefined || a === 'any') return b;
  return b === 'any' ? a : a.filter((name) => b.includes(name));
}
