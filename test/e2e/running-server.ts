// `fairlead server` for tests, in a process of its own on a free loopback port, with a kubectl for it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Ran, run } from './running-cluster.ts';

export const fairleadMain = join(dirname(dirname(import.meta.dirname)), 'src/main.ts');
export const serverKubectl = process.env['FAIRLEAD_KUBECTL'] ?? 'kubectl';

export interface RunningServer {
  url: string;
  process: ChildProcess;
  /** All that it wrote to standard error. */
  said(): string;
  kubectl(args: string, stdin?: string): Promise<Ran>;
  end(signal?: NodeJS.Signals): Promise<void>;
}

/** Resolves when it serves; throws with what it said when it ends instead. `data` is the folder of all clusters. */
export async function startServer(data: string, name: string, flags: readonly string[]): Promise<RunningServer> {
  const args = [fairleadMain, 'server', '--data', data, '--name', name, '--bind-address=127.0.0.1', '--secure-port=0', ...flags];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const lines = createInterface({ input: child.stdout });
  // `close` comes after all of its words, `exit` may not.
  const [line] = (await Promise.race([once(lines, 'line'), once(child, 'close').then(() => [''])])) as [string];
  const url = /serving on (https:\S+?);?(\s|$)/.exec(line)?.[1];
  if (!url) throw new Error(`the server did not start: ${said}`);
  const env = { KUBECONFIG: join(data, name, 'kubeconfig'), HOME: join(data, name) };
  return {
    url,
    process: child,
    said: () => said,
    kubectl: (text, stdin) => run(serverKubectl, text.split(' '), { env, ...(stdin !== undefined && { stdin }) }),
    async end(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      await once(child, 'exit');
    },
  };
}
