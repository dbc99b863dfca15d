// `fairlead server` as a user starts it: alone on SQLite, two of them on one etcd, by the flags of test environments.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createAuthority } from '../../src/control/apiserver/identity/sign-certificate.ts';
import { type RunningEtcd, startEtcd } from './running-etcd.ts';
import { eventually, run } from './running-cluster.ts';
import { fairleadMain as main, type RunningServer, serverKubectl as kubectlPath, startServer } from './running-server.ts';

const scratch = mkdtempSync(join(tmpdir(), 'fairlead-server-'));
const ends: (() => Promise<unknown> | void)[] = [];
after(async () => {
  for (const end of ends.toReversed()) await end();
  rmSync(scratch, { recursive: true, force: true });
});

const etcdOf = async (): Promise<RunningEtcd> => {
  const etcd = await startEtcd();
  ends.push(() => etcd.close());
  return etcd;
};

async function start(name: string, ...flags: string[]): Promise<RunningServer> {
  const server = await startServer(scratch, name, flags);
  ends.push(() => server.end());
  return server;
}

test('alone, it keeps its objects over a restart and makes its own certificates', async () => {
  const first = await start('alone');
  assert.equal((await first.kubectl('create configmap c --from-literal=a=1')).code, 0);
  await first.end();
  assert.equal(first.process.exitCode, 0);
  const second = await start('alone');
  assert.equal((await second.kubectl('get configmap c -o jsonpath={.data.a}')).stdout, '1');
  assert.match((await second.kubectl('get --raw /readyz')).stdout, /^ok/);
  await second.end();
});

test('a back-up of a running server is what is brought back later', async () => {
  const fairlead = (...args: string[]) => run(process.execPath, [main, ...args, '--data', scratch, '--name', 'kept']);
  const copy = join(scratch, 'copy.db');
  const first = await start('kept');
  await first.kubectl('create configmap before');
  const taken = await fairlead('backup', copy);
  assert.match(taken.stdout, /^\d+ objects at revision \d+ are in .*copy\.db; bring them back with: fairlead restore/, taken.stderr);
  assert.match((await fairlead('backup', copy)).stderr, /is there already/);
  assert.match((await fairlead('restore', copy)).stderr, /runs \(process \d+\): end it first/);
  await first.kubectl('create configmap after');
  const denied = await first.kubectl('get --raw /fairlead/backup --as=jane');
  assert.match(denied.stderr, /forbidden/i);
  await first.end();
  assert.match((await fairlead('restore', copy)).stdout, /objects are in cluster kept; what it had before is in .*state\.db\.old/);
  const again = join(scratch, 'again.db');
  assert.equal((await fairlead('backup', again)).code, 0, 'also of one that is down');
  const second = await start('kept');
  const names = (await second.kubectl('get configmaps -o name')).stdout;
  assert.match(names, /before/);
  assert.doesNotMatch(names, /after/);
  assert.match((await run(process.execPath, [main, 'server', '--data', scratch, '--name', 'kept'])).stderr, /is in use by process/);
  await second.end();
});

test('custom objects and their definition come back with a back-up, and are served and judged as before', async () => {
  const fairlead = (...args: string[]) => run(process.execPath, [main, ...args, '--data', scratch, '--name', 'custom']);
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { metres: { type: 'integer', minimum: 1, default: 10 } } } } } };
  const definition = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'ropes.example.com' }, spec: { group: 'example.com', scope: 'Namespaced', names: { plural: 'ropes', kind: 'Rope' }, versions: [{ name: 'v1', served: true, storage: true, schema }] } };
  const rope = (name: string, spec = {}) => JSON.stringify({ apiVersion: 'example.com/v1', kind: 'Rope', metadata: { name }, spec });
  const copy = join(scratch, 'custom.db');
  const first = await start('custom');
  await first.kubectl('create -f -', JSON.stringify(definition));
  await first.kubectl('wait --for=condition=Established crd/ropes.example.com --timeout=20s');
  assert.equal((await first.kubectl('create -f -', rope('kept', { metres: 25 }))).code, 0);
  const before = JSON.parse((await first.kubectl('get rope kept -o json')).stdout);
  assert.equal((await fairlead('backup', copy)).code, 0);
  assert.equal((await first.kubectl('delete crd ropes.example.com')).code, 0);
  await eventually('ropes are gone', () => first.kubectl('get ropes'), ({ code }) => code !== 0);
  await first.end();
  assert.equal((await fairlead('restore', copy)).code, 0);
  const second = await start('custom');
  assert.deepEqual(JSON.parse((await second.kubectl('get rope kept -o json')).stdout), before);
  assert.equal((await second.kubectl('create -f -', rope('new'))).code, 0);
  assert.equal((await second.kubectl('get rope new -o jsonpath={.spec.metres}')).stdout, '10');
  assert.match((await second.kubectl('create -f -', rope('none', { metres: 0 }))).stderr, /spec\.metres: Invalid value: 0/);
  await second.end();
});

test('flags of kube-apiserver that mean nothing here are named and passed over', async () => {
  const server = await start('flags', '--egress-selector-config-file', '/dev/null', '--feature-gates=A=true', '--allow-privileged=true', '-v=3', '--profiling');
  assert.match(server.said(), /without effect here: --egress-selector-config-file --feature-gates --allow-privileged -v --profiling/);
  await server.end();
});

test('a flag with a wrong value is refused with its name', async () => {
  const refused = async (...flags: string[]) => (await run(process.execPath, [main, 'server', '--data', scratch, ...flags])).stderr;
  assert.match(await refused('--secure-port=http'), /--secure-port http: must be a whole number/);
  assert.match(await refused('--service-cluster-ip-range=10.0.0.0'), /--service-cluster-ip-range 10\.0\.0\.0: must be a range/);
  assert.match(await refused('--service-node-port-range=9-3'), /--service-node-port-range 9-3: must be like/);
  assert.match(await refused('--tls-cert-file=x'), /--tls-cert-file and --tls-private-key-file belong together/);
  assert.match(await refused('--etcd-servers=http://127.0.0.1:1', '--etcd-compaction-interval=soon'), /--etcd-compaction-interval soon: must be a duration/);
  assert.match(await refused('--etcd-servers=http://127.0.0.1:1'), /etcd at http:\/\/127\.0\.0\.1:1 does not answer/);
});

test('test environments: their certificates, their users, their tokens; --help names no insecure port', async () => {
  const authority = createAuthority(() => new Date());
  const clients = await authority.createCa();
  const file = (name: string, text: string) => {
    writeFileSync(join(scratch, name), text);
    return join(scratch, name);
  };
  const tokens = file('tokens.csv', 'secret,robot,uid-1,"system:masters,others"\n');
  const server = await start('env', `--client-ca-file=${file('ca.crt', clients.cert)}`, `--token-auth-file=${tokens}`, '--disable-admission-plugins=ServiceAccount', '--authorization-mode=Node,RBAC');
  const { cert, key } = await authority.signClient(clients, { user: 'tester', groups: ['system:masters'] });
  const access = (...credentials: string[]) => (args: string) =>
    run(kubectlPath, [`--server=${server.url}`, '--insecure-skip-tls-verify', ...credentials, ...args.split(' ')], { env: { HOME: scratch, KUBECONFIG: '/dev/null' } });
  const tester = access(`--client-certificate=${file('t.crt', cert)}`, `--client-key=${file('t.key', key)}`);
  assert.match((await tester('auth whoami')).stdout, /tester/);
  assert.equal((await tester('run p --image=echo')).code, 0, 'no service account is needed');
  assert.match((await access('--token=secret')('auth whoami')).stdout, /robot/);
  assert.match((await access('--token=wrong')('get pods')).stderr, /Unauthorized|must be logged in/);
  assert.match((await run('curl', ['-sk', `${server.url}/healthz`])).stdout, /^ok/);
  assert.doesNotMatch((await run(process.execPath, [main, 'server', '--help'])).stdout, /^\s*--insecure-port\b/m);
  await server.end();
});

test('two servers on one etcd behave as one', async () => {
  const etcd = await etcdOf();
  const shared = [`--etcd-servers=${etcd.endpoint}`, `--cert-dir=${join(scratch, 'shared-pki')}`];
  const a = await start('a', ...shared);
  const b = await start('b', ...shared);
  const serve = (of: RunningServer, name: string) => of.kubectl(`create service nodeport ${name} --tcp=80`);
  const made = await Promise.all(Array.from({ length: 12 }, (_, i) => serve(i % 2 ? a : b, `s${i}`)));
  assert.deepEqual(made.filter(({ code }) => code !== 0), []);
  const listed = await a.kubectl('get services -o jsonpath={.items[*].spec.clusterIP}');
  const addresses = listed.stdout.split(' ');
  assert.equal(new Set(addresses).size, 13);
  await a.kubectl('create configmap c --from-literal=a=1');
  assert.equal((await b.kubectl('get configmap c -o jsonpath={.data.a}')).stdout, '1');
  assert.equal((await b.kubectl('delete configmap c')).code, 0);
  assert.match((await a.kubectl('get configmap c')).stderr, /NotFound/);
  const token = (await a.kubectl('create serviceaccount robot')).code === 0 ? await a.kubectl('create token robot') : undefined;
  const asRobot = await run(kubectlPath, [`--server=${b.url}`, '--insecure-skip-tls-verify', `--token=${token?.stdout.trim()}`, 'auth', 'whoami'], { env: { HOME: scratch, KUBECONFIG: '/dev/null' } });
  assert.match(asRobot.stdout, /system:serviceaccount:default:robot/);
  await etcd.kill();
  await eventually('b is not ready without etcd', () => b.kubectl('get --raw /readyz'), ({ code }) => code !== 0);
  assert.match((await b.kubectl('get --raw /livez')).stdout, /^ok/);
  await etcd.restart();
  await eventually('b is ready again', () => b.kubectl('get --raw /readyz'), ({ code }) => code === 0);
  assert.equal((await b.kubectl('create configmap later')).code, 0);
  await Promise.all([a.end(), b.end()]);
});

test('SVC-58: Service default/kubernetes leads to every server on one etcd that lives, with or without controllers', async () => {
  const etcd = await etcdOf();
  const shared = [`--etcd-servers=${etcd.endpoint}`, `--cert-dir=${join(scratch, 'endpoints-pki')}`];
  // Addresses that others could reach: a server on loopback is no endpoint for anybody.
  const addresses = ['192.0.2.1', '192.0.2.2'];
  for (const address of addresses) await run('ip', ['address', 'add', `${address}/32`, 'dev', 'lo']);
  ends.push(async () => {
    for (const address of addresses) await run('ip', ['address', 'del', `${address}/32`, 'dev', 'lo']);
  });
  const [a, b] = [await start('e1', ...shared, `--bind-address=${addresses[0]}`), await start('e2', ...shared, `--bind-address=${addresses[1]}`)];
  const endpoints = async (of: RunningServer) => (await of.kubectl('get endpointslices -l kubernetes.io/service-name=kubernetes -o jsonpath={.items[*].endpoints[*].addresses[*]}')).stdout.split(' ').toSorted();
  await eventually('both are endpoints', () => endpoints(a), (found) => found.join() === addresses.join());
  const leases = (await a.kubectl('get leases -n kube-system -l apiserver.kubernetes.io/identity=kube-apiserver -o name')).stdout.trim().split('\n');
  assert.equal(leases.length, 2);
  // The first leads; the second, once it is alone, tells of itself only.
  await a.end();
  await eventually('the one that is left is the endpoint', () => endpoints(b), (found) => found.join() === addresses[1]);
  await b.end();
});

test('when the server that runs the controllers ends, another goes on with them', async () => {
  const etcd = await etcdOf();
  const shared = [`--etcd-servers=${etcd.endpoint}`, `--cert-dir=${join(scratch, 'controllers-pki')}`, '--controllers'];
  const a = await start('c1', ...shared);
  const b = await start('c2', ...shared);
  const holder = async () => (await b.kubectl('get lease -n kube-system fairlead-controllers -o jsonpath={.spec.holderIdentity}')).stdout;
  const first = await eventually('a leader', holder, Boolean);
  await a.kubectl('create namespace one');
  await eventually('its service account', () => b.kubectl('get serviceaccount default -n one'), ({ code }) => code === 0);
  // Whichever leads: it is the first that started, and it gives the Lease up.
  await a.end();
  await eventually('another leader', holder, (now) => Boolean(now) && now !== first);
  await b.kubectl('create namespace two');
  await eventually('its service account', () => b.kubectl('get serviceaccount default -n two'), ({ code }) => code === 0);
  await b.end();
});
