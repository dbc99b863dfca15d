// The stand-alone cluster: everything of Fairlead in one process, on one machine. Only wiring; each part knows its job.
//
//   machine (namespaces, links) ─┐
//   store (SQLite) ──────────────┼─▶ API server ◀── kubectl
//                                ├─▶ controllers
//                                └─▶ one agent a node ─▶ kernel, pods (DNS and gateway among them)
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { realClock } from '../base/run/clock.ts';
import { hostSockets } from '../base/run/sockets.ts';
import { type ClusterCertificates, openCertificates } from '../control/apiserver/identity/certificates.ts';
import { type ApiServer, createApiServer } from '../control/apiserver/server.ts';
import { createControllers } from '../control/controllers/controllers.ts';
import { startControllers } from '../control/controllers/runner.ts';
import { printKubeconfig } from '../kube/client/kubeconfig.ts';
import { createKindIndex } from '../kube/kinds/kind-index.ts';
import type { Kind } from '../kube/kinds/kind.ts';
import { createKinds } from '../kube/kinds/kinds.ts';
import { nodeKind } from '../kube/kinds/node.ts';
import { isConditionTrue } from '../kube/meaning/conditions.ts';
import { createEmbeddedStore, type EmbeddedStore } from '../kube/store/embedded.ts';
import { openSqliteJournal } from '../kube/store/journal-sqlite.ts';
import type { ObjectStore } from '../kube/store/store.ts';
import type { Scope } from '../model/network-model.ts';
import { removeCgroups } from '../node/bpf/cgroups.ts';
import { createMachine, machineExists, removeMachine } from '../node/machine/machine.ts';
import { nodeNamespace } from '../node/machine/names.ts';
import { namespaceSockets } from '../node/netlink/namespace-sockets.ts';
import { createPodAccess, type NodeAccess } from '../node/pods/access/pod-access.ts';
import { EchoHost } from '../node/pods/echo/echo-host.ts';
import { ingressController } from '../serve/proxy/gateway.ts';
import type { ClusterFolder } from '../ui/cli/cluster-folder.ts';
import type { RunningCluster } from '../ui/cli/parts.ts';
import type { ClusterDescription } from '../ui/config/cluster-description.ts';
import { apiServiceOf, bootstrapObjects, dnsAddress, serviceAddress } from './bootstrap-objects.ts';
import { createMissing } from './create-missing.ts';
import { createBuiltinPrograms } from './builtin-programs.ts';
import { machineOf } from './machine-of.ts';
import { controlPlaneOf, createNode } from './node-parts.ts';
import { createServiceAccountFiles } from './service-account-files.ts';

const apiPort = 6443;

export async function startStandAlone(description: ClusterDescription, folder: ClusterFolder, step: (about: string) => void): Promise<RunningCluster> {
  mkdirSync(folder.path, { recursive: true, mode: 0o700 });
  step('certificates');
  const certificates = await openCertificates({ folder: folder.pki, servingNames: [...controlPlaneOf(description).addresses, serviceAddress(description, 1)] });
  step(`network of ${description.nodes.length} nodes`);
  await sweepStandAlone(description);
  createMachine(machineOf(description));
  step('API server');
  const control = await startControl(description, folder, certificates);
  step(`nodes ${description.nodes.map((node) => node.name).join(' ')}`);
  const nodes = await startNodes(description, folder, control);
  await allReady(control.store, description);
  return {
    server: control.server,
    dnsAddress: dnsAddress(description),
    async close() {
      await nodes.close();
      await control.close();
      await sweepStandAlone(description);
    },
  };
}

interface Control {
  store: EmbeddedStore;
  apiServer: ApiServer;
  nodeAccess: Map<string, NodeAccess>;
  server: string;
  ca: string;
  close(): Promise<void>;
}

/** Store, API server, controllers; the kubeconfig is written when the API answers. */
async function startControl(description: ClusterDescription, folder: ClusterFolder, certificates: ClusterCertificates): Promise<Control> {
  const kinds = createKinds({ serviceCidrs: description.serviceCIDRs, nodePorts: description.nodePorts });
  const store = createEmbeddedStore({ kindOf: createKindIndex(kinds), journal: openSqliteJournal(folder.state) });
  const nodeAccess = new Map<string, NodeAccess>();
  const { auditLogPath } = description;
  const apiServer = createApiServer({ store, kinds, certificates, podAccess: createPodAccess((name) => nodeAccess.get(name)), ...(auditLogPath && { auditLogPath }) });
  const port = await freePort();
  const { name, addresses } = controlPlaneOf(description);
  await apiServer.listen(hostSockets, { address: '127.0.0.1', port });
  for (const address of addresses) await apiServer.listen(namespaceSockets(nodeNamespace(description.name, name)), { address, port: apiPort });
  const objects = bootstrapObjects(description);
  await createMissing(store, objects);
  const server = `https://127.0.0.1:${port}`;
  await writeKubeconfig(folder, certificates, server);
  const apiServers = addresses.map((address) => ({ address, port: apiPort }));
  const controllers = startControllers({ store, controllers: createControllers({ ...description, caCertificate: certificates.ca.cert, apiServers, apiService: apiServiceOf(objects) }), clock: realClock });
  return {
    store,
    apiServer,
    nodeAccess,
    server,
    ca: certificates.ca.cert,
    async close() {
      await controllers.close();
      await apiServer.close();
      await store.close();
    },
  };
}

/** One agent a node, all in this process; stand-ins of all pods share one worker. */
async function startNodes(description: ClusterDescription, folder: ClusterFolder, { store, apiServer, nodeAccess, ca }: Control) {
  const scope: Scope = {
    clusterDomain: description.domain,
    podCIDRs: description.podCIDRs,
    serviceCIDRs: description.serviceCIDRs,
    ingressControllers: [ingressController],
  };
  const echo = new EchoHost({ clock: realClock });
  const parts = {
    store,
    clock: realClock,
    scope,
    description,
    folder: join(folder.path, 'nodes'),
    clusterDns: [dnsAddress(description)],
    echo,
    builtins: createBuiltinPrograms(store, scope),
    serviceAccount: createServiceAccountFiles(store, apiServer.tokens, ca),
  };
  const nodes = description.nodes.map((node) => createNode(node, parts));
  for (const [index, node] of description.nodes.entries()) nodeAccess.set(node.name, nodes[index]!.access);
  await Promise.all(nodes.map((node) => node.start()));
  return {
    async close() {
      await Promise.all(nodes.map((node) => node.close()));
      await echo.close();
    },
  };
}

/** Waits until every node says Ready. */
async function allReady(store: ObjectStore, { nodes }: ClusterDescription): Promise<void> {
  const ready = () => nodes.every(({ name }) => isConditionTrue(store.snapshot().get(nodeKind, name)?.status?.conditions, 'Ready'));
  const stop = new AbortController();
  const since = store.snapshot().revision;
  if (ready()) return;
  for await (const _ of store.watch([nodeKind as Kind], since, stop.signal)) if (ready()) stop.abort();
}

/** 6443 where it is free, else whatever the system gives: several clusters stand side by side. */
function freePort(): Promise<number> {
  const tryPort = (port: number) =>
    new Promise<number>((resolve, reject) => {
      const probe = createServer();
      probe.once('error', reject);
      probe.listen(port, '127.0.0.1', () => {
        const { port: given } = probe.address() as { port: number };
        probe.close(() => resolve(given));
      });
    });
  return tryPort(apiPort).catch(() => tryPort(0));
}

/** The administrator's certificate is made once; the server's address may be another at each start. */
async function writeKubeconfig(folder: ClusterFolder, certificates: ClusterCertificates, server: string): Promise<void> {
  const files = { cert: `${folder.pki}/admin.crt`, key: `${folder.pki}/admin.key` };
  if (!existsSync(files.cert)) {
    const { cert, key } = await certificates.issueClient('kubernetes-admin', ['system:masters']);
    writeFileSync(files.key, key, { mode: 0o600 });
    writeFileSync(files.cert, cert, { mode: 0o600 });
  }
  const access = { server, ca: certificates.ca.cert, clientCert: readFileSync(files.cert, 'utf8'), clientKey: readFileSync(files.key, 'utf8') };
  const name = folder.name === 'default' ? 'fairlead' : `fairlead-${folder.name}`;
  writeFileSync(folder.kubeconfig, printKubeconfig(name, access), { mode: 0o600 });
}

export async function sweepStandAlone(description: ClusterDescription): Promise<void> {
  if (machineExists(description.name)) removeMachine(description.name);
  removeCgroups(description.name);
}
