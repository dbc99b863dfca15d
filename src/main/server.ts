// An API server alone, or one of several on one etcd; with the controllers if wished. Only wiring.
//
//   etcd or SQLite ─▶ store ─┬─▶ API server ◀── clients
//                            └─▶ controllers, while this server leads
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { dirname } from 'node:path';
import { realClock } from '../base/run/clock.ts';
import { hostSockets } from '../base/run/sockets.ts';
import type { ApiStore } from '../control/apiserver/api.ts';
import { allowEverything } from '../control/apiserver/identity/authorize.ts';
import { createApiServer } from '../control/apiserver/server.ts';
import type { Controller } from '../control/controllers/controller.ts';
import { createControllers } from '../control/controllers/controllers.ts';
import { Presence } from '../control/controllers/leader/presence.ts';
import type { ApiServerAddress } from '../control/controllers/leader/presence-lease.ts';
import { startLeading } from '../control/controllers/leader/leading.ts';
import { startControllers } from '../control/controllers/runner.ts';
import { createKindIndex } from '../kube/kinds/kind-index.ts';
import type { Kind } from '../kube/kinds/kind.ts';
import { createKinds } from '../kube/kinds/kinds.ts';
import type { KubeObject } from '../kube/objects/meta.ts';
import { createEmbeddedStore } from '../kube/store/embedded.ts';
import { openSqliteJournal } from '../kube/store/journal-sqlite.ts';
import type { ObjectStore } from '../kube/store/store.ts';
import type { RunningServer } from '../ui/cli/parts.ts';
import type { ServerDescription } from '../ui/config/server-description.ts';
import { apiObjects, apiServiceOf, serviceAddress } from './bootstrap-objects.ts';
import { createMissing } from './create-missing.ts';
import { openServerCredentials, type ServerCredentials, writeAdminKubeconfig } from './server-credentials.ts';

/** In Service default/kubernetes where the system chooses the port. */
const usualPort = 6443;

type ServerStore = ApiStore & { close(): Promise<void> };

export async function startServer(description: ServerDescription, kubeconfig: string): Promise<RunningServer> {
  const { serviceCIDRs, nodePorts, address, port } = description;
  const advertised = advertisedAddress(description);
  const credentials = await openServerCredentials(description, [advertised, serviceAddress(description, 1), hostname()]);
  const kinds = createKinds({ serviceCidrs: serviceCIDRs, nodePorts });
  const store = await openStore(description, createKindIndex(kinds));
  const apiServer = createApi(description, { kinds, store, credentials });
  const objects = apiObjects(description, port || usualPort);
  await createMissing(store, objects);
  const listening = await apiServer.listen(hostSockets, { address, port });
  const ownAddress = { address: advertised, port: listening };
  const presence = announcePresence(description, store, ownAddress);
  const controllers = runControllers(description, { store, rootCa: credentials.rootCa, apiServer: ownAddress, apiService: apiServiceOf(objects) });
  const url = `https://${advertised.includes(':') ? `[${advertised}]` : advertised}:${listening}`;
  const written = await writeAdminKubeconfig(kubeconfig, url, credentials);
  return {
    url,
    ...(written && { kubeconfig: written }),
    async close() {
      await presence?.close();
      await controllers.close();
      await apiServer.close();
      await store.close();
    },
  };
}

async function openStore({ etcd, state }: ServerDescription, kindOf: (apiVersion: string, kind: string) => Kind | undefined): Promise<ServerStore> {
  if (!etcd) {
    mkdirSync(dirname(state), { recursive: true, mode: 0o700 });
    return createEmbeddedStore({ kindOf, journal: openSqliteJournal(state) });
  }
  const { endpoints, prefix, compactEveryMs } = etcd;
  const pem = (file: string | undefined) => file && readFileSync(file, 'utf8');
  const [ca, cert, key] = [pem(etcd.caFile), pem(etcd.certFile), pem(etcd.keyFile)];
  const tls = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  // Loaded only where there is an etcd: gRPC takes a while.
  const { openEtcdStore } = await import('../kube/store/etcd/etcd-store.ts');
  return openEtcdStore({ endpoints, prefix, compactEveryMs, kindOf, ...(Object.keys(tls).length > 0 && { tls }) });
}

interface ApiParts {
  kinds: readonly Kind[];
  store: ApiStore;
  credentials: ServerCredentials;
}

function createApi({ serviceAccounts, authorizationModes, anonymous, disabledAdmission, auditLogPath }: ServerDescription, { kinds, store, credentials }: ApiParts) {
  const { clientCa, serving, tokenKey, tokenKeys, tokens } = credentials;
  const [issuer, ...formerIssuers] = serviceAccounts.issuers;
  return createApiServer({
    store,
    kinds,
    certificates: { ca: { cert: clientCa }, serving, tokenKey },
    tokens,
    tokenKeys,
    ...(issuer && { issuer }),
    formerIssuers,
    refusesAnonymous: !anonymous,
    disabledAdmission: new Set(disabledAdmission),
    ...(auditLogPath && { auditLogPath }),
    ...(authorizationModes.includes('AlwaysAllow') && { authorizer: allowEverything }),
  });
}

interface ControllerParts {
  store: ObjectStore;
  rootCa: string;
  apiServer: ApiServerAddress;
  apiService: KubeObject;
}

/** Where several servers share a cluster, each says that it is there. */
function announcePresence({ etcd }: ServerDescription, store: ObjectStore, at: ApiServerAddress): Presence | undefined {
  return etcd && !isLoopback(at.address) ? new Presence({ store, clock: realClock, at, identity: processIdentity }) : undefined;
}

const processIdentity = `${hostname()}_${randomUUID()}`;

/** What an API server does itself, whoever runs the other controllers. */
const ownControllers = ['api-server-endpoints'];

/** Of several servers on one etcd, one runs them; alone there is nobody to agree with. */
function runControllers(description: ServerDescription, { store, rootCa, apiServer, apiService }: ControllerParts): { close(): Promise<void> } {
  const { podCIDRs, serviceCIDRs, etcd, controllers: wanted = ownControllers } = description;
  // No pod reaches this machine's loopback: such a server has no endpoints.
  const apiServers = isLoopback(apiServer.address) ? [] : [apiServer];
  const all = createControllers({ podCIDRs, serviceCIDRs, loadBalancerCIDRs: [], caCertificate: rootCa, apiServers, apiService });
  const chosen = all.filter(({ name }) => isWanted(name, wanted));
  const start = () => startControllers({ store, controllers: chosen satisfies readonly Controller[], clock: realClock });
  if (!etcd) return start();
  const name = description.controllers ? 'fairlead-controllers' : 'fairlead-api-servers';
  return startLeading({ store, clock: realClock, identity: processIdentity, name, start });
}

const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';

/** kube-controller-manager's rule: `*` all, `name` that one, `-name` not that one. */
const isWanted = (name: string, wanted: readonly string[]): boolean => !wanted.includes(`-${name}`) && (wanted.includes('*') || wanted.includes(name));

/** Where clients are told to go: said, or bound to, or the first of this machine's own that others reach. */
function advertisedAddress({ advertiseAddress, address }: ServerDescription): string {
  if (advertiseAddress) return advertiseAddress;
  if (address !== '0.0.0.0' && address !== '::') return address;
  const outside = Object.values(networkInterfaces()).flatMap((list) => list ?? []).find(({ internal, family }) => !internal && family === (address === '::' ? 'IPv6' : 'IPv4'));
  return outside?.address ?? (address === '::' ? '::1' : '127.0.0.1');
}
