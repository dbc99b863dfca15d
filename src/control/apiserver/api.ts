// What every handler of the API server works with.
import type { ChangeFeed, ObjectStore, Snapshot } from '../../kube/store/store.ts';
import type { PodAccess } from '../../kube/meaning/pod-access.ts';
import type { Authorize, Authorizer } from './identity/authorize.ts';
import type { TokenIssuer } from './identity/service-account-tokens.ts';
import type { ApiMetrics } from './metrics.ts';
import type { KindRegistry, Resource } from './registry.ts';
import type { ApiRequest, Answer } from './request.ts';
import type { Target } from './router.ts';
import type { WatchHub } from './watches/watch-hub.ts';

/** A store that can be served, and what some can do besides. */
export type ApiStore = ObjectStore & {
  readonly feed: ChangeFeed;
  /** The past, for paged lists that are one consistent list. */
  snapshotAt?(revision: number): Snapshot;
  /** Where several servers write: as new as everything acknowledged before the call. Absent: snapshot() always is. */
  latest?(): Promise<Snapshot>;
  /** Resolves when the snapshot is at least at this revision; rejects when `stop` aborts. */
  reached?(revision: number, stop: AbortSignal): Promise<void>;
  /** False while what lies below is away. */
  connected?(): boolean;
  /** A copy of everything into a new file, while writes go on. */
  backup?(file: string): Promise<void>;
};

export interface Api {
  readonly store: ApiStore;
  readonly registry: KindRegistry;
  /** Absent where no node runs beside the API server: logs, exec and proxies answer 503 then. */
  readonly podAccess?: PodAccess;
  readonly authorize: Authorize;
  readonly rulesOf: Authorizer['rulesOf'];
  readonly tokens: TokenIssuer;
  readonly metrics: ApiMetrics;
  readonly watches: WatchHub;
  readonly now: () => Date;
  /** Upstream's names of admission plug-ins that are left out. */
  readonly disabledAdmission: ReadonlySet<string>;
}

export type Handler = (api: Api, request: ApiRequest, target: Target) => Promise<Answer>;

export const seenObject = (seen: Snapshot, { resource, name, namespace }: { resource: Resource; name?: string; namespace?: string }) =>
  seen.get(resource.stored, name ?? '', namespace);
