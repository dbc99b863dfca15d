import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request, type IncomingMessage, type RequestOptions } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Registry } from 'prom-client';
import { WebSocket, WebSocketServer } from 'ws';
import { createBodyReader } from './http1/body.ts';
import { parseResponseHead } from './http1/head.ts';
import type { AccessRecord } from './proxy-context.ts';
import { converse, endpoints, hostOf, listenersOf, portOf, readUntil, route, startCanned, startHttp, startProxy, startTcp, toPorts } from './proxy-fixture.ts';
import { proxyMetrics } from './prometheus-metrics.ts';

async function ask(port: number, options: RequestOptions = {}, body?: Readable | string): Promise<{ status: number; headers: IncomingMessage['headers']; text: string; trailers: NodeJS.Dict<string> }> {
  const req = request({ port, host: '127.0.0.1', ...options });
  if (body instanceof Readable) body.pipe(req);
  else req.end(body);
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  const text = await readText(res);
  return { status: res.statusCode!, headers: res.headers, text, trailers: res.trailers };
}

test('ING-75: the endpoint sees Host, client address, scheme and a request id; hop-by-hop headers stay behind', async (t) => {
  const { port } = await startHttp(t, (req, res) => res.end(JSON.stringify(req.headers)));
  const proxy = await startProxy(t, toPorts(port));
  const headers = { host: 'Foo.bar.com:8080', 'x-forwarded-for': '192.0.2.7', 'x-forwarded-proto': 'https', 'x-real-ip': '6.6.6.6', connection: 'keep-alive, x-hop', 'x-hop': '1', 'keep-alive': 'timeout=9', proxy: 'evil', te: 'gzip', 'x-kept': 'yes' };
  const seen = JSON.parse((await ask(portOf(proxy), { headers })).text) as Record<string, string>;
  const { 'x-request-id': id, connection: _connection, ...rest } = seen;
  assert.match(id!, /^[0-9a-f]{32}$/);
  assert.deepEqual(rest, {
    host: 'Foo.bar.com:8080', 'x-kept': 'yes', 'x-real-ip': '127.0.0.1', 'x-forwarded-for': '192.0.2.7, 127.0.0.1', 'x-forwarded-host': 'Foo.bar.com:8080', 'x-forwarded-port': '80', 'x-forwarded-proto': 'http',
  });
});

test('ING-20: what no rule matches is answered 404 by the default back end; a backend without endpoints 503', async (t) => {
  const hosts = [hostOf('a.com', route({ type: 'answer', code: 503, message: 'none' }))];
  const proxy = await startProxy(t, listenersOf(hosts));
  const nobody = await ask(portOf(proxy), { headers: { host: 'b.com' } });
  assert.deepEqual([nobody.status, nobody.text], [404, 'default backend - 404\n']);
  assert.equal((await ask(portOf(proxy), { headers: { host: 'a.com' } })).status, 503);
});

test('ING-77: one client connection and one upstream connection carry many requests', async (t) => {
  const peers = new Set<number>();
  const { port } = await startHttp(t, (req, res) => res.end(String(peers.add(req.socket.remotePort!).size)));
  const proxy = await startProxy(t, toPorts(port));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let i = 0; i < 20; i++) assert.equal((await ask(portOf(proxy), { agent, path: `/${i}` })).text, '1');
  agent.destroy();
});

test('requests sent ahead are answered in order', async (t) => {
  const { port } = await startHttp(t, (req, res) => res.end(req.url));
  const proxy = await startProxy(t, toPorts(port));
  const requests = ['/a', '/b', '/c'].map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join('');
  const answers = await converse(portOf(proxy), `${requests}GET /d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  assert.deepEqual(answers.match(/\/[a-d]$|\/[a-d](?=HTTP)/g), ['/a', '/b', '/c', '/d']);
});

test('a chunked body passes both ways, trailers included', async (t) => {
  const { port } = await startHttp(t, async (req, res) => {
    const body = await readText(req);
    res.writeHead(200, { trailer: 'x-sum' });
    res.write(body.slice(0, 5));
    res.addTrailers({ 'x-sum': String(req.trailers['x-in']) });
    res.end(body.slice(5));
  });
  const proxy = await startProxy(t, toPorts(port));
  const text = 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: x-in\r\nConnection: close\r\n\r\n5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nx-in: 7\r\n\r\n';
  const answer = await converse(portOf(proxy), text);
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(answer, /\r\n5\r\nhello\r\n6\r\n world\r\n0\r\nx-sum: 7\r\n\r\n$/i);
});

test('a large body passes both ways unchanged while neither side is held in memory', async (t) => {
  const { port } = await startHttp(t, (req, res) => req.pipe(res));
  const proxy = await startProxy(t, toPorts(port));
  const sent = createHash('sha256');
  const block = Buffer.alloc(64 * 1024, 'fairlead');
  const body = Readable.from((function* () {
    for (let i = 0; i < 512; i++) {
      block.writeUInt32BE(i);
      sent.update(block);
      yield Buffer.from(block);
    }
  })());
  const req = request({ port: portOf(proxy), host: '127.0.0.1', method: 'POST' });
  body.pipe(req);
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  const got = createHash('sha256');
  for await (const part of res) got.update(part as Buffer);
  assert.equal(got.digest('hex'), sent.digest('hex'));
});

test('a client that does not read stops the endpoint, so that memory stays bounded', async (t) => {
  let offered = 0;
  let stalled!: () => void;
  const stall = new Promise<void>((resolve) => (stalled = resolve));
  const total = 256 * 1024 * 1024;
  const { port } = await startTcp(t, (socket) => {
    const block = Buffer.alloc(256 * 1024);
    const pour = () => {
      while (offered < total) {
        offered += block.length;
        if (!socket.write(block)) return void setImmediate(() => socket.writableLength > 0 && offered > block.length * 8 && stalled());
      }
    };
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`);
      socket.on('drain', pour);
      pour();
    });
  });
  const proxy = await startProxy(t, toPorts(port));
  const client = connect(portOf(proxy), '127.0.0.1');
  client.pause();
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await stall;
  client.destroy();
  assert.ok(offered < total, `${offered} bytes taken from the endpoint`);
});

test('an endpoint that does not read stops the client, and is 504 in the end: the client is not blamed', async (t) => {
  const { port } = await startTcp(t, (socket) => socket.pause());
  const proxy = await startProxy(t, toPorts(port), { timeouts: { sendMs: 120, clientMs: 40 } });
  const client = connect(portOf(proxy), '127.0.0.1');
  const total = 1024 * 1024 * 1024;
  const answer = readUntil(client, (text) => text.includes('\r\n\r\n'));
  client.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${total}\r\n\r\n`);
  const block = Buffer.alloc(256 * 1024);
  const pour = () => {
    while (client.writable && client.write(block));
  };
  client.on('drain', pour).on('error', () => {});
  pour();
  assert.match(await answer, /^HTTP\/1\.1 504 /);
  assert.ok(client.bytesWritten < total / 4, `${client.bytesWritten} bytes taken from the client`);
  client.destroy();
});

test('an Upgrade joins client and endpoint: WebSocket works without any annotation', async (t) => {
  const { port, server } = await startHttp(t, (_req, res) => res.end());
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket, req) => socket.on('message', (data) => socket.send(`${req.url} ${String(data)}`)));
  const proxy = await startProxy(t, toPorts(port));
  const client = new WebSocket(`ws://127.0.0.1:${portOf(proxy)}/chat?room=1`);
  await once(client, 'open');
  client.send('hello');
  const [reply] = (await once(client, 'message')) as [Buffer];
  assert.equal(String(reply), '/chat?room=1 hello');
  client.close();
  await once(client, 'close');
});

test('an upgrade to cleartext HTTP/2 is not passed on', async (t) => {
  const { port } = await startHttp(t, (req, res) => res.end(JSON.stringify(req.headers)));
  const proxy = await startProxy(t, toPorts(port));
  const answer = await converse(portOf(proxy), 'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n');
  assert.match(answer, /^HTTP\/1\.1 200/);
  assert.doesNotMatch(answer, /upgrade|http2-settings/i);
});

test('Expect: 100-continue is answered before the body is sent', async (t) => {
  const { port } = await startHttp(t, (req, res) => req.pipe(res));
  const proxy = await startProxy(t, toPorts(port));
  const client = connect(portOf(proxy), '127.0.0.1');
  client.write('PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n');
  assert.equal(await readUntil(client, (text) => text.endsWith('\r\n\r\n')), 'HTTP/1.1 100 Continue\r\n\r\n');
  client.write('body');
  assert.match(await readUntil(client, (text) => text.includes('body')), /^HTTP\/1\.1 200 OK/);
  client.destroy();
});

test('a HEAD response has no body and keeps its length', async (t) => {
  const { port } = await startHttp(t, (_req, res) => res.writeHead(200, { 'content-length': 42 }).end());
  const proxy = await startProxy(t, toPorts(port));
  const answer = await converse(portOf(proxy), 'HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  assert.match(answer, /content-length: 42\r\n/i);
  assert.match(answer, /\r\n\r\n$/);
});

const cannedTable: [name: string, response: string, request: string, expected: RegExp][] = [
  ['103 Early Hints pass, 100 does not', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', 'GET / HTTP/1.1', /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a>\r\n\r\nHTTP\/1\.1 200 OK\r\n.*ok$/s],
  ['HTTP/1.0 clients get no interim responses and no chunks', 'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', 'GET / HTTP/1.0', /^HTTP\/1\.1 200 OK\r\nConnection: close\r\n\r\nok$/],
  ['a response with two lengths is 502', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok', 'GET / HTTP/1.1', /^HTTP\/1\.1 502 /],
  ['a response with length and coding is 502', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 'GET / HTTP/1.1', /^HTTP\/1\.1 502 /],
  ['a response that is no HTTP is 502', 'hello there\r\n\r\n', 'GET / HTTP/1.1', /^HTTP\/1\.1 502 /],
  ['a 101 that nobody asked for is 502', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n', 'GET / HTTP/1.1', /^HTTP\/1\.1 502 /],
  ['204 has neither body nor length', 'HTTP/1.1 204 No Content\r\n\r\n', 'GET / HTTP/1.1', /^HTTP\/1\.1 204 No Content\r\nConnection: close\r\n\r\n$/],
];

for (const [name, response, line, expected] of cannedTable)
  test(name, async (t) => {
    const { port } = await startCanned(t, response);
    const proxy = await startProxy(t, toPorts(port));
    assert.match(await converse(portOf(proxy), `${line}\r\nHost: x\r\nConnection: close\r\n\r\n`), expected);
  });

test('a response that ends with its connection reaches an HTTP/1.1 client in chunks', async (t) => {
  const { port } = await startTcp(t, (socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end')));
  const proxy = await startProxy(t, toPorts(port));
  assert.equal((await ask(portOf(proxy))).text, 'until the end');
});

test('a response cut short cuts the client too, so that it cannot take it for whole', async (t) => {
  const { port } = await startTcp(t, (socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')));
  const proxy = await startProxy(t, toPorts(port));
  await assert.rejects(ask(portOf(proxy)), /aborted|ECONNRESET/);
});

test('ING-70: requests go round over the endpoints', async (t) => {
  const servers = await Promise.all(['a', 'b', 'c'].map((name) => startHttp(t, (_req, res) => res.end(name))));
  const proxy = await startProxy(t, toPorts(...servers.map(({ port }) => port)));
  const answers: string[] = [];
  for (let i = 0; i < 9; i++) answers.push((await ask(portOf(proxy))).text);
  assert.deepEqual(answers.toSorted(), [...'aaabbbccc']);
});

/** A port on which nothing listens. */
async function refusedPort(t: Parameters<typeof startTcp>[0]): Promise<number> {
  const { port, server } = await startTcp(t, () => {});
  server.close();
  return port;
}

test('an endpoint that refuses is passed over, whatever the method: nothing was sent yet', async (t) => {
  const { port } = await startHttp(t, (req, res) => req.pipe(res));
  const proxy = await startProxy(t, toPorts(await refusedPort(t), port));
  for (let i = 0; i < 6; i++) assert.deepEqual((await ask(portOf(proxy), { method: 'POST' }, 'body')).text, 'body');
});

test('when every endpoint refuses the answer is 502', async (t) => {
  const proxy = await startProxy(t, toPorts(await refusedPort(t), await refusedPort(t)));
  assert.equal((await ask(portOf(proxy))).status, 502);
});

test('a GET is tried again when an endpoint closes without an answer, a POST is not', async (t) => {
  const dead = await startTcp(t, (socket) => socket.once('data', () => socket.destroy()));
  const { port } = await startHttp(t, (_req, res) => res.end('alive'));
  const proxy = await startProxy(t, toPorts(dead.port, port));
  for (let i = 0; i < 4; i++) assert.equal((await ask(portOf(proxy))).text, 'alive');
  const statuses = [];
  for (let i = 0; i < 2; i++) statuses.push((await ask(portOf(proxy), { method: 'POST' }, 'x')).status);
  assert.ok(statuses.every((status) => status === 200 || status === 502));
});

test('an endpoint that does not answer in time is 504', async (t) => {
  const { port } = await startTcp(t, () => {});
  const proxy = await startProxy(t, toPorts(port), { timeouts: { readMs: 40 } });
  assert.equal((await ask(portOf(proxy), { method: 'POST' }, 'x')).status, 504);
});

test('a request head that stalls is 408', async (t) => {
  const proxy = await startProxy(t, toPorts(1), { timeouts: { headMs: 40 } });
  assert.match(await converse(portOf(proxy), 'GET / HTTP/1.1\r\nHost:', { end: false }), /^HTTP\/1\.1 408 /);
});

test('a client that leaves takes its request from the endpoint', async (t) => {
  let gone!: () => void;
  const closed = new Promise<void>((resolve) => (gone = resolve));
  let arrived!: () => void;
  const asked = new Promise<void>((resolve) => (arrived = resolve));
  const { port } = await startTcp(t, (socket) => socket.on('close', gone).once('data', arrived));
  const proxy = await startProxy(t, toPorts(port));
  const client = connect(portOf(proxy), '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await asked;
  client.resetAndDestroy();
  await closed;
});

// --- Change ------------------------------------------------------------------------------------------------------------

test('ING-68: endpoints change under load without one failed request', async (t) => {
  const servers = await Promise.all(['a', 'b', 'c', 'd'].map((name) => startHttp(t, (req, res) => void req.resume().on('end', () => res.end(name)))));
  const ports = servers.map(({ port }) => port);
  const proxy = await startProxy(t, toPorts(...ports));
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  let running = true;
  const statuses = new Map<number, number>();
  const client = async () => {
    while (running) {
      const { status } = await ask(portOf(proxy), { agent, method: 'POST' }, 'x'.repeat(100));
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const clients = Array.from({ length: 8 }, client);
  for (let i = 0; i < 100; i++) {
    await proxy.apply(toPorts(...ports.filter((_, k) => k !== i % 4)));
    await ask(portOf(proxy), { agent });
  }
  running = false;
  await Promise.all(clients);
  agent.destroy();
  assert.deepEqual([...statuses.keys()], [200]);
});

test('routes change for the next request of an open connection', async (t) => {
  const [a, b] = await Promise.all(['a', 'b'].map((name) => startHttp(t, (_req, res) => res.end(name))));
  const proxy = await startProxy(t, toPorts(a!.port));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  assert.equal((await ask(portOf(proxy), { agent })).text, 'a');
  await proxy.apply(toPorts(b!.port));
  assert.equal((await ask(portOf(proxy), { agent })).text, 'b');
  await proxy.apply(listenersOf([]));
  assert.equal((await ask(portOf(proxy), { agent })).status, 404);
  agent.destroy();
});

test('a removed endpoint finishes its request and then loses its connections', async (t) => {
  let socket!: Socket;
  let asked!: () => void;
  const arrived = new Promise<void>((resolve) => (asked = resolve));
  const { port } = await startTcp(t, (made) => {
    socket = made;
    made.once('data', asked);
  });
  const proxy = await startProxy(t, toPorts(port));
  const answer = ask(portOf(proxy));
  await arrived;
  await proxy.apply(listenersOf([]));
  const closed = once(socket, 'close');
  socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate');
  assert.equal((await answer).text, 'late');
  await closed;
});

test('a closed listener lets its requests finish and takes no new connection', async (t) => {
  let respond!: () => void;
  let asked!: () => void;
  const arrived = new Promise<void>((resolve) => (asked = resolve));
  const { port } = await startHttp(t, (_req, res) => {
    respond = () => res.end('done');
    asked();
  });
  const proxy = await startProxy(t, toPorts(port));
  const front = portOf(proxy);
  const answer = ask(front);
  await arrived;
  await proxy.apply(new Map());
  await assert.rejects(ask(front), /ECONNREFUSED/);
  respond();
  const { text, headers } = await answer;
  assert.deepEqual([text, headers.connection], ['done', 'close']);
});

test('close() waits for the request in flight', async (t) => {
  let respond!: () => void;
  let asked!: () => void;
  const arrived = new Promise<void>((resolve) => (asked = resolve));
  const { port } = await startHttp(t, (_req, res) => {
    respond = () => res.end('done');
    asked();
  });
  const proxy = await startProxy(t, toPorts(port), { timeouts: { drainMs: 10_000 } });
  const answer = ask(portOf(proxy));
  await arrived;
  const closing = proxy.close();
  respond();
  assert.equal((await answer).text, 'done');
  await closing;
});

// --- Filters, limits, score ------------------------------------------------------------------------------------------

test('ING-65: redirect-to-https keeps host and target, drops the port, spares ACME challenges', async (t) => {
  const { port } = await startHttp(t, (_req, res) => res.end('plain'));
  const redirected = route(endpoints(port), { filters: [{ type: 'redirect-to-https', code: 308 }] });
  const proxy = await startProxy(t, listenersOf([hostOf('*', redirected)]));
  const { status, headers } = await ask(portOf(proxy), { path: '/a/b?c=d', headers: { host: 'a.com:8080' } });
  assert.deepEqual([status, headers.location], [308, 'https://a.com/a/b?c=d']);
  assert.equal((await ask(portOf(proxy), { path: '/.well-known/acme-challenge/x' })).text, 'plain');
});

test('ING-82: rewrite-target replaces the path and keeps the query', async (t) => {
  const { port } = await startHttp(t, (req, res) => res.end(req.url));
  const proxy = await startProxy(t, listenersOf([hostOf('*', route(endpoints(port), { filters: [{ type: 'replace-path', path: '/' }] }))]));
  assert.equal((await ask(portOf(proxy), { path: '/testpath/x?q=1' })).text, '/?q=1');
});

test('ING-83: a body beyond the limit is 413, by its length or by its chunks', async (t) => {
  const { port } = await startHttp(t, (req, res) => req.resume().on('end', () => res.end('ok')));
  const proxy = await startProxy(t, toPorts(port), { maxBodyBytes: 1000 });
  assert.match(await converse(portOf(proxy), `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n${'x'.repeat(1001)}`), /^HTTP\/1\.1 413 /);
  assert.match(await converse(portOf(proxy), `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n${'x'.repeat(1001)}\r\n0\r\n\r\n`), /^HTTP\/1\.1 413 /);
  assert.match(await converse(portOf(proxy), `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n${'x'.repeat(1000)}`), /^HTTP\/1\.1 200 /);
});

test('every request is counted and logged once, with what it met', async (t) => {
  const { port } = await startHttp(t, (_req, res) => res.end('ok'));
  const records: AccessRecord[] = [];
  const registry = new Registry();
  const proxy = await startProxy(t, listenersOf([hostOf('a.com', route(endpoints(port)))]), { accessLog: (record) => records.push(record), metrics: proxyMetrics(registry) });
  await ask(portOf(proxy), { headers: { host: 'a.com' }, path: '/x' });
  await ask(portOf(proxy), { headers: { host: 'b.com' }, path: '/y' });
  assert.deepEqual(
    records.map(({ host, target, status, backend, endpoint, route: taken }) => ({ host, target, status, backend, endpoint, taken })),
    [
      { host: 'a.com', target: '/x', status: 200, backend: 'Service default/web:80', endpoint: `127.0.0.1:${port}`, taken: 'Ingress default/test' },
      { host: 'b.com', target: '/y', status: 404, backend: undefined, endpoint: undefined, taken: undefined },
    ],
  );
  const text = await registry.metrics();
  assert.match(text, /fairlead_proxy_requests_total\{backend="Service default\/web:80",code="200"\} 1/);
  assert.match(text, /fairlead_proxy_requests_total\{backend="",code="404"\} 1/);
});

test('a client may half-close after its request and still be answered', async (t) => {
  const { port } = await startHttp(t, (_req, res) => res.end('ok'));
  const proxy = await startProxy(t, toPorts(port));
  assert.match(await converse(portOf(proxy), 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'), /ok$/);
});


test('an endpoint cannot end a chunked body with trailers that change its framing', async (t) => {
  const { port } = await startCanned(t, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nConnection: upgrade\r\nContent-Length: 9\r\nX-Sum: 7\r\n\r\n');
  const proxy = await startProxy(t, toPorts(port));
  const answer = await converse(portOf(proxy), 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  assert.match(answer, /\r\n0\r\nX-Sum: 7\r\n\r\n$/);
});

test('a taken port keeps no other listener closed', async (t) => {
  const taken = await startTcp(t, () => {});
  const proxy = await startProxy(t, new Map(), { portOf: (listener) => (listener.protocol === 'HTTP' ? taken.port : 0) });
  await assert.rejects(proxy.apply(listenersOf([], ['HTTP', 'HTTPS'])), { code: 'EADDRINUSE' });
  assert.ok(proxy.addressOf('*:443'));
});

/** The bodies of the complete responses at the start of the text. */
function bodiesIn(text: string): string[] {
  const bytes = Buffer.from(text, 'latin1');
  const bodies: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf('\r\n\r\n', at);
    if (end < 0) break;
    const reader = createBodyReader(parseResponseHead(bytes.toString('latin1', at, end), 'POST').framing);
    let body = '';
    at = reader.read(bytes, end + 4, (payload) => (body += payload.toString('latin1')));
    if (reader.done) bodies.push(body);
  }
  return bodies;
}

test('however requests and responses are cut into packets, each request gets its own answer', async (t) => {
  const { port } = await startTcp(t, (socket) => {
    // Speaks one byte at a time; the body names the request it answers.
    let have = '';
    socket.setNoDelay(true).on('data', (bytes) => {
      have += bytes.toString('latin1');
      for (let end = have.indexOf('\r\n\r\n'); end >= 0; end = have.indexOf('\r\n\r\n')) {
        const head = have.slice(0, end);
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
        if (have.length < end + 4 + length) return;
        const text = `${head.split(' ')[1]} ${have.slice(end + 4, end + 4 + length)}`;
        have = have.slice(end + 4 + length);
        const chunked = text.length % 2 === 0;
        const response = chunked ? `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n` : `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
        for (const byte of response) socket.write(byte, 'latin1');
      }
    });
  });
  const proxy = await startProxy(t, toPorts(port));
  const anyRequest = fc.record({ path: fc.stringMatching(/^\/[a-z]{0,9}$/), body: fc.stringMatching(/^[a-z]{0,20}$/) });
  await fc.assert(
    fc.asyncProperty(fc.array(anyRequest, { minLength: 1, maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 10 }), async (requests, cuts) => {
      const text = requests.map(({ path, body }) => `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`).join('');
      const socket = connect({ port: portOf(proxy), host: '127.0.0.1', noDelay: true });
      const wanted = requests.map(({ path, body }) => `${path} ${body}`);
      const done = readUntil(socket, (answers) => bodiesIn(answers).length === wanted.length);
      for (let at = 0, i = 0; at < text.length; i++) {
        const end = at + cuts[i % cuts.length]!;
        socket.write(text.slice(at, end));
        at = end;
      }
      assert.deepEqual(bodiesIn(await done), wanted);
      socket.destroy();
    }),
    { numRuns: 50 },
  );
});
