// One pod on this node: does what decide.ts says, one step at a time, and keeps the API's status equal to the truth.
import { Loop, type TurnResult } from '../../base/run/loop.ts';
import { deepEqual } from '../../base/data/memo.ts';
import { logFor } from '../../base/run/log.ts';
import { podKind } from '../../kube/kinds/pod.ts';
import { ApiError } from '../../kube/meaning/api-error.ts';
import type { Container, Pod, PodStatus } from '../../kube/objects/core.ts';
import { ContainerLife } from './container-life.ts';
import { decidePodActions, type PodAction } from './decide.ts';
import type { PodHost } from './pod-host.ts';
import { freshState, isTerminal, podId, type PodState, printPod } from './pod-state.ts';
import { podStatus } from './status/status.ts';
import { CannotStart } from './programs/program.ts';

const log = logFor('pods');

const isReason = (error: unknown, ...reasons: string[]) => error instanceof ApiError && reasons.includes(error.reason);

/** Pauses after the n-th failure to make a sandbox: short, because addresses are freed all the time (NET-19). */
const sandboxPauseMs = (failures: number) => Math.min(500 * 2 ** (failures - 1), 4_000);
/** Until something that a container needs (a ConfigMap, a program) is looked for again. */
const startPauseMs = 2_000;

export class PodLife {
  readonly state: PodState;
  readonly #host: PodHost;
  readonly #loop: Loop;
  readonly #lives = new Map<string, ContainerLife>();
  readonly #onOver: () => void;
  /** Revision of the last status that we wrote. */
  #revision = 0;
  #written: PodStatus | undefined;
  #closing = false;

  constructor(host: PodHost, pod: Pod, onOver: () => void) {
    this.#host = host;
    this.#onOver = onOver;
    this.state = freshState(pod, host.clock.now());
    this.#loop = new Loop({
      clock: host.clock,
      turn: () => this.#turn(),
      onFailure: (error) => log.warn({ err: error, pod: printPod(this.state.pod) }, 'pod turn failed'),
    });
    this.#loop.wake();
  }

  /** The object as it is now; undefined when it is gone from the store. */
  wish(pod: Pod | undefined): void {
    if (pod === this.state.pod || (!pod && this.state.gone)) return;
    if (pod) this.state.pod = pod;
    else this.state.gone = true;
    this.#loop.wake();
  }

  /** The latest run of a container, over or not: for its log and for commands in it. */
  life(container: string): ContainerLife | undefined {
    return this.#lives.get(container);
  }

  /** The log of the run before the latest. */
  readonly previousLogs = new Map<string, ContainerLife['log']>();

  /** The program ends: everything of the pod on this machine goes, its object and its addresses stay. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#loop.close();
    const alive = [...this.#lives.values()].filter(({ container }) => this.state.containers.get(container.name)?.phase !== 'exited');
    for (const life of alive) life.kill();
    await Promise.all(alive.map((life) => life.over));
    if (this.state.sandbox && !this.state.pod.spec.hostNetwork) await this.#host.sandboxes.close(this.state.pod);
    await this.#host.forget(this.state);
  }

  async #turn(): Promise<TurnResult> {
    for (;;) {
      const nowMs = this.#host.clock.now().getTime();
      const { actions, wakeAtMs } = decidePodActions(this.state, nowMs);
      if (actions.length === 0 || this.#closing) {
        await this.#writeStatus();
        return { revision: this.#revision, againAfterMs: wakeAtMs === undefined ? undefined : Math.max(0, wakeAtMs - nowMs) };
      }
      await Promise.all(actions.map((action) => this.#perform(action)));
    }
  }

  #perform(action: PodAction): Promise<void> | void {
    switch (action.do) {
      case 'open-sandbox':
        return this.#openSandbox();
      case 'await-network':
        return this.#awaitNetwork();
      case 'start':
        return this.#start(action.container);
      case 'stop':
        return this.#lives.get(action.run.name)?.stop(action.graceSeconds, action.why);
      case 'kill':
        return this.#lives.get(action.run.name)?.kill();
      case 'end':
        this.state.ended = true;
        return;
      case 'close-sandbox':
        return this.#closeSandbox();
      case 'finish-deletion':
        return this.#finishDeletion();
    }
  }

  #openSandbox(): void {
    const { state } = this;
    const { hostIPs, sandboxes, leases } = this.#host;
    const hostNetwork = state.pod.spec.hostNetwork === true;
    try {
      this.#host.checkPod(state);
      if (hostNetwork) state.sandbox = { namespace: sandboxes.node, addresses: hostIPs };
      else {
        const ranges = this.#host.podCIDRs();
        if (ranges.length === 0) throw new Error('the node has no pod address range yet');
        const addresses = leases.acquire(podId(state.pod), ranges);
        state.sandbox = { namespace: sandboxes.open(state.pod, addresses), addresses };
      }
      delete state.retrySandboxAtMs;
    } catch (error) {
      // Tried again after a pause; until then the pod shows as ContainerCreating and its events say why.
      state.sandboxFailures++;
      state.retrySandboxAtMs = this.#host.clock.now().getTime() + sandboxPauseMs(state.sandboxFailures);
      this.#warn('FailedCreatePodSandBox', `Failed to create pod sandbox: ${(error as Error).message}`);
    }
  }

  /** The status with the addresses goes out first; policies for them must be in force before anything runs. */
  async #awaitNetwork(): Promise<void> {
    const { state } = this;
    if (state.pod.spec.hostNetwork) {
      state.network = 'ready';
      return;
    }
    await this.#writeStatus();
    state.network = 'asked';
    const ready = () => {
      state.network = 'ready';
      this.#loop.wake();
    };
    // Rejected only when the node's loop is closed, and then this pod is closed too.
    this.#host.networkReady(this.#revision).then(ready, () => {});
  }

  async #start(container: Container): Promise<void> {
    const { state } = this;
    const run = state.containers.get(container.name)!;
    const before = this.#lives.get(container.name);
    try {
      const life = await ContainerLife.start({ host: this.#host, state, container, changed: () => this.#loop.wake() });
      if (before) this.previousLogs.set(container.name, before.log);
      this.#lives.set(container.name, life);
      if (run.pauseMs > 0) log.debug({ container: container.name, restarts: run.restarts }, 'restarted');
    } catch (error) {
      const known = error instanceof CannotStart ? error : new CannotStart('RunContainerError', (error as Error).message);
      const isMount = known.event === 'FailedMount';
      run.waiting = { reason: known.reason, ...(!isMount && { message: known.message }) } as { reason: string; message: string };
      run.retryAtMs = this.#host.clock.now().getTime() + startPauseMs;
      this.#warn(known.event, isMount ? known.message : `Error: ${known.message}`);
    }
  }

  async #closeSandbox(): Promise<void> {
    const { state } = this;
    if (!state.pod.spec.hostNetwork) {
      await this.#host.sandboxes.close(state.pod);
      this.#host.leases.release(podId(state.pod));
    }
    delete state.sandbox;
  }

  /** Tells how it ended, then takes the object away, unless a new pod already has its name. */
  async #finishDeletion(): Promise<void> {
    const { state } = this;
    const { name, namespace, uid } = state.pod.metadata;
    if (!state.gone) {
      await this.#writeStatus();
      const target = { apiVersion: 'v1', kind: 'Pod', name, namespace, uid };
      try {
        await this.#host.store.write({ verb: 'delete', target, gracePeriodSeconds: 0 });
      } catch (error) {
        // Somebody was faster: forced deletion, or a new pod of the same name.
        if (!isReason(error, 'NotFound', 'Conflict')) throw error;
      }
    }
    this.#host.leases.release(podId(state.pod));
    state.deleted = true;
    await this.#host.forget(state);
    this.#onOver();
  }

  /** Only differences are written; a pod that is over is never written again. */
  async #writeStatus(): Promise<void> {
    const current = this.#current();
    if (!current || this.state.deleted || isTerminal(current)) return;
    // Our own last write may not be in the snapshot yet.
    const seenRevision = Number(current.metadata.resourceVersion ?? 0);
    const shown = seenRevision >= this.#revision ? current.status : this.#written;
    const source = { now: this.#host.clock.now(), hostIPs: this.#host.hostIPs };
    const status = podStatus({ ...this.state, pod: { ...this.state.pod, status: shown } }, source);
    if (deepEqual(status, shown)) return;
    try {
      const stored = await this.#host.store.write({ verb: 'update', object: { ...current, status } as Pod, subresource: 'status' });
      this.#revision = Number(stored.metadata.resourceVersion ?? 0);
      this.#written = (stored as Pod).status;
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
      this.#lost();
    }
  }

  /** The object in the store, if it still is this pod's. */
  #current(): Pod | undefined {
    const { name, namespace, uid } = this.state.pod.metadata;
    const found = this.#host.store.snapshot().get(podKind, name, namespace);
    if (found?.metadata.uid === uid) return found;
    this.#lost();
    return undefined;
  }

  #lost(): void {
    if (this.state.gone) return;
    this.state.gone = true;
    this.#loop.wake();
  }

  #warn(reason: string, message: string): void {
    this.#host.record({ about: this.state.pod, type: 'Warning', reason, message });
  }
}
