// Runs a bench in namespaces of its own (network, mounts, processes) and gives back what it printed.
// The process namespace is what ends everything the bench started: with its first process all others go, also on Ctrl-C.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { text } from 'node:stream/consumers';

const enter = 'mount -t tmpfs tmpfs /run && mkdir -p /run/netns && ip link set lo up && exec "$@"';
const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private'];

const scratchVariable = 'FAIRLEAD_BENCH_SCRATCH';

/** In the sandbox: an empty folder on disk, gone afterwards. */
export const scratch = (): string => process.env[scratchVariable] ?? '';

/** Progress goes to our standard error as it comes. Rejects when the program fails. */
export async function runInSandbox(program: readonly string[]): Promise<string> {
  const asRoot = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  // Not /tmp, which may be memory: a write is durable when the disk has it.
  const folder = mkdtempSync('/var/tmp/fairlead-bench-');
  const env = { ...process.env, [scratchVariable]: folder };
  // A group of its own: Ctrl-C reaches us alone, and we end it by its id.
  const child = spawn('unshare', [...asRoot, ...namespaces, 'sh', '-c', enter, 'sh', ...program], { stdio: ['ignore', 'pipe', 'inherit'], detached: true, env });
  const end = (signal: NodeJS.Signals) => {
    child.kill('SIGKILL');
    process.exitCode = signal === 'SIGINT' ? 130 : 143;
  };
  process.once('SIGINT', end).once('SIGTERM', end);
  const [printed, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  process.removeListener('SIGINT', end).removeListener('SIGTERM', end);
  rmSync(folder, { recursive: true });
  if (code !== 0) throw new Error(`the bench ended with ${code ?? 'a signal'}`);
  return printed;
}
