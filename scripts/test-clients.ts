// `npm run test:clients [-- GO-TEST-FLAGS]`: programs of the Go world (client-go, controller-runtime) against
// `fairlead server` on a real etcd, in a network namespace of their own. Needs Go; the ordinary test run does not.
// Closes with a plain `N passed, N failed` line.
import { spawn, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

const folder = join(dirname(import.meta.dirname), 'test/clients');

interface TestLine {
  Action: string;
  Test?: string;
  Output?: string;
}

const which = (program: string): string | undefined => {
  const { stdout, status } = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
};

function fail(message: string): never {
  console.error(`fairlead: ${message}`);
  process.exit(1);
}

const go = which('go') ?? fail('Go is not installed: the tests with client-go and controller-runtime were not run');
const etcd = which('etcd') ?? fail('etcd is not installed: apt-get install etcd-server');

// Modules come from the network, which the tests do not have.
if (spawnSync(go, ['test', '-c', '-o', '/dev/null', '.'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] }).status !== 0) fail('the Go tests do not build');

const env = {
  ...process.env,
  TEST_ASSET_KUBE_APISERVER: join(folder, 'kube-apiserver'),
  TEST_ASSET_ETCD: etcd,
  FAIRLEAD_NODE: process.execPath,
  KUBEBUILDER_ATTACH_CONTROL_PLANE_OUTPUT: process.env['FAIRLEAD_LOG'] ? 'true' : 'false',
};
const asRoot = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
const inside = ['sh', '-c', 'ip link set lo up && exec "$@"', 'sh', go, 'test', '-json', '-count=1', './...', ...process.argv.slice(2)];
const child = spawn('unshare', [...asRoot, '--net', ...inside], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
const total = { passed: 0, failed: 0 };
const printed = new Map<string, string>();
for await (const text of createInterface({ input: child.stdout })) {
  const line = JSON.parse(text) as TestLine;
  const name = line.Test ?? '';
  if (line.Action === 'output') printed.set(name, (printed.get(name) ?? '') + line.Output);
  if (line.Action !== 'pass' && line.Action !== 'fail') continue;
  if (line.Action === 'fail') console.log(printed.get(name));
  if (!name) continue;
  console.log(`${line.Action === 'pass' ? '✔' : '✖'} ${name}`);
  total[line.Action === 'pass' ? 'passed' : 'failed'] += 1;
}
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
