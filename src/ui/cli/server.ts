// `fairlead server`: the API server (and, if wished, the controllers) alone, by the flags of kube-apiserver.
import type { Command } from 'commander';
import { clusterFolder, forgetProcess, recordProcess, runningProcess } from './cluster-folder.ts';
import { CommandError } from './command-error.ts';
import { examples, type Parts } from './parts.ts';
import { describeServer, FlagError, serverFlags, type ServerFlags, unknownFlags } from './server-flags.ts';
import { stopSignal } from './stop-signal.ts';

export function addServer(program: Command, parts: Parts): void {
  const command = program
    .command('server')
    .description('run the API server alone, or one of several on one etcd; takes the flags of kube-apiserver')
    .allowUnknownOption()
    .argument('[flags...]', 'flags of kube-apiserver that have no meaning here are named and passed over');
  for (const flag of serverFlags(parts.home)) command.addOption(flag);
  command
    .addHelpText('after', examples('fairlead server', 'fairlead server --etcd-servers=http://127.0.0.1:2379 --controllers', "fairlead server --secure-port=6444 --service-cluster-ip-range=10.0.0.0/24 --controllers='*'"))
    .action((rest: string[], flags: ServerFlags) => serve(flags, rest, parts));
}

async function serve(flags: ServerFlags, rest: readonly string[], parts: Parts): Promise<void> {
  const unknown = unknownFlags(rest);
  if (unknown.length > 0) console.error(`fairlead: without effect here: ${unknown.join(' ')}`);
  const stop = stopSignal();
  const folder = clusterFolder(flags.data, flags.name);
  const description = describe(flags, { state: folder.state, certFolder: flags.certDir ?? folder.pki });
  const running = runningProcess(folder);
  if (running && !description.etcd) throw new CommandError(`${folder.path} is in use by process ${running.pid}: end it first, or give another --name`);
  const server = await parts.startServer(description, folder.kubeconfig);
  if (!description.etcd) recordProcess(folder, { server: server.url });
  console.log(`serving on ${server.url}${server.kubeconfig ? `; use it with: export KUBECONFIG=${server.kubeconfig}` : ''}`);
  await stop;
  await server.close();
  if (!description.etcd) forgetProcess(folder);
}

function describe(...args: Parameters<typeof describeServer>): ReturnType<typeof describeServer> {
  try {
    return describeServer(...args);
  } catch (error) {
    if (error instanceof FlagError) throw new CommandError(error.message);
    throw error;
  }
}
