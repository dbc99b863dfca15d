import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { buffer as readBuffer, text as readText } from 'node:stream/consumers';
import { test } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { HostRoutes } from '../../model/network-model.ts';
import { makeDefaultCertificate } from './certificates.ts';
import { endpoints, hostOf, listenersOf, portOf, readUntil, route, startCanned, startHttp, startProxy, startTcp } from './proxy-fixture.ts';

const origin = { kind: 'Secret', namespace: 'default', name: 'cert' };
const [certA, certB, certWild] = await Promise.all([makeDefaultCertificate(), makeDefaultCertificate(), makeDefaultCertificate()]);

const withCertificate = (routes: HostRoutes, certificate: { cert: string; key: string }): HostRoutes => ({ ...routes, certificate: { ...certificate, origin } });

async function handshake(port: number, servername?: string, ALPNProtocols = ['http/1.1']): Promise<TLSSocket> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols, ...(servername ? { servername } : {}) });
  await once(socket, 'secureConnect');
  return socket;
}

const pemOf = (socket: TLSSocket): string => socket.getPeerX509Certificate()!.toString().replaceAll(/\s/g, '');
const plain = (pem: string): string => pem.replaceAll(/\s/g, '');

test('ING-61: each host shows its own certificate by SNI; other names get the default one', async (t) => {
  const hosts = [withCertificate(hostOf('a.com'), certA), withCertificate(hostOf('b.com'), certB), withCertificate(hostOf('*.foo.com'), certWild), hostOf('bare.foo.com')];
  const proxy = await startProxy(t, listenersOf(hosts, ['HTTPS']));
  const shown = async (name?: string) => {
    const socket = await handshake(portOf(proxy, '*:443'), name);
    const pem = pemOf(socket);
    socket.destroy();
    return pem;
  };
  assert.equal(await shown('a.com'), plain(certA.cert));
  assert.equal(await shown('B.com'), plain(certB.cert));
  assert.equal(await shown('x.foo.com'), plain(certWild.cert));
  assert.equal(await shown('bare.foo.com'), plain(certWild.cert));
  const unknown = await shown('c.com');
  assert.ok(![certA, certB, certWild].some(({ cert }) => plain(cert) === unknown));
  assert.equal(await shown(), unknown);
});

test('ING-63: a renewed Secret is shown to the next handshake, without a new listener', async (t) => {
  const proxy = await startProxy(t, listenersOf([withCertificate(hostOf('a.com'), certA)], ['HTTPS']));
  const port = portOf(proxy, '*:443');
  (await handshake(port, 'a.com')).destroy();
  await proxy.apply(listenersOf([withCertificate(hostOf('a.com'), certB)], ['HTTPS']));
  assert.equal(portOf(proxy, '*:443'), port);
  const socket = await handshake(port, 'a.com');
  assert.equal(pemOf(socket), plain(certB.cert));
  socket.destroy();
});

test('ING-60, ING-64, ING-66: TLS ends here, the route follows Host, the endpoint sees plain HTTP and https as its scheme', async (t) => {
  const { port } = await startHttp(t, (req, res) => res.end(`${req.headers['x-forwarded-proto']} ${req.headers['x-forwarded-port']}`));
  const hosts = [withCertificate(hostOf('a.com'), certA), withCertificate(hostOf('b.com', route(endpoints(port))), certB)];
  const proxy = await startProxy(t, listenersOf(hosts, ['HTTPS']));
  const socket = await handshake(portOf(proxy, '*:443'), 'a.com');
  assert.equal(pemOf(socket), plain(certA.cert));
  socket.write('GET / HTTP/1.1\r\nHost: b.com\r\n\r\n');
  assert.match(await readUntil(socket, (text) => text.includes('443')), /https 443/);
  socket.destroy();
});

test('ING-77: HTTP/2 is offered on TLS', async (t) => {
  const proxy = await startProxy(t, listenersOf([], ['HTTPS']));
  const socket = await handshake(portOf(proxy, '*:443'), 'a.com', ['h2', 'http/1.1']);
  assert.equal(socket.alpnProtocol, 'h2');
  socket.destroy();
});

async function startHttp2(t: Parameters<typeof startProxy>[0], upstreamPort: number, options?: Parameters<typeof startProxy>[2]): Promise<ClientHttp2Session> {
  const proxy = await startProxy(t, listenersOf([hostOf('*', route(endpoints(upstreamPort)))], ['HTTPS']), options);
  const session = connectHttp2(`https://127.0.0.1:${portOf(proxy, '*:443')}`, { rejectUnauthorized: false, maxSessionMemory: 200 });
  session.on('error', () => {});
  t.after(() => session.destroy());
  return session;
}

async function askHttp2(session: ClientHttp2Session, headers: Record<string, string | number | string[]>, body?: string | Buffer) {
  const stream = session.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  const trailers: Record<string, unknown> = {};
  stream.on('trailers', (found) => Object.assign(trailers, found));
  const [answer] = await once(stream, 'response');
  return { answer, text: (await readBuffer(stream)).toString('latin1'), trailers };
}

test('HTTP/2 requests reach an HTTP/1.1 endpoint with method, path, host and one Cookie line', async (t) => {
  const { port } = await startHttp(t, async (req, res) => {
    const { 'x-request-id': _id, ...headers } = req.headers;
    res.setHeader('set-cookie', ['a=1', 'b=2']).end(JSON.stringify({ method: req.method, url: req.url, headers, body: await readText(req) }));
  });
  const session = await startHttp2(t, port);
  const { answer, text } = await askHttp2(session, { ':method': 'POST', ':path': '/x?y', ':authority': 'A.com', cookie: ['a=1', 'b=2'], te: 'trailers' }, 'hello');
  assert.equal(answer[':status'], 200);
  assert.deepEqual(answer['set-cookie'], ['a=1', 'b=2']);
  const { method, url, headers, body } = JSON.parse(text);
  assert.deepEqual({ method, url, body, host: headers.host, cookie: headers.cookie, te: headers.te }, { method: 'POST', url: '/x?y', body: 'hello', host: 'A.com', cookie: 'a=1; b=2', te: undefined });
});

test('HTTP/2: many streams at once over one connection, large bodies both ways', async (t) => {
  const { port } = await startHttp(t, (req, res) => req.pipe(res));
  const session = await startHttp2(t, port);
  const body = Buffer.alloc(3 * 1024 * 1024, 'x');
  const answers = await Promise.all(Array.from({ length: 10 }, () => askHttp2(session, { ':method': 'POST', ':path': '/' }, body)));
  assert.deepEqual(answers.map(({ text }) => text.length), answers.map(() => body.length));
});

test('HTTP/2: chunked responses keep their trailers; responses of our own arrive too', async (t) => {
  const { port } = await startCanned(t, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n');
  const session = await startHttp2(t, port);
  const { text, trailers } = await askHttp2(session, { ':path': '/' });
  assert.deepEqual([text, trailers['x-sum']], ['ok', '7']);
  assert.equal((await askHttp2(session, { ':path': '/%zz' })).answer[':status'], 400);
});

test('HTTP/2: a response without body, and one that HTTP/2 forbids', async (t) => {
  const empty = await startCanned(t, 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n');
  assert.equal((await askHttp2(await startHttp2(t, empty.port), { ':path': '/' })).answer[':status'], 304);
  const odd = await startCanned(t, 'HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Type: c/d\r\nContent-Length: 0\r\n\r\n');
  assert.equal((await askHttp2(await startHttp2(t, odd.port), { ':path': '/' })).answer[':status'], 502);
});

test('HTTP/2: a stream the client resets takes its request from the endpoint', async (t) => {
  let gone!: () => void;
  const closed = new Promise<void>((resolve) => (gone = resolve));
  let arrived!: () => void;
  const asked = new Promise<void>((resolve) => (arrived = resolve));
  const { port } = await startTcp(t, (socket) => socket.on('close', gone).once('data', arrived));
  const stream = (await startHttp2(t, port)).request({ ':path': '/' });
  stream.on('error', () => {});
  await asked;
  stream.close();
  await closed;
});

test('HTTP/2: a body beyond the limit is 413', async (t) => {
  const { port } = await startHttp(t, (req, res) => req.resume().on('end', () => res.end()));
  const session = await startHttp2(t, port, { maxBodyBytes: 1000 });
  assert.equal((await askHttp2(session, { ':method': 'POST', ':path': '/' }, Buffer.alloc(1001))).answer[':status'], 413);
});
