// How the benches talk to an API server that is a process of its own, and what that process says it has used.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { join } from 'node:path';

export const maps = '/api/v1/namespaces/default/configmaps';

export interface Usage {
  cpuUs: number;
  bytes: number;
}

/** A server under measurement. */
export interface Ground {
  session(): ClientHttp2Session;
  /** `memory` sweeps the heap first, which costs CPU time: between two readings of that, ask for `cpu` only. */
  usage(about: 'cpu' | 'memory'): Promise<Usage>;
  stop(): void;
}

interface Reachable {
  port: number;
  ca: string;
  cert: string;
  key: string;
}

/** `file` is in this folder; its first message says how to reach it. */
export async function startGround(file: string, args: readonly string[]): Promise<Ground> {
  const child: ChildProcess = fork(join(import.meta.dirname, file), args, { execArgv: ['--expose-gc'] });
  const [{ port, ...keys }] = (await once(child, 'message')) as [Reachable];
  return {
    session: () => connect(`https://127.0.0.1:${port}`, { ...keys, peerMaxConcurrentStreams: 1000 }),
    async usage(about) {
      child.send(about);
      return ((await once(child, 'message')) as [Usage])[0];
    },
    stop: () => void child.kill(),
  };
}

/** Answers the messages of `usage`: to be called in the measured process. */
export function answerUsage(): void {
  process.on('message', (about) => {
    if (about === 'memory') globalThis.gc?.();
    const { user, system } = process.cpuUsage();
    const { heapUsed, external } = process.memoryUsage();
    process.send!({ cpuUs: user + system, bytes: heapUsed + external } satisfies Usage);
  });
}

/** Resolves with the length of the answer. */
export async function ask(session: ClientHttp2Session, method: string, path: string, about: { body?: object; accept?: string } = {}): Promise<number> {
  const { body, accept = 'application/json' } = about;
  const stream = session.request({ ':method': method, ':path': path, accept, ...(body && { 'content-type': 'application/json' }) });
  let code = 0;
  let bytes = 0;
  // Listened to from the start: the whole answer may have come before anyone who awaits its headers goes on.
  stream.once('response', (headers) => (code = Number(headers[':status'])));
  stream.on('data', (chunk: Buffer) => (bytes += chunk.length));
  stream.end(body && JSON.stringify(body));
  await once(stream, 'end');
  if (code >= 300) throw new Error(`${method} ${path}: ${code}`);
  return bytes;
}
