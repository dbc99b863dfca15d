// Cluster DNS as a part: keeps the zone in step with a store and serves it. Runs as a pod or alone against any cluster.
import { type Clock, realClock } from '../../base/run/clock.ts';
import { Loop } from '../../base/run/loop.ts';
import { endpointSliceKind } from '../../kube/kinds/endpoint-slice.ts';
import { namespaceKind } from '../../kube/kinds/namespace.ts';
import { serviceKind } from '../../kube/kinds/service.ts';
import type { Kind } from '../../kube/kinds/kind.ts';
import { wakeOnChange } from '../../kube/store/wake-on-change.ts';
import type { ObjectStore } from '../../kube/store/store.ts';
import { createNameCompiler } from '../../model/names/compile-names.ts';
import type { NameDirectory, Scope } from '../../model/network-model.ts';
import { createAnswerCache } from './cache.ts';
import { createForwarder, type Upstream } from './forward.ts';
import { createRememberedAnswers } from './remembered.ts';
import { createResponders } from './responders.ts';
import { createDnsServer, type DnsServer } from './server.ts';

export const dnsKinds: readonly Kind[] = [serviceKind as Kind, endpointSliceKind as Kind, namespaceKind as Kind];

export interface ClusterDnsOptions {
  store: ObjectStore;
  scope: Scope;
  /** Where other names are asked; none: they do not exist. */
  upstreams?: readonly Upstream[];
  stubs?: ReadonlyMap<string, readonly Upstream[]>;
  /** Resolves after the first full list; until then answers are SERVFAIL (DNS-55). */
  synced?: Promise<void>;
  clock?: Clock;
  /** Told of each answer (prometheus-metrics.ts). */
  count?(answer: Buffer | undefined): void;
}

export interface ClusterDns extends Pick<DnsServer, 'listen' | 'close'> {
  /** Resolves once answers show everything up to this revision. */
  settled(revision: number): Promise<void>;
}

export function startClusterDns(options: ClusterDnsOptions): ClusterDns {
  const { store, scope, upstreams = [], stubs = new Map(), synced = Promise.resolve(), clock = realClock, count } = options;
  const compile = createNameCompiler(scope);
  let directory: NameDirectory | undefined;
  const loop = new Loop({
    clock,
    async turn() {
      await synced;
      const seen = store.snapshot();
      directory = compile(seen);
      return { revision: seen.revision };
    },
  });
  const forwarder = createForwarder(clock);
  const remembered = createRememberedAnswers(() => directory);
  const responders = createResponders({ directory: () => directory, remembered, forwarder, cache: createAnswerCache(clock), upstreams: () => upstreams, stubs });
  const server = createDnsServer({ responders, remembered, count });
  const unwatch = wakeOnChange(store, dnsKinds, loop);
  return {
    listen: server.listen,
    settled: (revision) => loop.settled(revision),
    async close() {
      unwatch();
      await loop.close();
      forwarder.close();
      await server.close();
    },
  };
}
