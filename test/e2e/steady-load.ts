// Requests without pause from a machine of the cluster while a test changes things: every failure is kept with its reason.
// Each request has a connection of its own, as KPX and ING promises are about new connections.
import type { Socket } from 'node:net';
import { namespaceSockets } from '../../src/node/netlink/namespace-sockets.ts';
import { nodeNamespace } from '../../src/node/machine/names.ts';
import type { RunningCluster } from './running-cluster.ts';

export interface Target {
  /** A node or an outside machine. */
  from: string;
  address: string;
  port: number;
  host?: string;
  path?: string;
}

export interface LoadResult {
  requests: number;
  failures: readonly string[];
  /** Answers by pod (`namespace/name`). */
  byPod: ReadonlyMap<string, number>;
}

export interface SteadyLoad {
  /** Resolves when so many more requests are done. */
  more(count: number): Promise<void>;
  stop(): Promise<LoadResult>;
}

const answerWithinMs = 5_000;

function ask(socket: Socket, { host = 'load.test', path = '/' }: Target): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    socket.setTimeout(answerWithinMs, () => socket.destroy(new Error(`no answer within ${answerWithinMs} ms`)));
    socket.on('connect', () => socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nAccept: text/plain\r\n\r\n`));
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    socket.on('error', reject);
    socket.on('close', () => (answer.startsWith('HTTP/1.1 200') ? resolve(answer) : reject(new Error(answer.split('\r\n')[0] || 'closed without an answer'))));
  });
}

export function startLoad(cluster: RunningCluster, target: Target, { workers = 4 } = {}): SteadyLoad {
  const sockets = namespaceSockets(nodeNamespace(cluster.name, target.from));
  const failures: string[] = [];
  const byPod = new Map<string, number>();
  const waiting: { until: number; resolve: () => void }[] = [];
  let requests = 0;
  let stopped = false;
  const startedAt = performance.now();
  async function one(): Promise<void> {
    const began = performance.now();
    try {
      const answer = await ask(sockets.connectTcp({ address: target.address, port: target.port }), target);
      const pod = /^pod: (\S+)/m.exec(answer)?.[1] ?? '(no pod)';
      byPod.set(pod, (byPod.get(pod) ?? 0) + 1);
    } catch (error) {
      failures.push(`at ${Math.round(began - startedAt)} ms, for ${Math.round(performance.now() - began)} ms: ${(error as Error).message}`);
    }
    requests++;
    for (const waiter of waiting) if (requests >= waiter.until) waiter.resolve();
  }
  const worker = async () => {
    while (!stopped) await one();
  };
  const all = Promise.all(Array.from({ length: workers }, worker));
  return {
    more: (count) => new Promise((resolve) => waiting.push({ until: requests + count, resolve })),
    async stop() {
      stopped = true;
      await all;
      return { requests, failures, byPod };
    },
  };
}
