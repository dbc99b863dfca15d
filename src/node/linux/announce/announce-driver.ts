// Addresses that have come to this node are made known on its link at once. Runs after the rules: whoever is told
// must be served. A lost frame is not repeated; neighbours then find out by themselves, as they would without us.
import { announceAddresses } from './announcement.ts';
import type { Netns } from '../../netlink/namespaces.ts';
import type { Driver } from '../driver.ts';

const name = 'announcements';

/** The wish: all LoadBalancer addresses this node answers for. Those of the first wish count as new. */
export function announceDriver(namespace: Netns, uplink = 'eth0'): Driver<readonly string[]> {
  let told: readonly string[] = [];
  return {
    name,
    async apply(desired) {
      const start = performance.now();
      const fresh = desired === told ? [] : desired.filter((address) => !told.includes(address));
      if (fresh.length > 0) announceAddresses(namespace, uplink, fresh);
      told = desired;
      return { changes: fresh.length, tookMs: performance.now() - start };
    },
    async remove() {
      told = [];
    },
  };
}
