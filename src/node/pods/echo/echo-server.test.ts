import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { hostSockets } from '../../../base/run/sockets.ts';
import { serveEcho } from './echo-server.ts';

const identity = { pod: 'web-1', namespace: 'default', node: 'node1', container: 'web', image: 'web:1' };

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

test('WT-52: a client that had connected before the stand-in was asked to end is answered, and told that it was the last time', async () => {
  const port = await freePort();
  const server = await serveEcho({ identity, ports: [{ port, protocol: 'TCP' }], sockets: hostSockets, log() {} });
  const client = createConnection({ host: '127.0.0.1', port });
  // Its first request is answered: the server has it among its connections.
  client.write('GET /hostname HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(client, 'data');
  client.write('GET /hostname?delayMs=50 HTTP/1.1\r\nHost: a\r\n\r\nGET /hostname HTTP/1.1\r\nHost: a\r\n\r\n');
  await new Promise((resolve) => setImmediate(resolve));
  const closed = server.close();
  assert.match(await text(client), /connection: close[^]*web-1/i);
  await closed;
});
