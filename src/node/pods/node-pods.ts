// All pods of one node: each wished pod has a life (pod-life.ts) that goes its own way.
import { podKind } from '../../kube/kinds/pod.ts';
import type { Pod } from '../../kube/objects/core.ts';
import type { Snapshot } from '../../kube/store/store.ts';
import { comparePods } from './decide.ts';
import type { PodHost } from './pod-host.ts';
import { PodLife } from './pod-life.ts';
import { isTerminal, podId, type PodState } from './pod-state.ts';

export class NodePods {
  readonly #host: PodHost;
  readonly #lives = new Map<string, PodLife>();
  #swept = false;

  constructor(host: PodHost) {
    this.#host = host;
  }

  /** Takes in the snapshot; the pods go on by themselves. The first call sweeps what an earlier life of the program left. */
  async reconcile(seen: Snapshot): Promise<void> {
    const wished = seen.list(podKind).filter((pod) => pod.spec.nodeName === this.#host.nodeName);
    if (!this.#swept) await this.#sweep(wished);
    const states = new Map<string, PodState>([...this.#lives].map(([id, { state }]) => [id, state]));
    const { begin, goOn, gone } = comparePods(wished, states);
    for (const pod of begin) this.#begin(pod);
    for (const pod of goOn) this.#lives.get(podId(pod))!.wish(pod);
    for (const state of gone) this.#lives.get(podId(state.pod))!.wish(undefined);
  }

  /** Only what ran or runs here; by the pod's identity, so that a new pod of the same name is another. */
  life(pod: Pod): PodLife | undefined {
    return this.#lives.get(podId(pod));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#lives.values()].map((life) => life.close()));
    this.#lives.clear();
  }

  #begin(pod: Pod): void {
    const id = podId(pod);
    this.#lives.set(id, new PodLife(this.#host, pod, () => this.#lives.delete(id)));
  }

  /** Sandboxes of an earlier life have lost their processes; they are made anew, with the same addresses. */
  async #sweep(wished: readonly Pod[]): Promise<void> {
    await this.#host.sandboxes.sweep();
    this.#swept = true;
    this.#host.leases.keepOnly(new Set(wished.filter((pod) => !isTerminal(pod)).map(podId)));
  }
}
