// Logs, exec, attach, port-forward and proxies, driven by kubectl (and by every other kubectl that FAIRLEAD_KUBECTLS
// names), against pods that are only imitated: what is tested is the protocols.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createConnection } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type ApiUnderTest, kubectlPath, startApi } from './api-under-test.ts';
import { createEchoPods, type EchoPods } from './echo-pods.ts';

const binaries = [kubectlPath, ...(process.env['FAIRLEAD_KUBECTLS'] ?? '').split(':').filter(Boolean)];

let api: ApiUnderTest;
let pods: EchoPods;

before(async () => {
  pods = createEchoPods();
  api = await startApi({ podAccess: pods });
  const created = await api.store.write({
    verb: 'create',
    object: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', namespace: 'default', labels: { app: 'p' } },
      spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 8080 }] }] },
    } as never,
  });
  const status = { phase: 'Running', podIP: '10.0.0.5', podIPs: [{ ip: '10.0.0.5' }], containerStatuses: [{ name: 'c', ready: true, restartCount: 0, image: 'i', imageID: '', state: { running: {} } }] };
  await api.store.write({ verb: 'update', object: { ...created, status } as never, subresource: 'status' });
});
after(() => api.close());

for (const binary of binaries) {
  describe(binary.split('/').at(-1)!, () => {
    const run = (args: string, input?: string) => api.kubectlAs(binary, args.split(' '), input);

    test('exec carries input, output and success', async () => {
      const ran = await run('exec -i p -- cat', 'hello');
      assert.deepEqual(ran, { code: 0, out: 'hello', err: '' });
    });

    test('exec carries standard error and the exit code', async () => {
      const ran = await run('exec p -- exit 7');
      assert.equal(ran.code, 7);
      assert.match(ran.err, /^leaving\n/);
      assert.match(ran.err, /terminated with exit code 7/);
    });

    test('exec prints what the command prints', async () => {
      assert.equal((await run('exec p -c c -- echo a b')).out, 'a b\n');
    });

    test('attach joins a running container', async () => {
      const ran = await run('attach -i p', 'typed');
      assert.match(ran.out, /typed/);
    });

    test('port-forward carries several connections, and tells of one that fails', async () => {
      const forward = spawn(binary, ['port-forward', 'p', ':9000', ':1'], { env: { ...process.env, HOME: api.folder, KUBECONFIG: api.kubeconfig } });
      let said = '';
      const ports: number[] = [];
      await new Promise<void>((resolve, reject) => {
        const read = (chunk: Buffer) => {
          said += chunk.toString();
          ports.splice(0, 2, ...[...said.matchAll(/127\.0\.0\.1:(\d+) ->/g)].map((match) => Number(match[1])));
          if (ports.length === 2) resolve();
        };
        forward.stdout.on('data', read);
        forward.stderr.on('data', read);
        forward.once('exit', () => reject(new Error(said)));
      });
      try {
        assert.deepEqual(await Promise.all([talk(ports[0]!, 'x'), talk(ports[0]!, 'y')]), ['echo:x', 'echo:y']);
        const complained = new Promise<string>((resolve) => forward.stderr.on('data', (chunk: Buffer) => resolve(chunk.toString())));
        void talk(ports[1]!, 'z').catch(() => {});
        assert.match(await complained, /connection refused/);
      } finally {
        forward.removeAllListeners('exit');
        forward.kill();
      }
    });

    test('logs print the output, all of it or its end', async () => {
      assert.equal((await run('logs p')).out, 'one\ntwo\nthree\n');
      assert.equal((await run('logs p --tail=1')).out, 'three\n');
      assert.match((await run('logs p -c zz')).err, /container zz is not valid for pod p/);
    });

    test('what is wrong in a question for logs is named', async () => {
      const refused: [question: string, says: RegExp][] = [
        ['tailLines=abc', /tailLines: Invalid value: "abc": must be a whole number/],
        ['tailLines=-1', /PodLogOptions "p" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0/],
        ['limitBytes=0', /limitBytes: Invalid value: 0: must be greater than 0/],
        ['sinceSeconds=0', /sinceSeconds: Invalid value: 0: must be greater than 0/],
        ['sinceTime=yesterday', /sinceTime: Invalid value: "yesterday"/],
        ['sinceSeconds=5&sinceTime=2026-01-01T00:00:00Z', /at most one of `sinceTime` or `sinceSeconds` may be specified/],
      ];
      for (const [question, says] of refused) assert.match((await run(`get --raw /api/v1/namespaces/default/pods/p/log?${question}`)).err, says);
    });
  });
}

test('logs -f print at once and end with the client', async () => {
  const following = spawn(kubectlPath, ['logs', '-f', 'p'], { env: { ...process.env, HOME: api.folder, KUBECONFIG: api.kubeconfig } });
  let out = '';
  await new Promise<void>((resolve) => following.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()).includes('three') && resolve()));
  following.kill();
  await new Promise((resolve) => following.once('exit', resolve));
  assert.equal(out, 'one\ntwo\nthree\n');
});

test('pods/proxy passes a request on and its answer back', async () => {
  const reply = await api.call('GET', '/api/v1/namespaces/default/pods/p/proxy/a/b?c=d');
  assert.equal(reply.text, 'GET /a/b?c=d HTTP/1.1');
  const other = await api.call('POST', '/api/v1/namespaces/default/pods/http:p:8080/proxy/', { body: '{}' });
  assert.equal(other.text, 'POST / HTTP/1.1');
});

test('pods/proxy without a trailing slash redirects to one', async () => {
  const reply = await api.call('GET', '/api/v1/namespaces/default/pods/p/proxy');
  assert.equal(reply.code, 301);
  assert.equal(reply.headers['location'], '/api/v1/namespaces/default/pods/p/proxy/');
});

test('SVC-40, SVC-113: services/proxy goes to a pod behind the service, and only to a real one', async () => {
  const spec = { selector: { app: 'p' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] };
  await api.call('POST', '/api/v1/namespaces/default/services', { body: { metadata: { name: 's' }, spec } });
  const path = '/api/v1/namespaces/default/services/s:http/proxy/x';
  const none = await api.call('GET', path);
  assert.deepEqual([none.code, none.json.message], [503, 'no endpoints available for service "s"']);
  const subset = (ip: string) => ({ addresses: [{ ip, targetRef: { kind: 'Pod', name: 'p' } }], ports: [{ name: 'http', port: 8080 }] });
  const endpoints = '/api/v1/namespaces/default/endpoints';
  await api.call('POST', endpoints, { body: { metadata: { name: 's' }, subsets: [subset('10.9.9.9')] } });
  assert.equal((await api.call('GET', path)).code, 503);
  await api.call('PUT', `${endpoints}/s`, { body: { metadata: { name: 's' }, subsets: [subset('10.0.0.5')] } });
  assert.equal((await api.call('GET', path)).text, 'GET /x HTTP/1.1');
  const wrong = await api.call('GET', '/api/v1/namespaces/default/services/s:81/proxy/x');
  assert.equal(wrong.json.message, 'no service port "81" found for service "s"');
});

test('a WebSocket goes through pods/proxy', async () => {
  const { WebSocket } = await import('ws');
  const options = { ca: api.ca, cert: api.admin.cert, key: api.admin.key };
  const socket = new WebSocket(`wss://127.0.0.1:${api.port}/api/v1/namespaces/default/pods/p:8081/proxy/ws`, options);
  socket.once('open', () => socket.send('hello'));
  const answer = await new Promise<string>((resolve, reject) => {
    socket.once('message', (data) => resolve(String(data)));
    socket.once('error', reject);
  });
  assert.equal(answer, 'hello');
  socket.close();
});

test('exec without an upgrade is refused', async () => {
  const reply = await api.call('GET', '/api/v1/namespaces/default/pods/p/exec?command=x&stdout=true');
  assert.equal(reply.code, 400);
  assert.equal(reply.json.message, 'Upgrade request required');
});

async function talk(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    let got = '';
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      got += chunk.toString();
      socket.end();
    });
    socket.on('close', () => resolve(got));
    socket.write(text);
  });
}
