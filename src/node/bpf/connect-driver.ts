// Balancing when a process connects: programs on a node's cgroup, and the maps that tell them of Services.
// All of it hangs on descriptors of this process: when it dies, connections go by nftables again.
import { keyedDiff } from '../../base/data/keyed-diff.ts';
import { Attachment } from './attachment.ts';
import { removeCgroup } from './cgroups.ts';
import { Generation, type Need, type Placed, placed, textOf } from './generation.ts';
import { frontKey } from './maps.ts';
import type { ConnectFront, ConnectTable } from './render-connect.ts';
import { type Applied, type Driver, DriverError } from '../linux/driver.ts';

const driverName = 'connect-time balancing';

const countEndpoints = (list: Iterable<Placed>): number => [...list].reduce((sum, { front }) => sum + front.endpoints.length, 0);

/** What the kernel holds of one table, and the difference to the next. After any refusal it is closed. */
class ConnectState {
  readonly #attachment: Attachment;
  readonly #inKernel = new Map<string, Placed>();
  #generation: Generation | undefined;
  #settled: ConnectTable = new Map();
  #endpoints = 0;
  #lastId = 0;

  constructor(cgroup: string) {
    this.#attachment = new Attachment(cgroup);
  }

  /** Answers how many fronts were put, changed or dropped. */
  bring(desired: ConnectTable): number {
    const { added, changed, removed } = keyedDiff(this.#settled, desired);
    const now = this.#place([...added, ...changed].flatMap(([, list]) => list));
    const old = [...changed.flatMap(([, , list]) => list), ...removed.flatMap(([, list]) => list)].flatMap((front) => this.#inKernel.get(frontKey(front).toString('latin1')) ?? []);
    for (const each of old) this.#inKernel.delete(textOf(each));
    for (const each of now) this.#inKernel.set(textOf(each), each);
    const [oldEndpoints, newEndpoints] = [countEndpoints(old), countEndpoints(now)];
    this.#endpoints += newEndpoints - oldEndpoints;
    this.#settled = desired;
    // For a moment old and new endpoints stand side by side.
    if (this.#generation?.fits({ fronts: this.#inKernel.size + old.length, endpoints: this.#endpoints + oldEndpoints })) {
      this.#generation.put(now);
      this.#generation.drop(old.filter((each) => !this.#inKernel.has(textOf(each))), old);
    } else this.#startAnew({ fronts: this.#inKernel.size, endpoints: this.#endpoints });
    return Math.max(now.length, old.length);
  }

  close(): void {
    this.#attachment.close();
    this.#generation?.close();
  }

  #place(fronts: readonly ConnectFront[]): Placed[] {
    return fronts.map((front) => placed(front, (this.#lastId = (this.#lastId + 1) >>> 0)));
  }

  #startAnew(need: Need): void {
    const fresh = new Generation(need, this.#attachment.remembered);
    try {
      fresh.put([...this.#inKernel.values()]);
      this.#attachment.use(fresh);
    } catch (error) {
      fresh.close();
      throw error;
    }
    this.#generation?.close();
    this.#generation = fresh;
  }
}

/** `cgroup`: a folder of the unified hierarchy, made when it is not there. */
export function connectDriver(cgroup: string): Driver<ConnectTable> {
  let state: ConnectState | undefined;
  const stop = (): void => {
    state?.close();
    state = undefined;
  };
  return {
    name: driverName,
    async apply(desired): Promise<Applied> {
      const startMs = performance.now();
      const isNew = state === undefined;
      try {
        state ??= new ConnectState(cgroup);
        const changes = state.bring(desired);
        return { changes: isNew ? Math.max(changes, 1) : changes, tookMs: performance.now() - startMs };
      } catch (error) {
        // What is half done must lead nobody: without programs everything goes by nftables.
        stop();
        throw new DriverError(driverName, (error as Error).message, cgroup);
      }
    },
    async remove() {
      stop();
      removeCgroup(cgroup);
    },
  };
}
