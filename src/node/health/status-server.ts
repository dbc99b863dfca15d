// The two small HTTP servers of a node's service proxy: health for load balancers and kubelets, metrics for Prometheus.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { SocketAddress, Sockets } from '../../base/run/sockets.ts';
import type { NodeHealth } from './node-health.ts';
import type { NodeProxyMetrics } from './proxy-metrics.ts';

export interface StatusServers {
  /** The port where health is answered; absent where it is not. */
  readonly healthPort?: number;
  readonly metricsPort?: number;
  close(): Promise<void>;
}

export interface StatusOptions {
  sockets: Sockets;
  health: NodeHealth;
  /** What /proxyMode answers. */
  mode: string;
  /** Absent: nobody counts. */
  metrics?: NodeProxyMetrics;
  /** Absent: not served. */
  healthAt?: SocketAddress;
  metricsAt?: SocketAddress;
}

type Page = { code?: number; type: string; body: string } | undefined;
type Pages = (path: string) => Page | Promise<Page>;

const plain = 'text/plain; charset=utf-8';

/** PROXY-36: the codes are what is looked at. */
function healthPages({ health, metrics }: StatusOptions): Pages {
  return (path) => {
    const name = path === '/healthz' ? 'healthz' : path === '/livez' ? 'livez' : undefined;
    if (!name) return undefined;
    const code = (name === 'healthz' ? health.isHealthy() : health.isAlive()) ? 200 : 503;
    metrics?.probed(name, code);
    return { code, type: 'application/json', body: `${JSON.stringify(health.report())}\n` };
  };
}

function metricsPages({ health, metrics, mode }: StatusOptions): Pages {
  return async (path) => {
    if (path === '/metrics' && metrics) return { type: 'text/plain; version=0.0.4; charset=utf-8', body: await metrics.print() };
    // PROXY-78.
    if (path === '/proxyMode') return { type: plain, body: mode };
    return path === '/healthz' ? { code: health.isAlive() ? 200 : 503, type: plain, body: 'ok' } : undefined;
  };
}

async function answer(pages: Pages, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://node');
  const page = (await pages(pathname)) ?? { code: 404, type: plain, body: 'not found\n' };
  response.writeHead(page.code ?? 200, { 'content-type': page.type, 'x-content-type-options': 'nosniff' }).end(page.body);
}

async function open(pages: Pages, sockets: Sockets, at: SocketAddress): Promise<Server> {
  const server = createServer((request, response) => void answer(pages, request, response).catch(() => response.destroy()));
  await sockets.listenTcp(server, at);
  return server;
}

const portOf = (server: Server | undefined): number | undefined => (server?.address() as { port: number } | null | undefined)?.port;

/** Rejects with the system's error when an address cannot be had: an operator named it, so it matters. */
export async function openStatusServers(options: StatusOptions): Promise<StatusServers> {
  const { sockets, healthAt, metricsAt } = options;
  const health = healthAt && (await open(healthPages(options), sockets, healthAt));
  const metrics = metricsAt && (await open(metricsPages(options), sockets, metricsAt));
  return {
    healthPort: portOf(health),
    metricsPort: portOf(metrics),
    async close() {
      for (const server of [health, metrics]) {
        server?.closeAllConnections();
        await new Promise((closed) => (server ? server.close(closed) : closed(undefined)));
      }
    },
  };
}
