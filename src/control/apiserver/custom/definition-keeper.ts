// Keeps the status of definitions, and removes the objects of those that are going. Decides on snapshots like a
// controller, but lives in the API server: a server without controllers must still serve custom kinds.
import { logFor } from '../../../base/run/log.ts';
import { definitionKind } from '../../../kube/custom/custom-kinds.ts';
import { decideDefinitions } from '../../../kube/custom/decide-definitions.ts';
import { ApiError } from '../../../kube/meaning/api-error.ts';
import type { Kind } from '../../../kube/kinds/kind.ts';
import type { CustomResourceDefinition } from '../../../kube/objects/api-extensions.ts';
import type { ObjectStore, Write } from '../../../kube/store/store.ts';

const log = logFor('apiserver');

// Others may have written first; the next snapshot shows what is left to do.
const raced = new Set(['Conflict', 'NotFound']);

/** Runs from the start until close(). */
export class DefinitionKeeper {
  readonly #store: ObjectStore;
  readonly #now: () => Date;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(store: ObjectStore, now: () => Date) {
    this.#store = store;
    this.#now = now;
    this.#running = this.#run().catch((error: unknown) => log.error({ err: error }, 'definitions are kept no more'));
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const { revision } = this.#store.snapshot();
      await this.#turn();
      await this.#changed(revision);
    }
  }

  /** Until nothing is wished any more. */
  async #turn(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const writes = decideDefinitions(this.#store.snapshot(), this.#now());
      const written = await Promise.all(writes.map((write) => this.#write(write)));
      if (written.length === 0 || written.includes(false)) return;
    }
  }

  /** False when the write was refused for what it says: trying it again at once would help nobody. */
  async #write(write: Write): Promise<boolean> {
    try {
      await this.#store.write(write);
      return true;
    } catch (error) {
      if (error instanceof ApiError && raced.has(error.reason)) return true;
      if (!this.#stop.signal.aborted) log.error({ err: error }, 'a definition could not be kept');
      return false;
    }
  }

  /** Definitions, and the objects of those that are going, which may take their time. */
  async #changed(since: number): Promise<void> {
    const ended = new AbortController();
    const stop = AbortSignal.any([this.#stop.signal, ended.signal]);
    try {
      for await (const _ of this.#store.watch(goingKinds(this.#store), since, stop)) ended.abort();
    } catch (error) {
      // Fell behind: the next turn looks at everything again.
      if (!(error instanceof ApiError)) throw error;
    }
  }
}

function goingKinds(store: ObjectStore): Kind[] {
  const going = store.snapshot().list<CustomResourceDefinition>(definitionKind).filter(({ metadata }) => metadata.deletionTimestamp);
  // The store tells objects by group and kind; any version will do.
  return [definitionKind, ...going.map(({ spec }) => ({ ...definitionKind, apiVersion: `${spec.group}/v1`, kind: spec.names.kind }))] as Kind[];
}
