// `fairlead backup` and `fairlead restore`: a copy of all objects of a cluster in one file, and the way back.
import { createWriteStream, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createApiClient } from '../../kube/client/api-client.ts';
import { readKubeconfig } from '../../kube/client/kubeconfig.ts';
import { checkStateFile, copyStateFile, restoreStateFile } from '../../kube/store/state-file.ts';
import { type ClusterFolder, clusterFolder, noSuchCluster, runningProcess } from './cluster-folder.ts';
import { CommandError } from './command-error.ts';

export interface BackupOptions {
  name: string;
  data: string;
}

/** Of a running cluster its server takes the copy; otherwise it is taken from the file. Complete or absent. */
export async function backup(file: string, options: BackupOptions): Promise<void> {
  const folder = clusterFolder(options.data, options.name);
  if (existsSync(file)) throw new CommandError(`${file} is there already: choose another name, or remove it first`);
  if (!existsSync(folder.state)) throw new CommandError(noSuchCluster(options.data, options.name));
  const staged = `${file}.part`;
  rmSync(staged, { force: true });
  try {
    if (runningProcess(folder)?.server) await download(folder, staged);
    else copyStateFile(folder.state, staged);
    const { objects, revision } = checkStateFile(staged);
    renameSync(staged, file);
    console.log(`${objects} objects at revision ${revision} are in ${file}; bring them back with: fairlead restore ${file} --name ${options.name}`);
  } finally {
    rmSync(staged, { force: true });
  }
}

async function download({ kubeconfig }: ClusterFolder, file: string): Promise<void> {
  const client = createApiClient(readKubeconfig(kubeconfig));
  try {
    await pipeline(await client.download('/fairlead/backup'), createWriteStream(file, { mode: 0o600 }));
  } finally {
    client.close();
  }
}

export function restore(file: string, options: BackupOptions): void {
  const folder = clusterFolder(options.data, options.name);
  const running = runningProcess(folder);
  if (running) throw new CommandError(`cluster ${options.name} runs (process ${running.pid}): end it first, then restore`);
  const { objects } = checkStateFile(file);
  const replaced = existsSync(folder.state);
  mkdirSync(dirname(folder.state), { recursive: true, mode: 0o700 });
  restoreStateFile(file, folder.state);
  console.log(`${objects} objects are in cluster ${options.name}${replaced ? `; what it had before is in ${folder.state}.old` : ''}`);
}
