// The stand-alone cluster: everything of Fairlead in one process, on one machine. Only wiring; each part knows its job.
//
//   machine (namespaces, links) ─┐
//   store (SQLite) ──────────────┼─▶ API server ◀── kubectl
//                                ├─▶ controllers
//                                └─▶ one agent a node ─▶ kernel, pods (DNS and gateway among them)
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostSockets } from '../base/run/sockets.ts';
import { createApiServer } from '../control/apiserver/server.ts';
import { openCertificates, type ClusterCertificates } from '../control/apiserver/identity/certificates.ts';
import { printKubeconfig } from '../kube/client/kubeconfig.ts';
import { createKinds } from '../kube/kinds/kinds.ts';
import { createKindIndex } from '../kube/kinds/kind-index.ts';
import { ApiError } from '../kube/meaning/api-error.ts';
import { createEmbeddedStore } from '../kube/store/embedded.ts';
import { openSqliteJournal } from '../kube/store/journal-sqlite.ts';
import type { ObjectStore } from '../kube/store/store.ts';
import { createMachine, machineExists, removeMachine } from '../node/machine/machine.ts';
import { nodeNamespace } from '../node/machine/names.ts';
import type { MachineDescription } from '../node/machine/description.ts';
import { namespaceSockets } from '../node/netlink/namespace-sockets.ts';
import type { ClusterFolder } from '../ui/cli/cluster-folder.ts';
import type { RunningCluster } from '../ui/cli/parts.ts';
import type { ClusterDescription } from '../ui/config/cluster-description.ts';
import { bootstrapObjects, dnsAddress, serviceAddress } from './bootstrap-objects.ts';

const apiPort = 6443;

export const machineOf = ({ name, nodeCIDRs, nodes, outside, loadBalancerCIDRs }: ClusterDescription): MachineDescription => ({
  cluster: name,
  subnets: nodeCIDRs,
  nodes,
  outside,
  pools: loadBalancerCIDRs,
});

export async function startStandAlone(description: ClusterDescription, folder: ClusterFolder, step: (about: string) => void): Promise<RunningCluster> {
  mkdirSync(folder.path, { recursive: true, mode: 0o700 });
  const [controlPlane] = description.nodes;
  step('certificates');
  const certificates = await openCertificates({
    folder: folder.pki,
    servingNames: [...controlPlane!.addresses, ...description.serviceCIDRs.slice(0, 1).map(() => serviceAddress(description, 1))],
  });
  step(`network of ${description.nodes.length} nodes`);
  if (machineExists(description.name)) removeMachine(description.name);
  createMachine(machineOf(description));
  step('API server');
  const kinds = createKinds({ serviceCidrs: description.serviceCIDRs, nodePorts: description.nodePorts });
  const store = createEmbeddedStore({ kindOf: createKindIndex(kinds), journal: openSqliteJournal(folder.state) });
  const apiServer = createApiServer({ store, kinds, certificates });
  const port = await freePort();
  await apiServer.listen(hostSockets, { address: '127.0.0.1', port });
  for (const address of controlPlane!.addresses) await apiServer.listen(namespaceSockets(nodeNamespace(description.name, controlPlane!.name)), { address, port: apiPort });
  await bootstrap(store, description);
  const server = `https://127.0.0.1:${port}`;
  await writeKubeconfig(folder, certificates, server);
  return {
    server,
    dnsAddress: dnsAddress(description),
    async close() {
      await apiServer.close();
      await store.close();
      removeMachine(description.name);
    },
  };
}

/** 6443 where it is free, else whatever the system gives: several clusters stand side by side. */
function freePort(): Promise<number> {
  const probe = createServer();
  const tryPort = (port: number) =>
    new Promise<number>((resolve, reject) => {
      probe.once('error', reject);
      probe.listen(port, '127.0.0.1', () => {
        const { port: given } = probe.address() as { port: number };
        probe.close(() => resolve(given));
      });
    });
  return tryPort(apiPort).catch(() => tryPort(0));
}

async function bootstrap(store: ObjectStore, description: ClusterDescription): Promise<void> {
  const writes = bootstrapObjects(description).map((object) =>
    store.write({ verb: 'create', object }).catch((error: unknown) => {
      // There since an earlier start: what users changed in it is theirs.
      if (!(error instanceof ApiError && error.reason === 'AlreadyExists')) throw error;
    }),
  );
  await Promise.all(writes);
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
  removeMachine(description.name);
}
