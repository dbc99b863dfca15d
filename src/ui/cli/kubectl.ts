// `fairlead kubectl …`: the real kubectl with this cluster's kubeconfig; everything after the verb is passed on.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { clusterFolder } from './cluster-folder.ts';
import { CommandError } from './command-error.ts';

export interface KubectlOptions {
  name: string;
  data: string;
  /** Where a kubectl of our own may lie. */
  tools: string;
}

/** Resolves with kubectl's exit code. */
export function kubectl(args: readonly string[], options: KubectlOptions): Promise<number> {
  const { kubeconfig } = clusterFolder(options.data, options.name);
  if (!existsSync(kubeconfig)) throw new CommandError(`cluster ${options.name} has no kubeconfig yet; start it with: fairlead up --name ${options.name}`);
  const own = join(options.tools, 'kubectl/1.32/kubectl');
  const program = existsSync(own) && !onPath('kubectl') ? own : 'kubectl';
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, KUBECONFIG: kubeconfig } });
    // Ctrl-C reaches kubectl itself through the terminal; we only wait for it.
    process.on('SIGINT', () => {});
    child.on('exit', (code, signal) => resolve(code ?? (signal ? 130 : 1)));
    child.on('error', () => reject(new CommandError('kubectl is not on PATH; install it, or run ./fairlead test once, which brings one to .tools', 127)));
  });
}

const onPath = (program: string): boolean => (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, program)));
