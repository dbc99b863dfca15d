// Is this node's service proxy alive, and should load balancers still send it anything? (KPX-46, PROXY-36, PROXY-37)
// Told by the agent what it does; asked by /healthz, /livez and the health ports of Services. Pure but for the clock.
import type { Clock } from '../../base/run/clock.ts';
import type { Node } from '../../kube/objects/core.ts';

export interface NodeHealth {
  /** Something changed that the machine must follow. */
  queued(): void;
  /** The machine has followed everything that was queued before. */
  updated(): void;
  /** The Node object, as the cluster shows it; undefined: there is none (any more). */
  saw(node: Node | undefined): void;
  /** False while a change waits for longer than twice the sync period. */
  isAlive(): boolean;
  /** Alive, and the node is not on its way out. */
  isHealthy(): boolean;
  report(): { lastUpdated: string; currentTime: string; nodeEligible: boolean };
}

const drainTaint = 'ToBeDeletedByClusterAutoscaler';

export function createNodeHealth(clock: Clock, syncPeriodMs: number): NodeHealth {
  // From the start something waits: the first look at the cluster.
  let waitingSinceMs: number | undefined = clock.now().getTime();
  let lastUpdated: Date | undefined;
  let seen = false;
  let eligible = true;
  const isAlive = (): boolean => waitingSinceMs === undefined || clock.now().getTime() - waitingSinceMs < 2 * syncPeriodMs;
  return {
    queued() {
      waitingSinceMs ??= clock.now().getTime();
    },
    updated() {
      waitingSinceMs = undefined;
      lastUpdated = clock.now();
    },
    saw(node) {
      // A node that has not registered yet is no node that goes.
      if (!node && !seen) return;
      seen = true;
      eligible = node !== undefined && node.metadata.deletionTimestamp === undefined && !node.spec?.taints?.some(({ key }) => key === drainTaint);
    },
    isAlive,
    isHealthy: () => isAlive() && eligible,
    report: () => ({ lastUpdated: lastUpdated?.toISOString() ?? '', currentTime: clock.now().toISOString(), nodeEligible: eligible }),
  };
}
