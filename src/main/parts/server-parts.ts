// `fairlead dns` and `fairlead gateway`: the cluster's DNS and the Ingress gateway by themselves, against any cluster.
import { realClock } from '../../base/run/clock.ts';
import { logFor } from '../../base/run/log.ts';
import { hostSockets } from '../../base/run/sockets.ts';
import type { Scope } from '../../model/network-model.ts';
import { dnsKinds, startClusterDns } from '../../serve/dns/cluster-dns.ts';
import { createGateway, type Gateway, gatewayKinds, ingressController } from '../../serve/proxy/gateway.ts';
import type { DnsSettings, GatewaySettings, RunningPart } from '../../ui/cli/parts.ts';
import { hostResolvers } from '../builtin-programs.ts';
import { openMirror } from './open-mirror.ts';

/** Answers SERVFAIL until the first full look at the cluster (DNS-55). */
export async function startDnsPart({ kubeconfig, domain, clusterCIDRs, serviceCIDRs, listenAt }: DnsSettings): Promise<RunningPart> {
  const { store, server, close } = openMirror(kubeconfig, dnsKinds);
  const scope: Scope = { clusterDomain: domain, podCIDRs: clusterCIDRs, serviceCIDRs };
  const dns = startClusterDns({ store, scope, upstreams: hostResolvers(), synced: store.synced });
  for (const address of listenAt) await dns.listen(hostSockets, address);
  return {
    about: `${domain} of ${server} on ${listenAt.map(({ address, port }) => `${address} port ${port}`).join(', ')}`,
    begun: store.synced,
    async close() {
      await dns.close();
      close();
    },
  };
}

/** Listens from the first full look at the cluster on: before that it would answer 404 to everything. */
export async function startGatewayPart({ kubeconfig }: GatewaySettings): Promise<RunningPart> {
  const { store, server, close } = openMirror(kubeconfig, gatewayKinds);
  const scope: Scope = { clusterDomain: 'cluster.local', podCIDRs: [], serviceCIDRs: [], ingressControllers: [ingressController] };
  let gateway: Gateway | undefined;
  let open = true;
  const begun = store.synced.then(() => {
    if (open) gateway = createGateway({ store, scope, sockets: hostSockets, clock: realClock, log: logFor('gateway') });
  });
  return {
    about: `Ingresses of ${server} for controller ${ingressController} on ports 80 and 443`,
    begun,
    async close() {
      open = false;
      await gateway?.close();
      close();
    },
  };
}
