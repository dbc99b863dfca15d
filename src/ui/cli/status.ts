// `fairlead status`: which clusters there are, and how the running ones are.
import { printColumns } from '../../base/text/columns.ts';
import { createApiClient } from '../../kube/client/api-client.ts';
import { readKubeconfig } from '../../kube/client/kubeconfig.ts';
import { nodeKind } from '../../kube/kinds/node.ts';
import { podKind } from '../../kube/kinds/pod.ts';
import { serviceKind } from '../../kube/kinds/service.ts';
import type { Snapshot } from '../../kube/store/store.ts';
import { fetchSnapshot } from '../../kube/store/mirror.ts';
import type { Condition } from '../../kube/objects/meta.ts';
import { type ClusterFolder, clusterFolder, clusterNames, noSuchCluster, runningProcess } from './cluster-folder.ts';
import { CommandError } from './command-error.ts';

export interface StatusOptions {
  name?: string;
  data: string;
}

const isReady = (status: { conditions?: Condition[] } | undefined) => status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;

/** Exit code 0 when every asked-for cluster runs. */
export async function status(options: StatusOptions): Promise<number> {
  if (options.name !== undefined && !clusterNames(options.data).includes(options.name)) throw new CommandError(noSuchCluster(options.data, options.name));
  const names = options.name === undefined ? clusterNames(options.data) : [options.name];
  if (names.length === 0) {
    console.log('no clusters; start one with: fairlead up');
    return 1;
  }
  const rows = await Promise.all(names.map((name) => describe(clusterFolder(options.data, name))));
  console.log(printColumns(['NAME', 'STATE', 'API', 'NODES', 'PODS', 'SERVICES'], rows));
  return rows.every((row) => row[1] === 'running') ? 0 : 1;
}

async function describe(folder: ClusterFolder): Promise<string[]> {
  const running = runningProcess(folder);
  if (!running?.server) return [folder.name, running ? 'starting' : 'down', '-', '-', '-', '-'];
  const client = createApiClient(readKubeconfig(folder.kubeconfig));
  try {
    return [folder.name, 'running', running.server, ...count(await fetchSnapshot(client, [nodeKind, podKind, serviceKind]))];
  } catch (error) {
    // A process that runs but does not answer is what the user wants to know about.
    return [folder.name, `not answering: ${(error as Error).message}`, running.server, '-', '-', '-'];
  } finally {
    client.close();
  }
}

function count(seen: Snapshot): string[] {
  const nodes = seen.list(nodeKind);
  const pods = seen.list(podKind);
  const ready = (list: readonly { status?: { conditions?: Condition[] } }[]) => `${list.filter((each) => isReady(each.status)).length}/${list.length} ready`;
  return [ready(nodes), ready(pods), String(seen.list(serviceKind).length)];
}
