// What a part that serves by itself (DNS, gateway) tells kubelets and Prometheus: does it live, is it ready, what has it done.
import { createServer } from 'node:http';
import { Gauge, Registry } from 'prom-client';
import { hostSockets, type SocketAddress } from '../../base/run/sockets.ts';
import type { OpenMirror } from './open-mirror.ts';

export interface StatusPage {
  /** Where the part's own metrics go. */
  readonly registry: Registry;
  close(): Promise<void>;
}

export interface StatusPageOptions {
  /** Absent: nowhere. */
  readonly at?: SocketAddress;
  /** Has everything been seen once? From then on it stays so: without an API server the part serves what it knows. */
  isReady(): boolean;
  readonly mirror: Pick<OpenMirror, 'troubles'>;
}

const plain = 'text/plain; charset=utf-8';

function waiting({ troubles }: Pick<OpenMirror, 'troubles'>): string {
  const reasons = [...new Set(troubles().values())];
  return ['not ready: the cluster has not been seen in full yet', ...reasons].join('\n');
}

/** Rejects with the system's error when the address cannot be had. */
export async function openStatusPage({ at, isReady, mirror }: StatusPageOptions): Promise<StatusPage> {
  const registry = new Registry();
  registry.registerMetric(
    new Gauge({
      name: 'fairlead_part_unread_kinds', help: 'Kinds that the API server does not show just now; what was known of them is served.', registers: [],
      collect() {
        this.set(mirror.troubles().size);
      },
    }),
  );
  const pages: Readonly<Record<string, () => Promise<[code: number, type: string, body: string]>>> = {
    '/healthz': async () => [200, plain, 'ok\n'],
    '/livez': async () => [200, plain, 'ok\n'],
    '/readyz': async () => (isReady() ? [200, plain, 'ok\n'] : [503, plain, `${waiting(mirror)}\n`]),
    '/metrics': async () => [200, registry.contentType, await registry.metrics()],
  };
  const server = createServer((request, response) => {
    const page = pages[new URL(request.url ?? '/', 'http://part').pathname] ?? (async () => [404, plain, 'not found\n'] as const);
    void page().then(([code, type, body]) => response.writeHead(code, { 'content-type': type, 'x-content-type-options': 'nosniff' }).end(body));
  });
  if (at) await hostSockets.listenTcp(server, at);
  return {
    registry,
    async close() {
      server.closeAllConnections();
      if (at) await new Promise((closed) => server.close(closed));
    },
  };
}
