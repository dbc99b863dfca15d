// `fairlead down`: end a running cluster, and sweep what a crashed one left on the machine.
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Parts } from './parts.ts';
import { clusterFolder, forgetProcess, noSuchCluster, readDescription, runningProcess } from './cluster-folder.ts';
import { CommandError } from './command-error.ts';

export interface DownOptions {
  name: string;
  data: string;
  /** Also forget every object: the next `up` starts empty. */
  delete?: boolean;
}

const patienceMs = 40_000;

export async function down(options: DownOptions, parts: Parts): Promise<void> {
  const folder = clusterFolder(options.data, options.name);
  const description = readDescription(folder);
  if (!description) throw new CommandError(noSuchCluster(options.data, options.name));
  const running = runningProcess(folder);
  if (running) {
    process.kill(running.pid, 'SIGTERM');
    const ends = Date.now() + patienceMs;
    while (runningProcess(folder)) {
      if (Date.now() > ends) throw new CommandError(`process ${running.pid} did not end in ${patienceMs / 1000} s; look at ${folder.log}, then end it with: kill -9 ${running.pid}`);
      await sleep(20);
    }
  }
  await parts.sweepCluster(description, folder);
  forgetProcess(folder);
  if (options.delete) rmSync(folder.path, { recursive: true, force: true });
  console.log(`cluster ${options.name} is down${options.delete ? ' and deleted' : `; its objects stay in ${folder.path} (down --delete forgets them)`}`);
}
