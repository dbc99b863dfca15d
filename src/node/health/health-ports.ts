// The healthCheckNodePorts of this node as real listeners: opened and closed as the model says, a driver like the others.
import { createServer, type Server } from 'node:http';
import type { Sockets } from '../../base/run/sockets.ts';
import type { Applied, Driver } from '../linux/driver.ts';
import { healthAnswer, type HealthWishes, type ServiceHealth } from './service-health.ts';

export interface HealthPortsOptions {
  sockets: Sockets;
  isHealthy(): boolean;
  /** Port taken, say: the rest goes on, and the next change of any of them tries again (PROXY-35). */
  onRefused?(health: ServiceHealth, error: Error): void;
}

/** All addresses of the node in both families; where the kernel has no IPv6, in the one. */
const everywhere = ['::', '0.0.0.0'];

async function listen(server: Server, sockets: Sockets, port: number): Promise<void> {
  let refusal: unknown;
  for (const address of everywhere) {
    try {
      return await sockets.listenTcp(server, { address, port });
    } catch (error) {
      // Taken in one family is taken; anything else may be a family that is not there.
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw error;
      refusal = error;
    }
  }
  throw refusal;
}

export function healthPorts({ sockets, isHealthy, onRefused }: HealthPortsOptions): Driver<HealthWishes> {
  let wished: HealthWishes = new Map();
  const open = new Map<number, Server>();

  async function start(port: number): Promise<number> {
    const server = createServer((_request, response) => {
      const answer = healthAnswer(wished.get(port)!, isHealthy());
      response.writeHead(answer.code, { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' }).end(answer.body);
    });
    try {
      await listen(server, sockets, port);
      open.set(port, server);
      return 1;
    } catch (error) {
      // One Service's load balancer is worse off; the node's rules must not wait for it.
      onRefused?.(wished.get(port)!, error as Error);
      return 0;
    }
  }

  async function stop(port: number): Promise<void> {
    const server = open.get(port);
    open.delete(port);
    server?.closeAllConnections();
    await new Promise((closed) => (server ? server.close(closed) : closed(undefined)));
  }

  async function apply(desired: HealthWishes): Promise<Applied> {
    const startMs = performance.now();
    if (wished === desired) return { changes: 0, tookMs: 0 };
    const gone = [...open.keys()].filter((port) => !desired.has(port));
    wished = desired;
    for (const port of gone) await stop(port);
    let changes = gone.length;
    for (const port of desired.keys()) if (!open.has(port)) changes += await start(port);
    return { changes, tookMs: performance.now() - startMs };
  }

  return { name: 'health ports', apply, remove: async () => void (await apply(new Map())) };
}
