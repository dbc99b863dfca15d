// `fairlead dns` and `fairlead gateway`: the cluster's DNS and the Ingress gateway by themselves, against any cluster.
// Without their API server both go on with what they know.
import { realClock } from '../../base/run/clock.ts';
import { logFor } from '../../base/run/log.ts';
import { hostSockets } from '../../base/run/sockets.ts';
import type { Scope } from '../../model/network-model.ts';
import { dnsKinds, startClusterDns } from '../../serve/dns/cluster-dns.ts';
import { dnsMetrics } from '../../serve/dns/prometheus-metrics.ts';
import { createGateway, type Gateway, gatewayKinds, ingressController } from '../../serve/proxy/gateway.ts';
import { proxyMetrics } from '../../serve/proxy/prometheus-metrics.ts';
import type { DnsSettings, GatewaySettings, RunningPart } from '../../ui/cli/parts.ts';
import { hostResolvers } from '../builtin-programs.ts';
import { openMirror, orClose } from './open-mirror.ts';
import { openStatusPage } from './status-page.ts';

/** Answers SERVFAIL until the first full look at the cluster (DNS-55). */
export async function startDnsPart({ kubeconfig, domain, clusterCIDRs, serviceCIDRs, listenAt, statusAt }: DnsSettings): Promise<RunningPart> {
  const mirror = openMirror(kubeconfig, dnsKinds);
  const { store, server } = mirror;
  let ready = false;
  const status = await orClose(mirror, openStatusPage({ at: statusAt, isReady: () => ready, mirror }));
  const scope: Scope = { clusterDomain: domain, podCIDRs: clusterCIDRs, serviceCIDRs };
  const dns = startClusterDns({ store, scope, upstreams: hostResolvers(), synced: store.synced, count: dnsMetrics(status.registry) });
  const close = async () => {
    mirror.close();
    await status.close();
    await dns.close();
  };
  for (const address of listenAt) await orClose({ close: () => void close() }, dns.listen(hostSockets, address));
  return {
    about: `${domain} of ${server} on ${listenAt.map(({ address, port }) => `${address} port ${port}`).join(', ')}`,
    begun: store.synced.then(async () => {
      await dns.settled(store.snapshot().revision);
      ready = true;
    }),
    close,
  };
}

/** Listens from the first full look at the cluster on: before that it would answer 404 to everything. */
export async function startGatewayPart({ kubeconfig, statusAt }: GatewaySettings): Promise<RunningPart> {
  const mirror = openMirror(kubeconfig, gatewayKinds);
  const { store, server } = mirror;
  const scope: Scope = { clusterDomain: 'cluster.local', podCIDRs: [], serviceCIDRs: [], ingressControllers: [ingressController] };
  let gateway: Gateway | undefined;
  let open = true;
  let ready = false;
  const status = await orClose(mirror, openStatusPage({ at: statusAt, isReady: () => ready, mirror }));
  const metrics = proxyMetrics(status.registry);
  const begun = store.synced.then(async () => {
    if (!open) return;
    gateway = createGateway({ store, scope, sockets: hostSockets, clock: realClock, log: logFor('gateway'), metrics });
    await gateway.settled(store.snapshot().revision);
    ready = true;
  });
  return {
    about: `Ingresses of ${server} for controller ${ingressController} on ports 80 and 443`,
    begun,
    async close() {
      open = false;
      mirror.close();
      await status.close();
      await gateway?.close();
    },
  };
}
