// The gateway's proxy inside a node's network namespace: it holds the node's own ports and connects from there.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { logFor } from '../../src/base/run/log.ts';
import { hostSockets } from '../../src/base/run/sockets.ts';
import { namespaceSockets, spawnIn } from '../../src/node/netlink/namespace-sockets.ts';
import { createNamespace, removeNamespace } from '../../src/node/netlink/namespaces.ts';
import { createProxy } from '../../src/serve/proxy/proxy.ts';
import { endpoints, hostOf, listenersOf, readUntil, route } from '../../src/serve/proxy/proxy-fixture.ts';

test('ICT-04, ICT-05, WT-22: ports 80 and 443 of the node answer, those of the machine stay closed', async () => {
  const namespace = createNamespace(`test-gateway-${process.pid}`);
  after(() => removeNamespace(namespace));
  await once(spawnIn(namespace, 'ip', ['link', 'set', 'lo', 'up']), 'close');
  const sockets = namespaceSockets(namespace);
  const pod = createServer((req, res) => res.end(`pod says ${req.headers.host}`));
  await sockets.listenTcp(pod, { address: '127.0.0.2', port: 8080 });
  after(() => pod.close().closeAllConnections());
  const proxy = createProxy({ sockets, log: logFor('test') });
  after(() => proxy.close());
  const toPod = endpoints(8080);
  const backend = toPod.type === 'endpoints' ? { ...toPod, endpoints: toPod.endpoints.map((each) => ({ ...each, address: '127.0.0.2' })) } : toPod;
  await proxy.apply(listenersOf([hostOf('www.test.com', route(backend))], ['HTTP', 'HTTPS']));
  assert.deepEqual(proxy.addressOf('*:80'), { address: '::', family: 'IPv6', port: 80 }, 'both families through one socket');
  assert.equal(proxy.addressOf('*:443')?.port, 443);
  const client = sockets.connectTcp({ address: '127.0.0.1', port: 80 });
  client.write('GET / HTTP/1.1\r\nHost: www.test.com\r\n\r\n');
  assert.match(await readUntil(client, (text) => text.endsWith('\r\n\r\n') || text.includes('pod says')), /^HTTP\/1\.1 200 OK\r\n.*pod says www\.test\.com/s);
  client.destroy();
  const outside = hostSockets.connectTcp({ address: '127.0.0.1', port: 80 });
  await assert.rejects(once(outside, 'connect'), { code: 'ECONNREFUSED' });
});
