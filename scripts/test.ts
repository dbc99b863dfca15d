// `./fairlead test [FILE…]`: types, lint, then every test, inside one network and mount namespace of the run's own,
// so that nothing a test does can reach the machine. Closes with a plain `N passed, N failed` line.
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { bringHelm, bringKubectl, helmPath, kubectlPath, kubectlVersions } from './setup/kubectl.ts';

const home = dirname(import.meta.dirname);
const tools = join(home, '.tools');
const insideMark = 'FAIRLEAD_TEST_SANDBOX';

/** Pure tests share one process; those that enter namespaces or start programs get a process each. */
const groups = [
  { about: 'unit', files: ['src/**/*.test.ts', 'test/habits/*.test.ts', 'test/scenarios/**/*.test.ts'], isolation: 'none' },
  { about: 'kernel and end to end', files: ['test/{kernel,e2e}/**/*.test.ts', 'examples/**/*.test.ts'], isolation: 'process' },
] as const;

async function runGroup(files: string[], isolation: 'none' | 'process'): Promise<{ passed: number; failed: number }> {
  const total = { passed: 0, failed: 0 };
  if (files.length === 0) return total;
  const concurrency = isolation === 'none' ? true : availableParallelism();
  const stream = run({ files, isolation, ...(isolation === 'process' && { concurrency }) });
  stream.on('test:summary', ({ file, counts }) => {
    if (file) return;
    total.passed += counts.passed;
    total.failed += counts.tests - counts.passed - counts.skipped - counts.todo;
  });
  await new Promise<void>((resolve) => {
    stream.compose(new spec()).on('end', resolve).pipe(process.stdout, { end: false });
  });
  return total;
}

async function inside(wanted: string[]): Promise<number> {
  const total = { passed: 0, failed: 0 };
  for (const { files, isolation } of groups) {
    const all = globSync([...files], { cwd: home }).toSorted();
    const chosen = wanted.length > 0 ? all.filter((file) => wanted.some((part) => file.includes(part))) : all;
    const { passed, failed } = await runGroup(chosen.map((file) => join(home, file)), isolation);
    total.passed += passed;
    total.failed += failed;
  }
  console.log(`${total.passed} passed, ${total.failed} failed`);
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
}

function step(about: string, command: string, args: string[], env: NodeJS.ProcessEnv = process.env): void {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', cwd: home, env });
  if (status === 0) return;
  console.error(`fairlead: ${about} failed${error ? `: ${error.message}` : ''}`);
  process.exit(status ?? 1);
}

async function outside(args: string[]): Promise<void> {
  step('the type check', process.execPath, ['node_modules/typescript/bin/tsc', '--noEmit']);
  step('the linter', process.execPath, ['node_modules/oxlint/bin/oxlint', '--quiet']);
  const everything = process.env['FAIRLEAD_ALL_KUBECTLS'] === '1';
  await Promise.all([...kubectlVersions.map((version) => bringKubectl(tools, version)), ...(everything ? [bringHelm(tools)] : [])]);
  mkdirSync(tools, { recursive: true });
  const enter = 'mount -t tmpfs tmpfs /run && mkdir -p /run/netns && ip link set lo up && exec "$@"';
  const asRoot = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const command = [...asRoot, '--net', '--mount', '--propagation', 'private', 'sh', '-c', enter, 'sh', process.execPath, import.meta.filename, ...args];
  const kubectls = kubectlVersions.map((version) => [`FAIRLEAD_KUBECTL_${version.replace('.', '_')}`, kubectlPath(tools, version)]);
  const more = kubectlVersions.filter((version) => version !== '1.32').map((version) => kubectlPath(tools, version));
  const others = [process.env['FAIRLEAD_KUBECTLS'] ?? '', ...(everything ? more : [])].filter(Boolean).join(':');
  const env = { ...process.env, [insideMark]: '1', FAIRLEAD_KUBECTLS: others, ...(everything && { FAIRLEAD_HELM: helmPath(tools) }), FAIRLEAD_KUBECTL: kubectlPath(tools, '1.32'), ...Object.fromEntries(kubectls) };
  step('the test run', 'unshare', command, env);
}

const args = process.argv.slice(2);
if (process.env[insideMark]) process.exitCode = await inside(args);
else await outside(args);
