// So many new connections a second, whatever becomes of them, and long streams: what clients of a Service see while a
// test changes things. Serves under-load.test.ts. Unlike steady-load.ts it does not wait for answers before it asks again.
import type { Socket } from 'node:net';
import type { Netns } from '../../src/node/netlink/namespaces.ts';
import { namespaceSockets } from '../../src/node/netlink/namespace-sockets.ts';

export interface Asked {
  readonly from: Netns;
  readonly address: string;
  readonly port: number;
}

export interface Failure {
  /** Since the load began. */
  readonly atMs: number;
  readonly tookMs: number;
  readonly address: string;
  /** `ECONNREFUSED`, `ECONNRESET`, or `silence`. */
  readonly why: string;
}

export interface Outcome {
  readonly requests: number;
  readonly failures: readonly Failure[];
  readonly slowestMs: number;
}

export interface PacedLoad {
  /** What has become of the requests since the last call. */
  taken(): Outcome;
  /** Since the load began. */
  nowMs(): number;
  stop(): Promise<Outcome>;
}

const silentAfterMs = 5_000;
const turnMs = 10;

function request(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let answer = '';
    socket.setTimeout(silentAfterMs, () => socket.destroy(Object.assign(new Error('silence'), { code: 'silence' })));
    socket.on('connect', () => socket.write('GET /hostname HTTP/1.1\r\nHost: load.test\r\nConnection: close\r\n\r\n'));
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    socket.on('error', reject);
    socket.on('close', () => (answer.startsWith('HTTP/1.1 200') ? resolve() : reject(new Error(answer.split('\r\n')[0] || 'closed without an answer'))));
  });
}

/** `perSecond` is for all targets together, each in its turn. */
export function startPacedLoad(targets: readonly Asked[], perSecond: number): PacedLoad {
  const startedAt = performance.now();
  const open = new Set<Promise<void>>();
  let begun = 0;
  let requests = 0;
  let slowestMs = 0;
  let failures: Failure[] = [];
  async function ask({ from, address, port }: Asked): Promise<void> {
    const began = performance.now();
    try {
      await request(namespaceSockets(from).connectTcp({ address, port }));
      slowestMs = Math.max(slowestMs, performance.now() - began);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      failures.push({ atMs: began - startedAt, tookMs: performance.now() - began, address: `${address}:${port}`, why: code ?? message });
    }
    requests++;
  }
  const turn = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) * perSecond) / 1000);
    for (; begun < due; begun++) {
      const asked = ask(targets[begun % targets.length]!);
      open.add(asked);
      void asked.finally(() => open.delete(asked));
    }
  }, turnMs);
  const taken = (): Outcome => {
    const outcome = { requests, failures, slowestMs };
    [requests, failures, slowestMs] = [0, [], 0];
    return outcome;
  };
  return {
    taken,
    nowMs: () => performance.now() - startedAt,
    async stop() {
      clearInterval(turn);
      await Promise.all(open);
      return taken();
    },
  };
}

export interface Stream {
  /** `namespace/name` of the pod at its other end. */
  readonly pod: string;
  readonly echoes: number;
  /** Between two echoes. */
  readonly longestGapMs: number;
  /** Why it ended; absent: it lives. */
  readonly ended?: string;
}

export interface Streams {
  seen(): readonly Stream[];
  close(): void;
}

const tickMs = 50;

/** One connection that says something all the time and counts what comes back. Resolves when the pod has said its name. */
function openStream({ from, address, port }: Asked): Promise<{ state: Stream; close(): void }> {
  const socket = namespaceSockets(from).connectTcp({ address, port });
  const state: { -readonly [key in keyof Stream]: Stream[key] } = { pod: '', echoes: 0, longestGapMs: 0 };
  let lastAt = 0;
  const ticks = setInterval(() => socket.writable && socket.write('.'), tickMs);
  const ended = (why: string) => {
    clearInterval(ticks);
    state.ended ??= why;
  };
  return new Promise((resolve, reject) => {
    socket.once('connect', () => socket.write('whoami\n'));
    socket.once('data', (chunk: Buffer) => {
      state.pod = chunk.toString().split(' ')[0]!;
      lastAt = performance.now();
      socket.on('data', () => {
        const now = performance.now();
        state.longestGapMs = Math.max(state.longestGapMs, now - lastAt);
        state.echoes++;
        lastAt = now;
      });
      resolve({ state, close: () => socket.destroy() });
    });
    socket.on('error', (error: NodeJS.ErrnoException) => ended(error.code ?? error.message));
    socket.on('close', () => {
      ended('closed');
      if (state.pod === '') reject(new Error(`no stream to ${address}:${port}: ${state.ended}`));
    });
  });
}

/** Opens streams until each of `pods` pods has one; what is more than that stays as well. */
export async function openStreams(target: Asked, pods: number): Promise<Streams> {
  const streams: Awaited<ReturnType<typeof openStream>>[] = [];
  const reached = () => new Set(streams.map(({ state }) => state.pod)).size;
  while (reached() < pods && streams.length < 20 * pods) streams.push(await openStream(target));
  return {
    seen: () => streams.map(({ state }) => ({ ...state })),
    close: () => streams.forEach((stream) => stream.close()),
  };
}
