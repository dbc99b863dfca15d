// One node's agent: the loop that turns what the API says into what this node's kernel and pods do.
//
//   store.watch ──▶ wake ──▶ turn (one at a time, latest snapshot, everything in between is skipped)
//                             │
//                   Snapshot ─┼─▶ pods.reconcile ─▶ sandboxes, containers, probes ──▶ pod statuses, events ─▶ store
//                             │                        └── each new pod waits until this loop has settled its revision
//                             └─▶ compile ─▶ NetworkModel ─▶ steps in order: wiring, ruleset … (render, then driver.apply)
//                                                             └── refused? node condition, retry with back-off (base/run/loop.ts)
//
// Everything is passed in, so that the fake machine runs the same agent.
import type { Clock } from '../../base/run/clock.ts';
import { logFor } from '../../base/run/log.ts';
import { Loop, type TurnResult } from '../../base/run/loop.ts';
import type { Kind } from '../../kube/kinds/kind.ts';
import type { ObjectStore, Snapshot } from '../../kube/store/store.ts';
import { wakeOnChange } from '../../kube/store/wake-on-change.ts';
import type { Compiler } from '../../model/compile.ts';
import type { NetworkModel } from '../../model/network-model.ts';
import type { Applied, Driver } from '../linux/driver.ts';
import { NodeReport, type NodeSelf } from './node-report.ts';

/** One part of the machine that follows the model. */
export interface AgentStep {
  readonly name: string;
  apply(model: NetworkModel): Promise<Applied>;
  remove(): Promise<void>;
}

/** A pure rendering and the driver that takes it. */
export const step = <Desired>(render: (model: NetworkModel) => Desired, driver: Driver<Desired>): AgentStep => ({
  name: driver.name,
  apply: (model) => driver.apply(render(model)),
  remove: () => driver.remove(),
});

export interface AgentOptions {
  store: ObjectStore;
  self: NodeSelf;
  /** Kinds whose changes can change the model or the pods of this node. */
  reads: readonly Kind[];
  compile: Compiler;
  /** In order; a later one may rely on what an earlier one has done. */
  steps: readonly AgentStep[];
  /** Absent on a node that runs no pods of its own (another kubelet does). */
  pods?: { reconcile(seen: Snapshot): Promise<void>; close(): Promise<void> };
  clock: Clock;
  random?: () => number;
  /** Called after each turn that changed something: metrics. */
  onApplied?(step: string, applied: Applied): void;
}

/** So many failed turns in a row are more than a passing refusal: the node says that it is not ready. */
const failuresUntilNotReady = 3;

export class Agent {
  readonly #options: AgentOptions;
  readonly #loop: Loop;
  readonly #report: NodeReport;
  readonly #log;
  #unwatch = (): void => {};
  #applied = false;

  constructor(options: AgentOptions) {
    this.#options = options;
    const { clock, random, store, self } = options;
    this.#log = logFor(`agent/${self.name}`);
    this.#report = new NodeReport({ store, clock, self });
    this.#loop = new Loop({ clock, random, turn: () => this.#turn(), onFailure: (error, failures) => this.#failed(error as Error, failures) });
  }

  /** Resolves when the node is registered and the first turn is under way. */
  async start(): Promise<void> {
    await this.#report.register();
    const { store, reads, clock } = this.#options;
    this.#unwatch = wakeOnChange(store, reads, this.#loop, clock);
  }

  /** Resolves when everything up to this revision is in the kernel. */
  settled(revision: number): Promise<void> {
    return this.#loop.settled(revision);
  }

  /** Stops pods and heartbeats. What is in the kernel stays unless `remove`: a restarted agent goes on from there. */
  async close({ remove = false } = {}): Promise<void> {
    this.#unwatch();
    await this.#loop.close();
    await this.#report.close();
    await this.#options.pods?.close();
    if (!remove) return;
    for (const step of this.#options.steps.toReversed()) await step.remove();
  }

  async #turn(): Promise<TurnResult> {
    const seen = this.#options.store.snapshot();
    await this.#options.pods?.reconcile(seen);
    const model = this.#options.compile(seen);
    for (const step of this.#options.steps) {
      const applied = await step.apply(model);
      if (applied.changes === 0) continue;
      this.#log.debug({ step: step.name, revision: seen.revision, ...applied }, 'applied');
      this.#options.onApplied?.(step.name, applied);
    }
    if (!this.#applied) this.#report.network({ isUp: true });
    this.#applied = true;
    return { revision: seen.revision };
  }

  #failed(error: Error, failures: number): void {
    this.#log.warn({ err: error, failures }, 'the node could not be brought to its wished state');
    if (failures !== failuresUntilNotReady) return;
    this.#applied = false;
    this.#report.network({ isUp: false, message: error.message });
  }
}
