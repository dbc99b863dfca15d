// What tests of the proxy share: a proxy on loopback ports, routes to servers of the test, raw conversations.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createHttpServer, type RequestListener, type Server as HttpServer } from 'node:http';
import type { TestContext } from 'node:test';
import { logFor } from '../../base/run/log.ts';
import { hostSockets } from '../../base/run/sockets.ts';
import type { HostRoutes, Listener, Route, RouteBackend } from '../../model/network-model.ts';
import { createProxy, type ProxyOptions, type ProxyServer } from './proxy.ts';

const origin = { kind: 'Ingress', namespace: 'default', name: 'test' };

export const endpoints = (...ports: number[]): RouteBackend => ({
  type: 'endpoints',
  service: { kind: 'Service', namespace: 'default', name: 'web' },
  port: 80,
  endpoints: ports.map((port) => ({ address: '127.0.0.1', port, local: true, origin })),
});

export const route = (backend: RouteBackend, more: Partial<Route> = {}): Route => ({ match: { type: 'Prefix', path: '/' }, backend, origin, ...more });

export const hostOf = (host: string, ...routes: Route[]): HostRoutes => ({ host, routes, origin });

export function listenersOf(hosts: readonly HostRoutes[], protocols: readonly Listener['protocol'][] = ['HTTP']): ReadonlyMap<string, Listener> {
  const made = protocols.map((protocol): Listener => {
    const port = protocol === 'HTTP' ? 80 : 443;
    return { key: `*:${port}`, port, protocol, hosts: new Map(hosts.map((each) => [each.host, each])) };
  });
  return new Map(made.map((each) => [each.key, each]));
}

export const toPorts = (...ports: number[]) => listenersOf([hostOf('*', route(endpoints(...ports)))]);

/** A proxy that listens on free loopback ports and is closed after the test. */
export async function startProxy(t: TestContext, listeners: ReadonlyMap<string, Listener>, options: Partial<ProxyOptions> = {}): Promise<ProxyServer> {
  const timeouts = { drainMs: 200, ...options.timeouts };
  const proxy = createProxy({ sockets: hostSockets, log: logFor('test'), address: '127.0.0.1', portOf: () => 0, ...options, timeouts });
  t.after(() => proxy.close());
  await proxy.apply(listeners);
  return proxy;
}

export const portOf = (proxy: ProxyServer, key = '*:80'): number => proxy.addressOf(key)!.port;

export async function startHttp(t: TestContext, handle: RequestListener): Promise<{ port: number; server: HttpServer }> {
  const server = createHttpServer(handle);
  t.after(() => (server.closeAllConnections(), server.close()));
  return { port: await listen(server), server };
}

export async function startTcp(t: TestContext, handle: (socket: Socket) => void): Promise<{ port: number; server: Server }> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket.on('error', () => {}));
    handle(socket);
  });
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return { port: await listen(server), server };
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** An endpoint that answers every head with the same bytes, and keeps what it was sent. */
export async function startCanned(t: TestContext, response: string): Promise<{ port: number; received: string[] }> {
  const received: string[] = [];
  const { port } = await startTcp(t, (socket) =>
    socket.on('data', (bytes) => {
      received.push(bytes.toString('latin1'));
      socket.write(response, 'latin1');
    }));
  return { port, received };
}

/** Sends bytes, half-closes when told, and resolves with all that came until the proxy closed. */
export async function converse(port: number, text: string | Buffer, options: { end?: boolean } = {}): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const parts: Buffer[] = [];
  socket.on('data', (bytes) => parts.push(bytes));
  socket.on('error', () => {});
  if (options.end === false) socket.write(text);
  else socket.end(text);
  await Promise.race([once(socket, 'end'), once(socket, 'close')]);
  socket.destroy();
  return Buffer.concat(parts).toString('latin1');
}

/** Resolves as soon as what came satisfies the test. */
export function readUntil(socket: Socket, enough: (text: string) => boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const take = (bytes: Buffer) => {
      text += bytes.toString('latin1');
      if (!enough(text)) return;
      socket.off('data', take);
      resolve(text);
    };
    socket.on('data', take);
    socket.once('close', () => reject(new Error(`closed after ${JSON.stringify(text)}`)));
  });
}
