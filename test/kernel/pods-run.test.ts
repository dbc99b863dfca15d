// Pods on the real kernel: stand-ins, processes, exec, logs, probes, termination.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import type { Pod } from '../../src/kube/objects/core.ts';
import { namespaceSockets } from '../../src/node/netlink/namespace-sockets.ts';
import type { BuiltinPrograms } from '../../src/node/pods/programs/program.ts';
import { createPodsWorld, isReady } from './pods-node.ts';

const never = new AbortController().signal;
const ipOf = (pod: Pod) => pod.status!.podIP!;
const stateOf = (pod: Pod | undefined) => pod?.status?.containerStatuses?.[0];

const builtins: BuiltinPrograms = new Map([
  [
    'fairlead/greeter',
    async ({ pod, sockets, node, log }) => {
      const server = createServer((_request, response) => response.end(`${pod.metadata.name} on ${node}`));
      await sockets.listenTcp(server, { address: '0.0.0.0', port: 53 });
      log('listening');
      return { close: () => new Promise<void>((resolve) => server.close(() => resolve())) };
    },
  ],
]);

describe('pods of a node', () => {
  let world: Awaited<ReturnType<typeof createPodsWorld>>;
  before(async () => {
    world = await createPodsWorld({ cluster: 'podsrun', builtins });
  });
  after(() => world.close());

  test('NET-06, NET-09: stand-ins answer HTTP on their container ports, each in its own network, in both families', async () => {
    for (const name of ['web-1', 'web-2']) await world.create(name, { containers: [{ name: 'main', image: 'nginx', ports: [{ containerPort: 80 }] }] });
    for (const name of ['web-1', 'web-2']) {
      const { status } = await world.ready(name);
      for (const { ip } of status!.podIPs!) {
        const answer = await world.fetch({ address: ip, port: 80 }, '/a?b=c');
        const told = JSON.parse(answer.body) as Record<string, string>;
        assert.equal(told['pod'], name);
        assert.equal(told['node'], 'node1');
        assert.equal(told['path'], '/a?b=c');
        assert.equal(told['local'], ip.includes(':') ? `[${ip}]:80` : `${ip}:80`);
        assert.match(told['peer']!, ip.includes(':') ? /^\[fd00:2::5\]:/ : /^10\.0\.2\.5:/);
      }
    }
  });

  test('a stand-in speaks plain text to people, and knows health, host name and wished status codes', async () => {
    await world.create('text', {});
    const to = { address: ipOf(await world.ready('text')), port: 8080 };
    assert.match((await world.fetch(to, '/', { accept: '*/*' })).body, /^pod: default\/text\nnode: node1\n/);
    assert.deepEqual(await world.fetch(to, '/healthz'), { status: 200, body: 'ok\n' });
    assert.deepEqual(await world.fetch(to, '/hostname'), { status: 200, body: 'text\n' });
    assert.equal((await world.fetch(to, '/status/503')).status, 503);
  });

  test('a stand-in echoes TCP and UDP, and says its name when asked', async () => {
    await world.create('bytes', { containers: [{ name: 'main', image: 'redis', ports: [{ containerPort: 6379 }, { containerPort: 53, protocol: 'UDP' }] }] });
    const address = ipOf(await world.ready('bytes'));
    const sockets = namespaceSockets(world.namespace);
    const socket = sockets.connectTcp({ address, port: 6379 });
    socket.end('PING of some length\n');
    assert.equal(await text(socket), 'PING of some length\n');
    const udp = createSocket('udp4');
    await sockets.bindUdp(udp, { address: '0.0.0.0', port: 0 });
    udp.send('hostname', 53, address);
    const [answer] = (await once(udp, 'message')) as [Buffer];
    udp.close();
    assert.equal(answer.toString(), 'bytes\n');
  });

  test('NET-02: two containers of a pod share its addresses and ports; the second on a port fails and says why', async () => {
    const ports = [{ containerPort: 80 }];
    await world.create('twice', { containers: [{ name: 'a', image: 'x', ports }, { name: 'b', image: 'y', ports }] });
    const pod = (await world.until('twice', (seen) => seen?.status?.containerStatuses?.some(({ restartCount }) => restartCount > 0) === true))!;
    const failing = pod.status!.containerStatuses!.find(({ restartCount }) => restartCount > 0)!;
    assert.equal(failing.lastState?.terminated?.exitCode, 1);
    const log = await world.access.logs(pod, { container: failing.name, previous: true }, never);
    assert.match(await text(log), /EADDRINUSE/);
    await world.remove('twice', 0);
  });

  test('exec in a stand-in: the pod\'s own network, name, resolver, environment and files; what is written stays in the room', async () => {
    await world.write({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'default' }, data: { 'app.conf': 'on' } } as never);
    const volumeMounts = [{ name: 'conf', mountPath: '/etc/app' }, { name: 'scratch', mountPath: '/scratch' }];
    await world.create('inside', {
      hostname: 'foo',
      subdomain: 'bar',
      volumes: [{ name: 'conf', configMap: { name: 'settings' } }, { name: 'scratch', emptyDir: {} }],
      containers: [{ name: 'main', image: 'web', volumeMounts, env: [{ name: 'WHERE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }] }],
    });
    const pod = await world.ready('inside');
    const say = async (...command: string[]) => (await world.run(pod, command)).output;
    assert.equal(await say('hostname'), 'foo\n');
    assert.match(await say('cat', '/etc/resolv.conf'), /^nameserver 10\.96\.0\.10\nsearch default\.svc\.cluster\.local /);
    assert.ok((await say('cat', '/etc/hosts')).includes(`${ipOf(pod)}\tfoo.bar.default.svc.cluster.local\tfoo\n`));
    assert.match(await say('env'), /^WHERE=node1$/m);
    assert.equal(await say('cat', '/etc/app/app.conf'), 'on');
    assert.equal(await say('cat', '/var/run/secrets/kubernetes.io/serviceaccount/token'), 'secret-token');
    assert.ok((await say('ip', '-brief', 'address')).includes(`${ipOf(pod)}/32`));
    assert.equal((await world.run(pod, ['sh', '-c', 'echo mine > /fairlead-was-here; exit 3'])).code, 3);
    assert.equal(await say('cat', '/fairlead-was-here'), 'mine\n');
    assert.equal((await world.run(pod, ['cat'], { stdin: 'through' })).output, 'through');
  });

  test('exec on a terminal: it is one, it has the wished size, and Ctrl-D ends the shell', async () => {
    const pod = await world.ready('inside');
    const session = await world.access.exec(pod, { command: ['sh'], stdin: true, stdout: true, stderr: false, tty: true });
    session.resize(91, 17);
    const all = text(session.stdout!);
    session.stdin!.write('stty size; tty; echo $((40+2))\n\u0004');
    assert.equal(await session.exitCode, 0);
    assert.match(await all, /17 91\r\n\/dev\/pts\/\d+\r\n42\r\n/);
  });

  test('a command of this machine runs as a process; its output is its log, with times, tail and previous run', async () => {
    const script = 'echo "started $POD"; echo oops >&2; sleep 0.05; exit 4';
    const env = [{ name: 'POD', value: '$(NAME)!' }, { name: 'NAME', value: 'x' }].toReversed();
    await world.create('task', { restartPolicy: 'Never', containers: [{ name: 'main', image: 'busybox', command: ['sh', '-c'], args: [script], env }] });
    const pod = (await world.until('task', (seen) => seen?.status?.phase === 'Failed'))!;
    assert.equal(stateOf(pod)?.state?.terminated?.exitCode, 4);
    const log = async (options = {}) => text(await world.access.logs(pod, options, never));
    assert.deepEqual((await log()).split('\n').toSorted(), ['', 'oops', 'started x!']);
    assert.equal((await log({ tailLines: 1 })).split('\n').length, 2);
    assert.match(await log({ timestamps: true }), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (started x!|oops)$/m);
    await assert.rejects(log({ previous: true }), /previous terminated container "main" in pod "task" not found/);
    await assert.rejects(log({ container: 'zz' }), { message: 'container zz is not valid for pod task' });
  });

  test('a log that is followed goes on until the container ends', async () => {
    await world.create('talker', { restartPolicy: 'Never', containers: [{ name: 'main', image: 'busybox', command: ['sh', '-c', 'read line; echo "heard $line"'], stdin: true }] });
    const pod = (await world.until('talker', (seen) => seen?.status?.phase === 'Running'))!;
    const followed = text(await world.access.logs(pod, { follow: true }, never));
    const session = await world.access.attach(pod, { stdin: true, stdout: true, stderr: true, tty: false });
    session.stdin!.write('you\n');
    assert.equal(await session.exitCode, 0);
    assert.equal(await followed, 'heard you\n');
  });

  test('probes knock from the node: HTTP by named port, TCP, and a command', async () => {
    const ports = [{ name: 'web', containerPort: 8000 }];
    const probes = {
      startupProbe: { exec: { command: ['test', '-e', '/etc/hosts'] }, periodSeconds: 1 },
      readinessProbe: { httpGet: { path: '/healthz', port: 'web' }, periodSeconds: 1 },
      livenessProbe: { tcpSocket: { port: 8000 }, periodSeconds: 1 },
    };
    await world.create('probed', { containers: [{ name: 'main', image: 'web', ports, ...probes }] });
    assert.equal(stateOf(await world.ready('probed'))?.started, true);
    await world.create('unwell', { containers: [{ name: 'main', image: 'web', ports, readinessProbe: { httpGet: { path: '/status/500', port: 8000 } } }] });
    const pod = (await world.until('unwell', (seen) => stateOf(seen)?.started === true))!;
    assert.equal(isReady(pod), false);
  });

  test('HPT-07: a host-network process sees the node\'s links and listens on the node\'s address', async () => {
    await world.create('agent', { hostNetwork: true, containers: [{ name: 'main', image: 'web', ports: [{ containerPort: 9100 }] }] });
    const pod = await world.ready('agent');
    assert.equal(ipOf(pod), '10.0.2.5');
    assert.equal(JSON.parse((await world.fetch({ address: '10.0.2.5', port: 9100 })).body).pod, 'agent');
    assert.equal((await world.run(pod, ['hostname'])).output, 'node1\n');
    assert.ok((await world.run(pod, ['ip', '-brief', 'address'])).output.includes('10.0.2.5/24'));
  });

  test('an image named fairlead/… is a server of this program, with sockets of the pod; an unknown one is refused', async () => {
    await world.create('greeter', { containers: [{ name: 'main', image: 'fairlead/greeter:1.0' }] });
    const pod = await world.ready('greeter');
    assert.equal((await world.fetch({ address: ipOf(pod), port: 53 })).body, 'greeter on node1');
    assert.equal(await text(await world.access.logs(pod, {}, never)), 'listening\n');
    await world.create('stranger', { containers: [{ name: 'main', image: 'fairlead/nonsense' }] });
    const refused = await world.until('stranger', (seen) => stateOf(seen)?.state?.waiting?.reason === 'ErrImagePull');
    assert.equal(refused?.status?.phase, 'Pending');
  });

  test('port-forward reaches a port inside the pod', async () => {
    const pod = await world.ready('text');
    const stream = await world.access.connect(pod, 8080);
    stream.write('GET /hostname HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    assert.match(await text(stream), /\r\n\r\ntext\n$/);
    await assert.rejects(world.access.connect(pod, 9), { code: 'ECONNREFUSED' });
  });

  test('a deleted process hears SIGTERM after its preStop hook, and ends in its own way', async () => {
    const script = 'trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.05; done';
    const lifecycle = { preStop: { exec: { command: ['sh', '-c', 'echo hook > /proc/1/fd/1'] } } };
    await world.create('polite', { containers: [{ name: 'main', image: 'busybox', command: ['sh', '-c', script], lifecycle }] });
    const pod = await world.ready('polite');
    const followed = text(await world.access.logs(pod, { follow: true }, never));
    await world.remove('polite');
    await world.until('polite', (seen) => seen === undefined);
    assert.equal(await followed, 'up\nhook\nbye\n');
  });

  test('a process that ignores SIGTERM is killed when its grace is over', async () => {
    await world.create('stubborn', { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image: 'busybox', command: ['sleep', '1000'] }] });
    await world.ready('stubborn');
    await world.remove('stubborn');
    const killed = await world.until('stubborn', (seen) => stateOf(seen)?.state?.terminated !== undefined);
    assert.equal(stateOf(killed)?.state?.terminated?.exitCode, 137);
    await world.until('stubborn', (seen) => seen === undefined);
  });
});
