// The program: hands each verb the parts it needs. The only file that knows every floor.
import { dirname } from 'node:path';
import { StoreError } from './kube/store/store-error.ts';
import { createCli } from './ui/cli/cli.ts';
import { CommandError } from './ui/cli/command-error.ts';

const home = dirname(import.meta.dirname);

// Verbs that only look at a cluster must start fast: the servers are loaded when one is started.
const cli = createCli({
  home,
  startCluster: async (description, folder, step) => (await import('./main/stand-alone.ts')).startStandAlone(description, folder, step),
  findObstacles: async (description) => (await import('./main/host-network.ts')).findObstacles(description),
  freeNodeRange: async (range, length, taken) => (await import('./main/host-network.ts')).freeNodeRange(range, length, taken),
  startServer: async (description, kubeconfig) => (await import('./main/server.ts')).startServer(description, kubeconfig),
  lookIntoNode: async (cluster, model, keys) => (await import('./main/look-into-node.ts')).lookIntoNode(cluster, model, keys),
  startProxy: async (settings) => (await import('./main/parts/node-proxy.ts')).startNodeProxy(settings),
  cleanUpProxy: async () => (await import('./main/parts/node-proxy.ts')).cleanUpNodeProxy(),
  startDns: async (settings) => (await import('./main/parts/server-parts.ts')).startDnsPart(settings),
  startGateway: async (settings) => (await import('./main/parts/server-parts.ts')).startGatewayPart(settings),
  sweepCluster: async (description) => (await import('./main/stand-alone.ts')).sweepStandAlone(description),
});

try {
  await cli.parseAsync();
} catch (error) {
  // These speak to the user; anything else is a bug, whose trace we want to see.
  if (!(error instanceof CommandError || error instanceof StoreError)) throw error;
  console.error(`fairlead: ${error.message}`);
  process.exitCode = error instanceof CommandError ? error.exitCode : 1;
}
