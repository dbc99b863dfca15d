// A whole cluster for tests: `fairlead up` as a user would start it, in a process of its own, driven by the real kubectl.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { namespacePrefix } from '../../src/node/machine/names.ts';

const home = dirname(dirname(import.meta.dirname));
const main = join(home, 'src/main.ts');

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

export interface RunningCluster {
  readonly name: string;
  readonly data: string;
  readonly kubeconfig: string;
  readonly process: ChildProcess;
  /** Runs kubectl; `version` picks another than the cluster was started with. */
  kubectl(args: string, options?: { version?: string; stdin?: string }): Promise<Ran>;
  /** kubectl that must succeed; answers its output. */
  ok(args: string, options?: { version?: string; stdin?: string }): Promise<string>;
  /** kubectl get … -o json */
  get<T = Record<string, unknown>>(args: string): Promise<T>;
  /** A program inside a node's, pod's or outside host's network. */
  inside(host: string, command: string): Promise<Ran>;
  fairlead(args: string): Promise<Ran>;
  /** Ends it as Ctrl-C does. */
  stop(): Promise<void>;
}

export function run(program: string, args: readonly string[], { env, stdin }: { env?: NodeJS.ProcessEnv; stdin?: string } = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { env: { ...process.env, ...env }, maxBuffer: 1 << 26, timeout: 120_000 }, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === 'number' ? error.code : 255) : 0;
      resolve({ code, stdout, stderr });
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(stdin ?? '');
  });
}

const words = (text: string): string[] => [...text.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);

export interface StartOptions {
  config?: string;
  args?: readonly string[];
  /** Start on what an earlier cluster left behind. */
  data?: string;
  /** The kubectl that drives it, if not 1.32. */
  version?: string;
}

/** Resolves when `up` says that the cluster is up. */
export async function startCluster(name: string, { config, args = [], data = mkdtempSync(join(tmpdir(), 'fairlead-e2e-')), version: usual }: StartOptions = {}): Promise<RunningCluster> {
  const configArgs = config ? ['--config', config] : [];
  const child = spawn(process.execPath, [main, 'up', '--name', name, '--data', data, ...configArgs, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('Try:')) resolve();
    });
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('exit', (code) => reject(new Error(`fairlead up ended with ${code}:\n${output}`)));
  });
  const kubeconfig = join(data, name, 'kubeconfig');
  const programOf = (version?: string) => process.env[version ? `FAIRLEAD_KUBECTL_${version.replace('.', '_')}` : 'FAIRLEAD_KUBECTL'] ?? 'kubectl';
  const environment = { KUBECONFIG: kubeconfig, HOME: data };
  const kubectl: RunningCluster['kubectl'] = (text, { version = usual, stdin } = {}) => run(programOf(version), words(text), { env: environment, ...(stdin !== undefined && { stdin }) });
  const ok: RunningCluster['ok'] = async (text, options) => {
    const { code, stdout, stderr } = await kubectl(text, options);
    if (code !== 0) throw new Error(`kubectl ${text}: exit code ${code}\n${stdout}${stderr}`);
    return stdout;
  };
  return {
    name,
    data,
    kubeconfig,
    process: child,
    kubectl,
    ok,
    get: async <T>(text: string) => JSON.parse(await ok(`get ${text} -o json`)) as T,
    inside: (host, command) => run('nsenter', [`--net=/run/netns/${namespacePrefix(name)}${host}`, ...words(command)]),
    fairlead: (text) => run(process.execPath, [main, ...words(text), '--name', name, '--data', data]),
    async stop() {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGINT');
      await exited;
    },
  };
}

export const forget = (cluster: RunningCluster): void => rmSync(cluster.data, { recursive: true, force: true });

/** Looks again every 50 ms until the condition holds; fails with what was seen last. */
export async function eventually<T>(about: string, look: () => Promise<T>, holds: (seen: T) => boolean, patienceMs = 20_000): Promise<T> {
  const ends = Date.now() + patienceMs;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (Date.now() > ends) throw new Error(`not within ${patienceMs} ms: ${about}; last seen: ${JSON.stringify(seen)}`);
    await sleep(50);
  }
}

export const manifest = (path: string): string => join(home, 'examples', path);
export const readManifest = (path: string): string => readFileSync(manifest(path), 'utf8');
