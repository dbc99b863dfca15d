// What a user does wrong when a part is started is named in one sentence: at once where nothing can come of it, and while
// the part keeps trying where it may pass.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openCertificates } from '../../src/control/apiserver/identity/certificates.ts';
import { printKubeconfig } from '../../src/kube/client/kubeconfig.ts';
import { setLink } from '../../src/node/netlink/links.ts';
import { namespaceSockets } from '../../src/node/netlink/namespace-sockets.ts';
import { createNamespace, type Netns, removeNamespace } from '../../src/node/netlink/namespaces.ts';
import { withRtnetlink } from '../../src/node/netlink/rtnetlink.ts';
import { type ApiUnderTest, startApi } from './api-under-test.ts';
import { startPart } from './part-process.ts';

let place: Netns;
let api: ApiUnderTest;
const file = (name: string) => join(api.folder, name);

before(async () => {
  place = createNamespace(`part-mistakes-${process.pid}`);
  withRtnetlink(place, (rtnetlink) => rtnetlink.send(setLink('lo', { up: true })));
  api = await startApi({ sockets: namespaceSockets(place) });
  const server = `https://127.0.0.1:${api.port}`;
  const { ca: foreign } = await openCertificates({ servingNames: ['127.0.0.1'] });
  writeFileSync(file('empty'), '');
  writeFileSync(file('broken'), 'clusters: [');
  writeFileSync(file('no-ca'), printKubeconfig('x', { server }).replace(/(server: .*)/, '$1\n      certificate-authority: /nowhere/ca.crt'));
  writeFileSync(file('nobody'), printKubeconfig('x', { server: 'https://127.0.0.1:1', ca: api.ca, token: 'x' }));
  writeFileSync(file('stranger'), printKubeconfig('x', { server, ca: api.ca, token: 'forged' }));
  writeFileSync(file('distrust'), printKubeconfig('x', { server, ca: foreign.cert, token: 'x' }));
});
after(async () => {
  await api.close();
  removeNamespace(place);
});

const verbs: readonly (readonly [verb: string, ...flags: string[]])[] = [
  ['proxy', '--node', 'a', '--healthz-bind-address', '', '--metrics-bind-address', ''],
  ['dns', '--bind-address', '127.0.0.1:0', '--status-bind-address', ''],
  ['gateway', '--status-bind-address', ''],
];

const hopeless: [what: string, kubeconfig: string | undefined, says: RegExp][] = [
  ['no kubeconfig', undefined, /^fairlead: say how to reach the API server: --kubeconfig FILE, or KUBECONFIG in the environment$/m],
  ['a kubeconfig that is not there', 'nowhere', /^fairlead: cannot read the kubeconfig .*nowhere: ENOENT/m],
  ['an empty kubeconfig', 'empty', /^fairlead: .*empty: there is no context/m],
  ['a kubeconfig that is no YAML', 'broken', /^fairlead: cannot read the kubeconfig .*broken: /m],
  ['a kubeconfig that names a file that is not there', 'no-ca', /^fairlead: .*no-ca names \/nowhere\/ca\.crt, which cannot be read: ENOENT/m],
];
const passing: [what: string, kubeconfig: string, says: RegExp][] = [
  ['an API server that nobody runs', 'nobody', /cannot be reached: connect ECONNREFUSED 127\.0\.0\.1:1; it is asked again every second/],
  ['a token that nobody gave', 'stranger', /does not know who we are \(401\)/],
  ['another authority', 'distrust', /cannot be trusted: .*certificate-authority/],
];

for (const [verb, ...flags] of verbs) {
  describe(`fairlead ${verb} with`, { concurrency: 2 }, () => {
    for (const [what, name, says] of hopeless) {
      test(`${what}: refused with exit code 2`, async () => {
        const part = startPart(place, [verb, ...flags, ...(name ? ['--kubeconfig', file(name)] : [])]);
        assert.equal(await part.ended, 2, part.said());
        assert.match(part.said(), says);
        assert.equal(part.said().trim().split('\n').length, 1, 'one sentence, no stack');
      });
    }
    for (const [what, name, says] of passing) {
      test(`${what}: says so, keeps trying, and ends when it is told to`, async () => {
        const part = startPart(place, [verb, ...flags, '--kubeconfig', file(name)]);
        await part.says(says);
        assert.equal(part.child.exitCode, null);
        assert.equal(await part.end(), 0);
        assert.equal(part.said().match(new RegExp(says, 'g'))!.length, 1, 'once, not for every kind');
      });
    }
  });
}

test('fairlead proxy for a node that does not exist says which there are, and serves', async () => {
  for (const name of ['worker1', 'worker2']) await api.store.write({ verb: 'create', object: { apiVersion: 'v1', kind: 'Node', metadata: { name } } as never });
  const part = startPart(place, ['proxy', '--node', 'wrker1', '--kubeconfig', api.kubeconfig]);
  await part.says(/no Node is called \\"wrker1\\" \(there are worker1, worker2\): .*--node names it/);
  await part.serving();
  assert.equal(await part.end(), 0);
});

test('a port that somebody else has: refused with its name', async () => {
  const taken = createServer();
  await namespaceSockets(place).listenTcp(taken, { address: '127.0.0.1', port: 5301 });
  for (const args of [['proxy', '--healthz-bind-address', '127.0.0.1:5301'], ['dns', '--bind-address', '127.0.0.1:5301'], ['gateway', '--status-bind-address', '127.0.0.1:5301']]) {
    const part = startPart(place, [...args, '--kubeconfig', api.kubeconfig]);
    assert.equal(await part.ended, 1, part.said());
    assert.match(part.said(), /^fairlead: cannot listen: .*EADDRINUSE.*5301/m);
  }
  taken.close();
});
