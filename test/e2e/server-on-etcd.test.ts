// `fairlead server` on an etcd that asks for certificates, and definitions of kinds on two servers of one etcd: what is
// defined at one is served by the other.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { createAuthority } from '../../src/control/apiserver/identity/sign-certificate.ts';
import { eventually } from './running-cluster.ts';
import { startEtcd } from './running-etcd.ts';
import { type RunningServer, serverKubectl, startServer } from './running-server.ts';

const scratch = mkdtempSync(join(tmpdir(), 'fairlead-on-etcd-'));
const ends: (() => Promise<unknown> | void)[] = [];
after(async () => {
  for (const end of ends.toReversed()) await end();
  rmSync(scratch, { recursive: true, force: true });
});

const file = (name: string, text: string): string => {
  writeFileSync(join(scratch, name), text);
  return join(scratch, name);
};

async function start(name: string, ...flags: string[]): Promise<RunningServer> {
  const server = await startServer(scratch, name, flags);
  ends.push(() => server.end());
  return server;
}

const definition = (more: object = {}) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'ropes.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'ropes', kind: 'Rope', shortNames: ['rp'] },
    versions: [{
      name: 'v1', served: true, storage: true,
      schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { metres: { type: 'integer', minimum: 1, default: 10 }, ...more } } } } },
      additionalPrinterColumns: [{ name: 'Metres', type: 'integer', jsonPath: '.spec.metres' }],
    }],
  },
});
const rope = (name: string, spec: object = {}) => JSON.stringify({ apiVersion: 'example.com/v1', kind: 'Rope', metadata: { name }, spec });

async function ok(server: RunningServer, args: string, stdin?: string): Promise<string> {
  const { code, stdout, stderr } = await server.kubectl(args, stdin);
  assert.equal(code, 0, `kubectl ${args}: ${stdout}${stderr}`);
  return stdout;
}

test('etcd over TLS: a server with a client certificate keeps its objects there; without, or with a stranger’s, it does not start', async () => {
  const authority = createAuthority(() => new Date());
  const [ca, strangers] = [await authority.createCa(), await authority.createCa()];
  const [serving, client, stranger] = [await authority.signServing(ca, ['127.0.0.1']), await authority.signClient(ca, { user: 'fairlead', groups: [] }), await authority.signClient(strangers, { user: 'fairlead', groups: [] })];
  const caFile = file('etcd-ca.crt', ca.cert);
  const etcd = await startEtcd({ tls: { clientCa: caFile, cert: file('etcd.crt', serving.cert), key: file('etcd.key', serving.key) } });
  ends.push(() => etcd.close());
  const access = (name: string, { cert, key }: { cert: string; key: string }) => [`--etcd-certfile=${file(`${name}.crt`, cert)}`, `--etcd-keyfile=${file(`${name}.key`, key)}`];
  const trusted = [`--etcd-servers=${etcd.endpoint}`, `--etcd-cafile=${caFile}`];

  await Promise.all([
    assert.rejects(start('bare', ...trusted), /etcd at https:\S+ does not answer/),
    assert.rejects(start('stranger', ...trusted, ...access('stranger', stranger)), /etcd at https:\S+ does not answer/),
    assert.rejects(start('doubting', `--etcd-servers=${etcd.endpoint}`, `--etcd-cafile=${file('other-ca.crt', strangers.cert)}`, ...access('c', client)), /etcd at https:\S+ does not answer: .*certificate/),
  ]);

  const first = await start('tls', ...trusted, ...access('client', client));
  await ok(first, 'create configmap kept --from-literal=a=1');
  await etcd.kill();
  await etcd.restart();
  await eventually('it writes again', () => first.kubectl('create configmap later'), ({ code }) => code === 0);
  await first.end();
  const second = await start('tls-again', ...trusted, ...access('client', client));
  assert.equal(await ok(second, 'get configmap kept later -o jsonpath={.items[*].metadata.name}'), 'kept later');
  await second.end();
});

let a: RunningServer;
let b: RunningServer;

before(async () => {
  const etcd = await startEtcd();
  ends.push(() => etcd.close());
  const shared = [`--etcd-servers=${etcd.endpoint}`, `--cert-dir=${join(scratch, 'pki')}`];
  a = await start('a', ...shared);
  b = await start('b', ...shared);
});

test('a definition made at one server is served at the other: discovery, defaults, refusals, columns', async () => {
  await ok(a, 'create -f -', JSON.stringify(definition()));
  await ok(b, 'wait --for=condition=Established crd/ropes.example.com --timeout=20s');
  await ok(b, 'create -f -', rope('short'));
  assert.match(await ok(a, 'get ropes'), /^NAME\s+METRES\nshort\s+10\n$/);
  assert.match((await b.kubectl('create -f -', rope('none', { metres: 0 }))).stderr, /spec\.metres: Invalid value: 0: .*greater than or equal to 1/);
  assert.match(await ok(b, 'api-resources --api-group=example.com'), /^ropes\s+rp\s+example\.com\/v1\s+true\s+Rope$/m);
});

test('what is written at one server is watched at the other, in order', async () => {
  const child: ChildProcess = spawn(serverKubectl, ['get', 'ropes', '--watch', '--output-watch-events', '--no-headers'], { env: { ...process.env, HOME: scratch, KUBECONFIG: join(scratch, 'b', 'kubeconfig') }, stdio: ['ignore', 'pipe', 'inherit'] });
  ends.push(() => void child.kill());
  const seen: string[] = [];
  const changed = new Promise<void>((resolve) => createInterface({ input: child.stdout! }).on('line', (line) => (seen.push(line.replace(/\s+/g, ' ').trim()), line.startsWith('DELETED') && resolve())));
  await eventually('the watch has begun', async () => seen.length, Boolean);
  await ok(a, 'create -f -', rope('long', { metres: 40 }));
  await ok(a, 'patch rope long --type=merge -p {"spec":{"metres":50}}');
  await ok(a, 'delete rope long');
  await changed;
  child.kill();
  await once(child, 'exit');
  assert.deepEqual(seen.map((line) => line.split(' ').slice(0, 3).join(' ')), ['ADDED short 10', 'ADDED long 40', 'MODIFIED long 50', 'DELETED long 50']);
});

test('a changed schema is the other server’s too, and a deleted definition takes its objects at both', async () => {
  await ok(b, 'apply --server-side --force-conflicts -f -', JSON.stringify(definition({ colour: { type: 'string', enum: ['red'] } })));
  const refused = await eventually('a knows the colour', () => a.kubectl('create -f -', rope('blue', { colour: 'blue' })), ({ stderr }) => stderr.includes('Unsupported value'));
  assert.match(refused.stderr, /spec\.colour: Unsupported value: "blue": supported values: "red"/);
  await ok(a, 'delete crd ropes.example.com');
  for (const server of [a, b]) {
    const gone = await eventually('ropes are gone', () => server.kubectl('get --raw /apis/example.com/v1/namespaces/default/ropes'), ({ code }) => code !== 0);
    assert.match(gone.stderr, /NotFound|could not find the requested resource/);
  }
  assert.deepEqual(JSON.parse(await ok(b, 'get crd -o json')).items, []);
});
