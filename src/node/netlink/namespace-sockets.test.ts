import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { hostSockets } from '../../base/run/sockets.ts';
import { createNamespace, type Netns, removeNamespace } from './namespaces.ts';
import { namespaceSockets, spawnIn } from './namespace-sockets.ts';

const portOf = (server: Server) => (server.address() as { port: number }).port;

describe('sockets of a namespace', () => {
  let namespace: Netns;

  before(async () => {
    namespace = createNamespace(`test-sockets-${process.pid}`);
    await once(spawnIn(namespace, 'ip', ['link', 'set', 'lo', 'up']), 'close');
  });
  after(() => removeNamespace(namespace));

  for (const address of ['127.0.0.1', '::1', '::']) {
    test(`TCP on ${address}: a free port is chosen, and only sockets of the namespace reach it`, async () => {
      const sockets = namespaceSockets(namespace);
      const server = createServer((peer) => peer.end(`hello from ${peer.localAddress}`));
      await sockets.listenTcp(server, { address, port: 0 });
      const to = { address: address === '::' ? '::1' : address, port: portOf(server) };
      assert.equal(await text(sockets.connectTcp(to)), `hello from ${to.address}`);
      await assert.rejects(text(hostSockets.connectTcp(to)), { code: 'ECONNREFUSED' });
      server.close();
    });
  }

  for (const [type, address] of [['udp4', '127.0.0.1'], ['udp6', '::1']] as const) {
    test(`UDP on ${address}: an echo comes back`, async () => {
      const sockets = namespaceSockets(namespace);
      const [server, client] = [createSocket(type), createSocket(type)];
      await sockets.bindUdp(server, { address, port: 0 });
      await sockets.bindUdp(client, { address, port: 0 });
      server.on('message', (message, from) => server.send(`echo ${message}`, from.port, from.address));
      client.send('hi', server.address().port, address);
      const [message] = await once(client, 'message');
      assert.equal(String(message), 'echo hi');
      server.close();
      client.close();
    });
  }

  test('a taken port is refused like Node refuses it, and the same port is free in another namespace', async () => {
    const sockets = namespaceSockets(namespace);
    const [first, second, elsewhere] = [createServer(), createServer(), createServer()];
    await sockets.listenTcp(first, { address: '127.0.0.1', port: 0 });
    const at = { address: '127.0.0.1', port: portOf(first) };
    await assert.rejects(sockets.listenTcp(second, at), { code: 'EADDRINUSE', syscall: /bind|listen/ });
    await assert.rejects(sockets.bindUdp(createSocket('udp4'), { address: '192.0.2.1', port: 53 }), { code: 'EADDRNOTAVAIL' });
    await hostSockets.listenTcp(elsewhere, at);
    first.close();
    elsewhere.close();
  });

  test('failed connections arrive as error events: refused, unreachable, namespace gone', async () => {
    const sockets = namespaceSockets(namespace);
    const failure = async (sockets_: typeof sockets, address: string) =>
      (await once(sockets_.connectTcp({ address, port: 9 }), 'error'))[0].code;
    assert.equal(await failure(sockets, '127.0.0.1'), 'ECONNREFUSED');
    assert.equal(await failure(sockets, '::1'), 'ECONNREFUSED');
    assert.equal(await failure(sockets, '192.0.2.1'), 'ENETUNREACH');
    assert.equal(await failure(namespaceSockets({ name: 'gone', path: '/run/netns/gone' }), '127.0.0.1'), 'ENOENT');
  });

  test('a child spawned in a namespace lives in it', async () => {
    const child = spawnIn(namespace, 'readlink', ['/proc/self/ns/net'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const inside = (await text(child.stdout!)).trim();
    const same = spawnIn(namespace, 'readlink', ['/proc/self/ns/net'], { stdio: ['ignore', 'pipe', 'inherit'] });
    assert.notEqual(inside, readlinkSync('/proc/self/ns/net'));
    assert.equal((await text(same.stdout!)).trim(), inside);
  });
});
