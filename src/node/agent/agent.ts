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
import { sameItems } from '../../base/data/memo.ts';
import type { Clock } from '../../base/run/clock.ts';
import { logFor } from '../../base/run/log.ts';
import { Loop, type TurnResult } from '../../base/run/loop.ts';
import { createPace } from '../../base/run/pace.ts';
import type { Kind } from '../../kube/kinds/kind.ts';
import type { ObjectStore, Snapshot } from '../../kube/store/store.ts';
import { wakeOnChange } from '../../kube/store/wake-on-change.ts';
import type { Compiler } from '../../model/compile.ts';
import type { NetworkModel } from '../../model/network-model.ts';
import type { Applied } from '../linux/driver.ts';
import type { NodeNote } from './connect-step.ts';
import { NodeReport, type NodeSelf } from './node-report.ts';
import type { AgentStep } from './step.ts';

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
  /** False where a kubelet speaks for the node: then no Node object and no lease is written. */
  registers?: boolean;
  /** Of the node's lease (NodeReport). */
  leaseSeconds?: number;
  /** How optional parts stand, for the node's conditions; the same objects until that changes. */
  notes?: () => readonly NodeNote[];
  /** How often to look whether others have changed what is ours (KPX-25); absent = never. */
  checkEveryMs?: number;
  /** True once after something has happened that may have changed what is ours: then the look is due at once. */
  disturbed?: () => boolean;
  /** The machine is changed at most so often, and twice at once (PROXY-10); absent: whenever the cluster changes. */
  minSyncPeriodMs?: number;
  /** For metrics and health. */
  observer?: AgentObserver;
}

export interface AgentObserver {
  /** Something changed that a turn must deal with. */
  woken?(): void;
  /** Each step that changed something. */
  applied?(step: string, applied: Applied): void;
  /** The machine is as this model says. */
  turned?(model: NetworkModel, tookMs: number): void;
  failed?(error: Error): void;
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
  #notes: readonly NodeNote[] = [];
  #checkDueMs: number;
  #givenUp = Promise.withResolvers<void>();

  constructor(options: AgentOptions) {
    this.#options = options;
    const { clock, random, store, self, leaseSeconds, minSyncPeriodMs = 0, checkEveryMs = Infinity } = options;
    const pace = minSyncPeriodMs > 0 ? createPace(clock, { everyMs: minSyncPeriodMs, burst: 2 }) : undefined;
    this.#checkDueMs = clock.now().getTime() + checkEveryMs;
    this.#log = logFor(`agent/${self.name}`);
    this.#report = new NodeReport({ store, clock, self, leaseSeconds, caughtUp: () => this.#caughtUp() });
    this.#loop = new Loop({ clock, random, pace, turn: () => this.#turn(), onFailure: (error, failures) => this.#failed(error as Error, failures) });
  }

  /** Resolves when the node is registered and the first turn is under way. */
  async start(): Promise<void> {
    if (this.#options.registers !== false) await this.#report.register();
    const { store, reads, clock } = this.#options;
    this.#unwatch = wakeOnChange(store, reads, { wake: () => this.#wake() }, clock);
  }

  /** Resolves when everything up to this revision is in the kernel. */
  settled(revision: number): Promise<void> {
    return this.#loop.settled(revision);
  }

  #caughtUp(): Promise<void> {
    this.#loop.wake();
    return Promise.race([this.#loop.settled(this.#options.store.snapshot().revision), this.#givenUp.promise]);
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
    const { store, pods, compile, observer } = this.#options;
    const startMs = performance.now();
    const seen = store.snapshot();
    await pods?.reconcile(seen);
    const model = compile(seen);
    const againAfterMs = await this.#check();
    for (const step of this.#options.steps) {
      const applied = await step.apply(model);
      if (applied.changes === 0) continue;
      this.#log.debug({ step: step.name, revision: seen.revision, ...applied }, 'applied');
      observer?.applied?.(step.name, applied);
    }
    this.#tell({ isUp: true });
    observer?.turned?.(model, performance.now() - startMs);
    return { revision: seen.revision, againAfterMs };
  }

  /** When it is time to. Answers when it will be again. */
  async #check(): Promise<number | undefined> {
    const { clock, checkEveryMs, disturbed } = this.#options;
    const nowMs = clock.now().getTime();
    const isDue = disturbed?.() || nowMs >= this.#checkDueMs;
    if (isDue) {
      this.#checkDueMs = nowMs + (checkEveryMs ?? Infinity);
      await this.#askSteps();
    }
    return checkEveryMs === undefined ? undefined : this.#checkDueMs - nowMs;
  }

  async #askSteps(): Promise<void> {
    for (const step of this.#options.steps) {
      if ((await step.check?.()) !== false) continue;
      this.#log.warn({ step: step.name }, 'somebody else changed what is ours; it is put back');
    }
  }

  /** The node's condition, when it changes. */
  #tell(health: { isUp: boolean; message?: string }): void {
    const notes = this.#options.notes?.() ?? [];
    const isNews = this.#applied !== health.isUp || !sameItems(notes, this.#notes);
    if (isNews && this.#options.registers !== false) this.#report.network({ ...health, notes });
    [this.#applied, this.#notes] = [health.isUp, notes];
  }

  #failed(error: Error, failures: number): void {
    this.#log.warn({ err: error, failures }, 'the node could not be brought to its wished state');
    this.#options.observer?.failed?.(error);
    if (failures !== failuresUntilNotReady) return;
    this.#applied = true;
    this.#tell({ isUp: false, message: error.message });
    this.#givenUp.resolve();
    this.#givenUp = Promise.withResolvers();
  }

  #wake(): void {
    this.#options.observer?.woken?.();
    this.#loop.wake();
  }
}
