// Says that one API server lives, and where it listens, by a Lease of its own that it renews: the endpoints of Service
// default/kubernetes are made of these (as kube-apiserver's lease reconciler makes them).
import { type Clock, sleep } from '../../../base/run/clock.ts';
import { logFor } from '../../../base/run/log.ts';
import { leaseKind } from '../../../kube/kinds/lease.ts';
import { ApiError } from '../../../kube/meaning/api-error.ts';
import type { Lease } from '../../../kube/objects/networking.ts';
import type { ObjectStore, Write } from '../../../kube/store/store.ts';
import { hashText } from '../hash.ts';
import { type ApiServerAddress, presenceAnnotation, presenceLabels, presenceNamespace, printApiServer } from './presence-lease.ts';

export interface PresenceOptions {
  store: ObjectStore;
  clock: Clock;
  at: ApiServerAddress;
  /** Of this process: who restarts on the same address takes its Lease over. */
  identity: string;
}

const log = logFor('presence');
const leaseSeconds = 15;
const renewMs = 5_000;

const printMicroTime = (time: Date): string => time.toISOString().replace('Z', '000Z');

/** Runs from the start until close(), which takes the server out of the endpoints at once. */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #name: string;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#name = `apiserver-${hashText(printApiServer(options.at)).toString(16).padStart(8, '0')}`;
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#write({ verb: 'delete', target: { apiVersion: leaseKind.apiVersion, kind: leaseKind.kind, name: this.#name, namespace: presenceNamespace } });
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#write(this.#renewal());
      await sleep(this.#options.clock, renewMs, this.#stop.signal);
    }
  }

  #renewal(): Write {
    const { store, clock, at, identity } = this.#options;
    const old = store.snapshot().get(leaseKind, this.#name, presenceNamespace);
    const metadata = { ...old?.metadata, name: this.#name, namespace: presenceNamespace, labels: presenceLabels, annotations: { [presenceAnnotation]: printApiServer(at) } };
    const time = printMicroTime(clock.now());
    const acquireTime = (old?.spec?.holderIdentity === identity && old.spec.acquireTime) || time;
    const object: Lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec: { holderIdentity: identity, leaseDurationSeconds: leaseSeconds, acquireTime, renewTime: time } };
    return { verb: old ? 'update' : 'create', object };
  }

  /** What fails is tried again at the next renewal: three of them may fail before others think we are gone. */
  async #write(write: Write): Promise<void> {
    try {
      await this.#options.store.write(write);
    } catch (error) {
      const raced = error instanceof ApiError && (error.code === 409 || error.code === 404);
      if (!raced) log.warn({ why: (error as Error).message }, 'the Lease of this API server was not written');
    }
  }
}
