// The L7 proxy: whole listeners in, difference applied; requests in flight never notice.
// One ProxyServer per network namespace; its Sockets say which.
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { Log } from '../../base/run/log.ts';
import { onAnyAddress, type Sockets } from '../../base/run/sockets.ts';
import type { Listener } from '../../model/network-model.ts';
import { contextFor, makeDefaultCertificate } from './certificates.ts';
import { Deadlines, defaultTimeouts, type Timeouts } from './deadlines.ts';
import { Http1Connection } from './front/http1-connection.ts';
import { serveHttp2 } from './front/http2-session.ts';
import { defaultHeadLimits, type HeadLimits } from './http1/message.ts';
import { type ClientSide, plainAddress } from './request/inbound.ts';
import { noMetrics, type ProxyMetrics } from './metrics.ts';
import type { AccessRecord, ClientConnection, ProxyContext } from './proxy-context.ts';
import { endpointKey, UpstreamPool } from './upstream/pool.ts';

export interface ProxyOptions {
  readonly sockets: Sockets;
  readonly log: Log;
  readonly metrics?: ProxyMetrics;
  readonly accessLog?: (record: AccessRecord) => void;
  /** Where listeners with `*` listen; `::` for both families. */
  readonly address?: string;
  /** The port really bound for a listener's port: for tests and for gateways without privileges. */
  readonly portOf?: (listener: Listener) => number;
  readonly timeouts?: Partial<Timeouts>;
  readonly limits?: Partial<HeadLimits>;
  /** Largest request body; default no limit. */
  readonly maxBodyBytes?: number;
}

export const createProxy = (options: ProxyOptions): ProxyServer => new ProxyServer(options);

export class ProxyServer {
  readonly #options: ProxyOptions;
  readonly #context: ProxyContext & { readonly pool: UpstreamPool; readonly deadlines: Deadlines };
  readonly #servers = new Map<string, Server>();
  readonly #connections = new Set<ClientConnection>();
  #defaultCertificate: Promise<{ cert: string; key: string }> | undefined;
  #whenIdle: (() => void) | undefined;

  constructor(options: ProxyOptions) {
    const timeouts = { ...defaultTimeouts, ...options.timeouts };
    const deadlines = new Deadlines(Math.max(10, Math.min(1000, ...Object.values(timeouts).map((ms) => ms / 4))));
    this.#options = options;
    this.#context = {
      pool: new UpstreamPool(options.sockets, deadlines, timeouts.upstreamIdleMs),
      deadlines,
      timeouts,
      limits: { ...defaultHeadLimits, ...options.limits },
      maxBodyBytes: options.maxBodyBytes ?? Infinity,
      listeners: new Map(),
      metrics: options.metrics ?? noMetrics,
      accessLog: options.accessLog,
      draining: false,
    };
  }

  /** Routes change at once, also for open connections; resolves when new listeners listen. Rejects when one cannot: call again. */
  async apply(listeners: ReadonlyMap<string, Listener>): Promise<void> {
    this.#context.listeners = listeners;
    this.#context.pool.want(endpointsOf(listeners));
    for (const key of this.#servers.keys()) if (!listeners.has(key)) this.#closeListener(key);
    const missing = [...listeners.values()].filter((listener) => !this.#servers.has(listener.key));
    const opened = await Promise.allSettled(missing.map((listener) => this.#open(listener)));
    // One taken port must not keep the others closed; all that can open are open before the first failure is told.
    for (const result of opened) if (result.status === 'rejected') throw result.reason;
  }

  /** What is routed now; the answer to "what does this gateway do?" (ICT-15). */
  get listeners(): ReadonlyMap<string, Listener> {
    return this.#context.listeners;
  }

  /** The address a listener is bound to. */
  addressOf(key: string): AddressInfo | undefined {
    return this.#servers.get(key)?.address() as AddressInfo | undefined;
  }

  /** Stops listening, lets requests in flight finish (at most drainMs), then cuts what is left. */
  async close(): Promise<void> {
    this.#context.draining = true;
    for (const key of this.#servers.keys()) this.#closeListener(key);
    await this.#drained();
    for (const connection of this.#connections) connection.destroy();
    this.#context.pool.close();
    this.#context.deadlines.close();
  }

  #drained(): Promise<void> {
    if (this.#connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#context.timeouts.drainMs);
      this.#whenIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #open(listener: Listener): Promise<void> {
    const server = listener.protocol === 'HTTPS' ? await this.#tlsServer(listener) : createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#serve(socket, listener));
    const [host = '*'] = listener.key.split(/:(?=\d+$)/);
    const address = host === '*' ? this.#options.address : host;
    const port = this.#options.portOf?.(listener) ?? listener.port;
    const listen = (at: string): Promise<void> => this.#options.sockets.listenTcp(server, { address: at, port });
    await (address === undefined ? onAnyAddress(listen) : listen(address));
    server.on('error', (error) => this.#options.log.warn({ listener: listener.key, error: error.message }, 'a listener fails'));
    this.#servers.set(listener.key, server);
  }

  async #tlsServer(listener: Listener): Promise<Server> {
    this.#defaultCertificate ??= makeDefaultCertificate();
    const server = createTlsServer({
      ...(await this.#defaultCertificate),
      allowHalfOpen: true,
      noDelay: true,
      ALPNProtocols: ['h2', 'http/1.1'],
      handshakeTimeout: this.#context.timeouts.headMs,
      SNICallback: (name, found) => found(null, this.#contextFor(listener.key, name)),
    });
    server.on('secureConnection', (socket: TLSSocket) => this.#serve(socket, listener));
    // A failed handshake concerns that client alone.
    server.on('tlsClientError', (_error, socket) => socket.destroy());
    return server;
  }

  #contextFor(key: string, serverName: string) {
    try {
      return contextFor(this.#context.listeners.get(key), serverName);
    } catch (error) {
      // The model has read the pair; should OpenSSL still refuse it, the default certificate is served.
      this.#options.log.warn({ serverName, error: String(error) }, 'a certificate cannot be used');
      return undefined;
    }
  }

  #serve(socket: Socket | TLSSocket, { key, port, protocol }: Listener): void {
    const client: ClientSide = { listener: key, scheme: protocol === 'HTTPS' ? 'https' : 'http', port, address: plainAddress(socket.remoteAddress) };
    const gone = () => this.#gone(connection);
    const h2 = 'alpnProtocol' in socket && socket.alpnProtocol === 'h2';
    const connection: ClientConnection = h2 ? serveHttp2(socket, client, this.#context, gone) : new Http1Connection(socket, client, this.#context);
    if (!h2) socket.on('close', gone);
    this.#connections.add(connection);
    this.#context.metrics.connections(1);
    if (this.#context.draining) connection.drain();
  }

  #gone(connection: ClientConnection): void {
    if (!this.#connections.delete(connection)) return;
    this.#context.metrics.connections(-1);
    if (this.#connections.size === 0) this.#whenIdle?.();
  }

  #closeListener(key: string): void {
    this.#servers.get(key)?.close();
    this.#servers.delete(key);
    for (const connection of this.#connections) if (connection.listener === key) connection.drain();
  }
}

function endpointsOf(listeners: ReadonlyMap<string, Listener>): ReadonlySet<string> {
  const hosts = [...listeners.values()].flatMap((listener) => [...listener.hosts.values()]);
  const found = new Set<string>();
  for (const { backend } of hosts.flatMap((host) => host.routes))
    for (const endpoint of backend.type === 'endpoints' ? backend.endpoints : []) found.add(endpointKey(endpoint));
  return found;
}
