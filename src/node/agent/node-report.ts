// Tells the API that this node lives: its Node object and status, and a lease renewed four times in its length (kube-node-lease).
import { type Clock } from '../../base/run/clock.ts';
import { Loop, type TurnResult } from '../../base/run/loop.ts';
import { logFor } from '../../base/run/log.ts';
import { leaseKind } from '../../kube/kinds/lease.ts';
import { nodeKind } from '../../kube/kinds/node.ts';
import { ApiError } from '../../kube/meaning/api-error.ts';
import { findCondition } from '../../kube/meaning/conditions.ts';
import type { Node } from '../../kube/objects/core.ts';
import type { Lease } from '../../kube/objects/networking.ts';
import type { ObjectStore } from '../../kube/store/store.ts';
import { type NetworkHealth, newNode, nodeLabels, type NodeSelf, nodeStatus } from './node-object.ts';

export type { NodeSelf } from './node-object.ts';

export interface NodeReportOptions {
  store: Pick<ObjectStore, 'write' | 'snapshot'>;
  clock: Clock;
  self: NodeSelf;
  /** As kubelet has it; renewed four times in it. */
  leaseSeconds?: number;
  /** Resolves when the machine is as the cluster wishes now, or cannot be made so. */
  caughtUp?: () => Promise<void>;
}

const defaultLeaseSeconds = 40;
const leaseNamespace = 'kube-node-lease';
/** The lease is the heartbeat; the status is repeated only for its lastHeartbeatTime. */
const statusEveryMs = 300_000;
const log = logFor('node-report');

const isConflict = (error: unknown) => error instanceof ApiError && (error.reason === 'Conflict' || error.reason === 'AlreadyExists');

export class NodeReport {
  readonly #options: NodeReportOptions;
  readonly #loop: Loop;
  readonly #leaseSeconds: number;
  #health: NetworkHealth = { isUp: false };
  #statusDueMs = 0;

  constructor(options: NodeReportOptions) {
    this.#options = options;
    const { clock, leaseSeconds = defaultLeaseSeconds } = options;
    this.#leaseSeconds = leaseSeconds;
    this.#loop = new Loop({ clock, turn: () => this.#turn(), onFailure: (error) => log.debug({ err: error }, 'node report failed') });
  }

  /** Makes or refreshes the Node object; from then on the report renews itself. */
  async register(): Promise<void> {
    const { store, self } = this.#options;
    const old = store.snapshot().get(nodeKind, self.name);
    if (!old) await store.write({ verb: 'create', object: newNode(self) });
    else {
      const labels = { ...old.metadata.labels, ...nodeLabels(self) };
      await store.write({ verb: 'update', object: { ...old, metadata: { ...old.metadata, labels } } });
    }
    this.#loop.wake();
  }

  network(health: NetworkHealth): void {
    this.#health = health;
    this.#statusDueMs = 0;
    this.#loop.wake();
  }

  async close(): Promise<void> {
    await this.#loop.close();
  }

  async #turn(): Promise<TurnResult> {
    const { clock } = this.#options;
    const nowMs = clock.now().getTime();
    try {
      if (nowMs >= this.#statusDueMs || !this.#isBelieved()) {
        // Before the write: news that come while it is under way make it due again.
        this.#statusDueMs = nowMs + statusEveryMs;
        // Cut off for a while, we follow an old wish: whoever reads "ready" sends connections and addresses here at once.
        if (this.#health.isUp && !this.#isBelieved()) await this.#options.caughtUp?.();
        await this.#writeStatus();
      }
      await this.#renewLease();
    } catch (error) {
      this.#statusDueMs = 0;
      // Somebody else wrote in between: look again at once.
      if (!isConflict(error)) throw error;
      return { revision: 0, againAfterMs: 0 };
    }
    return { revision: 0, againAfterMs: (this.#leaseSeconds * 1000) / 4 };
  }

  /** Somebody may have given up on us while we were silent or cut off (node-lifecycle.ts). */
  #isBelieved(): boolean {
    const { store, self } = this.#options;
    const stored = findCondition(store.snapshot().get(nodeKind, self.name)?.status?.conditions, 'Ready');
    return stored?.status === (this.#health.isUp ? 'True' : 'False');
  }

  async #writeStatus(): Promise<void> {
    const { store, self, clock } = this.#options;
    const node = store.snapshot().get(nodeKind, self.name);
    if (!node) return void (await store.write({ verb: 'create', object: newNode(self) }));
    const time = `${clock.now().toISOString().slice(0, 19)}Z`;
    const object: Node = { ...node, status: nodeStatus(self, this.#health, node.status, time) };
    await store.write({ verb: 'update', object, subresource: 'status' });
  }

  async #renewLease(): Promise<void> {
    const { store, self, clock } = this.#options;
    const seen = store.snapshot();
    const old = seen.get(leaseKind, self.name, leaseNamespace);
    const node = seen.get(nodeKind, self.name);
    // MicroTime: six digits.
    const renewTime = clock.now().toISOString().replace('Z', '000Z');
    const spec = { ...old?.spec, holderIdentity: self.name, leaseDurationSeconds: this.#leaseSeconds, renewTime };
    if (old) return void (await store.write({ verb: 'update', object: { ...old, spec } as Lease }));
    const ownerReferences = node?.metadata.uid ? [{ apiVersion: 'v1', kind: 'Node', name: self.name, uid: node.metadata.uid }] : [];
    const metadata = { name: self.name, namespace: leaseNamespace, ownerReferences };
    const lease: Lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
    await store.write({ verb: 'create', object: lease });
  }
}
