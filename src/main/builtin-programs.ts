// Fairlead's own servers as pods: image name → the server, run in this process with the pod's own sockets.
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { realClock } from '../base/run/clock.ts';
import { logFor } from '../base/run/log.ts';
import type { ObjectStore } from '../kube/store/store.ts';
import type { Scope } from '../model/network-model.ts';
import type { BuiltinContext, BuiltinPrograms } from '../node/pods/programs/program.ts';
import { startClusterDns } from '../serve/dns/cluster-dns.ts';
import type { Upstream } from '../serve/dns/forward.ts';
import { createGateway } from '../serve/proxy/gateway.ts';

export function createBuiltinPrograms(store: ObjectStore, scope: Scope): BuiltinPrograms {
  return new Map([
    ['fairlead/dns', (context: BuiltinContext) => runDns(store, scope, context)],
    ['fairlead/gateway', (context: BuiltinContext) => runGateway(store, scope, context)],
    // The node's data plane and pod network are this process's own agents; these pods stand for them where people look.
    ['fairlead/proxy', runNothing],
    ['fairlead/agent', runNothing],
  ]);
}

async function runDns(store: ObjectStore, scope: Scope, { sockets, addresses, log }: BuiltinContext): Promise<{ close(): Promise<void> }> {
  const dns = startClusterDns({ store, scope, upstreams: hostResolvers() });
  for (const address of addresses) await dns.listen(sockets, { address, port: 53 });
  log(`serving ${scope.clusterDomain} on ${addresses.join(' ')} port 53`);
  return dns;
}

/** The resolvers of the machine we run on: who knows the names that are not the cluster's. */
export function hostResolvers(): Upstream[] {
  try {
    const lines = readFileSync('/etc/resolv.conf', 'utf8').split('\n');
    const servers = lines.flatMap((line) => /^nameserver\s+(\S+)/.exec(line)?.[1] ?? []);
    return servers.filter((server) => isIP(server)).map((address) => ({ address, port: 53 }));
  } catch {
    // A machine without resolv.conf resolves nothing, and so do we.
    return [];
  }
}

async function runGateway(store: ObjectStore, scope: Scope, { sockets, log }: BuiltinContext): Promise<{ close(): Promise<void> }> {
  const gateway = createGateway({ store, scope, sockets, clock: realClock, log: logFor('gateway') });
  log('serving Ingresses of controller fairlead.dev/ingress on ports 80 and 443');
  return gateway;
}

const runNothing = async ({ log }: BuiltinContext): Promise<{ close(): Promise<void> }> => {
  log('this node is served by the fairlead process on the host');
  return { close: async () => {} };
};
