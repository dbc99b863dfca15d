// `fairlead dns` and `fairlead gateway` as processes of their own, with the rights of their manifests: when they are ready,
// what they serve without their API server, and after kill -9.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import { namespaceSockets } from '../../src/node/netlink/namespace-sockets.ts';
import { addAddress } from '../../src/node/netlink/addresses.ts';
import { setLink } from '../../src/node/netlink/links.ts';
import { createNamespace, type Netns, removeNamespace } from '../../src/node/netlink/namespaces.ts';
import { withRtnetlink } from '../../src/node/netlink/rtnetlink.ts';
import { type ApiUnderTest, startApi } from './api-under-test.ts';
import { type Account, accountOf, type PartProcess, startPart } from './part-process.ts';
import { eventually } from './running-cluster.ts';

let place: Netns;
let api: ApiUnderTest;
let backend: Server;
const running = new Set<PartProcess>();

before(async () => {
  place = createNamespace(`server-parts-${process.pid}`);
  withRtnetlink(place, (rtnetlink) => rtnetlink.send(setLink('lo', { up: true }), addAddress({ link: 'lo', address: '10.1.0.9/32' })));
  api = await startApi({ sockets: namespaceSockets(place) });
  backend = createServer((request, response) => response.end(`backend saw ${request.headers.host}`));
  await namespaceSockets(place).listenTcp(backend, { address: '10.1.0.9', port: 8080 });
  const ingressClass = { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name: 'fairlead' }, spec: { controller: 'fairlead.dev/ingress' } } as KubeObject;
  await create(service('web', '10.96.0.10'), slice('web-1', 'web'), ingressClass, ingress('web.test'));
});
after(async () => {
  await Promise.all([...running].map((part) => part.end()));
  backend.closeAllConnections();
  backend.close();
  await api.close();
  removeNamespace(place);
});

function start(...args: string[]): PartProcess {
  const part = startPart(place, args);
  running.add(part);
  void part.ended.then(() => running.delete(part));
  return part;
}

const inPlace = async (...command: string[]): Promise<string> =>
  (await promisify(execFile)('nsenter', [`--net=${place.path}`, ...command]).catch((error: { stdout: string }) => error)).stdout;
const get = (url: string, ...more: string[]) => inPlace('curl', '-s', '-m', '3', '-w', ' %{http_code}', ...more, url);
const status = (port: number, path: string) => get(`http://127.0.0.1:${port}${path}`);
const unread = async (port: number) => /^fairlead_part_unread_kinds (\d+)$/m.exec(await status(port, '/metrics'))?.[1];

const object = (kind: string, name: string, rest: object, apiVersion = 'v1'): KubeObject => ({ apiVersion, kind, metadata: { name, namespace: 'default' }, ...rest }) as KubeObject;
const service = (name: string, ip: string) =>
  object('Service', name, { spec: { type: 'ClusterIP', clusterIP: ip, clusterIPs: [ip], ipFamilies: ['IPv4'], ports: [{ port: 80, targetPort: 8080, protocol: 'TCP' }] } });
const slice = (name: string, of: string) => ({
  ...object('EndpointSlice', name, { addressType: 'IPv4', ports: [{ name: '', port: 8080, protocol: 'TCP' }], endpoints: [{ addresses: ['10.1.0.9'], conditions: { ready: true } }] }, 'discovery.k8s.io/v1'),
  metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': of } },
});
const ingress = (host: string) =>
  object('Ingress', host.replaceAll('.', '-'), { spec: { ingressClassName: 'fairlead', rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }] } }] } }, 'networking.k8s.io/v1');
const create = (...objects: KubeObject[]) => Promise.all(objects.map((each) => api.store.write({ verb: 'create', object: each })));

interface Served {
  readonly part: 'dns' | 'gateway';
  readonly flags: readonly string[];
  readonly statusPort: number;
  /** Of `web.default` and of what is made while the server was away. */
  ask(late?: 'late'): Promise<string>;
  readonly early: RegExp;
  readonly answers: Readonly<Record<'web' | 'late', RegExp>>;
  late(): Promise<unknown>;
}

const kinds: readonly Served[] = [
  {
    part: 'dns',
    flags: ['--bind-address', '127.0.0.1:53'],
    statusPort: 9153,
    ask: async (late) => inPlace('dig', '@127.0.0.1', '+tries=1', '+time=2', '+noall', '+comments', '+answer', `${late ?? 'web'}.default.svc.cluster.local`),
    early: /SERVFAIL/,
    answers: { web: /NOERROR[^]*10\.96\.0\.10/, late: /NOERROR[^]*10\.96\.0\.20/ },
    late: () => create(service('late', '10.96.0.20')),
  },
  {
    part: 'gateway',
    flags: [],
    statusPort: 10_254,
    ask: (late) => get('http://127.0.0.1/', '-H', `Host: ${late ?? 'web'}.test`),
    early: /^ 000$/,
    answers: { web: /backend saw web\.test 200/, late: /backend saw late\.test 200/ },
    late: () => create(ingress('late.test')),
  },
];

for (const { part, flags, statusPort, ask, early, answers, late } of kinds) {
  let account: Account;

  test(`fairlead ${part}: not ready before all has been seen, and says which right is missing`, async () => {
    account = await accountOf(api, part);
    await account.forbid('endpointslices');
    const process = start(part, '--kubeconfig', account.kubeconfig, ...flags);
    await process.says(/may not read endpointslices \(403\): its role lacks the rule .*discovery\.k8s\.io/);
    assert.match(await status(statusPort, '/readyz'), /not ready[^]*may not read endpointslices[^]* 503$/);
    assert.match(await status(statusPort, '/livez'), /^ok\n 200$/);
    assert.match(await ask(), early);
    await account.forbid();
    await process.serving();
    assert.match(await status(statusPort, '/readyz'), /^ok\n 200$/);
    assert.match(await ask(), answers.web);
    assert.equal(await process.end(), 0);
  });

  test(`fairlead ${part}: goes on with what it knows while the API server is away, and follows again`, async (t) => {
    const process = start(part, '--kubeconfig', account.kubeconfig, ...flags);
    await process.serving();
    await api.pause();
    await process.says(/cannot be reached: .*it is asked again every second/);
    const all = await eventually('nothing can be read', () => unread(statusPort), (count) => Number(count) > 2);
    t.diagnostic(`${all} kinds unread`);
    for (let i = 0; i < 20; i++) assert.match(await ask(), answers.web);
    assert.match(await status(statusPort, '/readyz'), /^ok\n 200$/);
    await api.resume();
    await late();
    await eventually('it follows again', () => ask('late'), (answer) => answers.late.test(answer));
    await process.says(/is read again/);
    assert.equal(await unread(statusPort), '0');
    assert.match(await status(statusPort, '/metrics'), part === 'dns' ? /^fairlead_dns_answers_total\{rcode="NOERROR"\} [1-9]/m : /^fairlead_proxy_requests_total\{.*code="200"\} [1-9]/m);
    await process.end('SIGKILL');
    const again = start(part, '--kubeconfig', account.kubeconfig, ...flags);
    await again.serving();
    assert.match(await ask('late'), answers.late);
    assert.equal(await again.end(), 0);
  });
}
