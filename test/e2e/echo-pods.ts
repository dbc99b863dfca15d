// A PodAccess without pods: commands are imitated, connections echo what they get.
import { Duplex, duplexPair, PassThrough, Readable } from 'node:stream';
import { badRequest } from '../../src/kube/meaning/api-error.ts';
import type { ExecOptions, ExecSession, PodAccess } from '../../src/kube/meaning/pod-access.ts';

export interface EchoPods extends PodAccess {
  /** What happened, in order: `exec cat`, `resize 80x24`, `killed`. */
  seen: string[];
  /** Ends the logs that are being followed, as the end of the container does. */
  endLogs(): void;
}

/** `cat` echoes its input, `exit N` ends with N, `echo WORDS` prints; anything else is unknown. */
function imitate([name = '', ...rest]: readonly string[], session: { stdin: PassThrough; stdout: PassThrough; stderr: PassThrough }): Promise<number> {
  const { stdin, stdout, stderr } = session;
  const finish = (code: number) => {
    stdout.end();
    stderr.end();
    return Promise.resolve(code);
  };
  if (name === 'cat') {
    stderr.end();
    stdin.pipe(stdout);
    return new Promise((resolve) => stdout.once('finish', () => resolve(0)));
  }
  if (name === 'echo') stdout.write(`${rest.join(' ')}\n`);
  if (name === 'exit') stderr.write('leaving\n');
  return finish(name === 'exit' ? Number(rest[0]) : name === 'echo' ? 0 : 127);
}

export function createEchoPods(): EchoPods {
  const seen: string[] = [];
  const followed = new Set<PassThrough>();
  const start = (options: ExecOptions): ExecSession => {
    const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
    const exitCode = imitate(options.command, streams);
    return {
      ...streams,
      exitCode,
      resize: (columns, rows) => void seen.push(`resize ${columns}x${rows}`),
      kill: () => void seen.push('killed'),
    };
  };
  return {
    seen,
    endLogs: () => followed.forEach((log) => log.end('the end\n')),
    async logs(pod, { container, follow, tailLines }, stop) {
      const known = pod.spec.containers.map(({ name }) => name);
      if (container && !known.includes(container)) throw badRequest(`container ${container} is not valid for pod ${pod.metadata.name}`);
      const lines = ['one\n', 'two\n', 'three\n'].slice(-(tailLines ?? 3));
      if (!follow) return Readable.from(lines.map((line) => Buffer.from(line)));
      const output = new PassThrough();
      followed.add(output.once('close', () => followed.delete(output)));
      for (const line of lines) output.write(line);
      stop.addEventListener('abort', () => seen.push('log left'), { once: true });
      return output;
    },
    async exec(_pod, options) {
      seen.push(`exec ${options.command.join(' ')}`);
      return start(options);
    },
    async attach(_pod, options) {
      seen.push('attach');
      return start({ ...options, command: ['cat'] });
    },
    async connect(pod, port) {
      seen.push(`connect ${pod.metadata.name}:${port}`);
      if (port === 1) throw new Error('connection refused');
      if (port === 8080) return httpEcho();
      if (port === 8081) return webSocketEcho();
      return echo();
    },
  };
}

const echo = () =>
  new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      this.push(Buffer.concat([Buffer.from('echo:'), chunk]));
      done();
    },
    final(done) {
      this.push(null);
      done();
    },
  });

/** A server at one end of a pair of streams, answering WebSocket messages with themselves. */
async function webSocketEcho(): Promise<Duplex> {
  const { createServer } = await import('node:http');
  const { WebSocketServer } = await import('ws');
  const server = createServer();
  new WebSocketServer({ server }).on('connection', (socket) => socket.on('message', (data) => socket.send(data, { binary: false })));
  const [near, far] = duplexPair();
  server.emit('connection', far);
  return near;
}

/** Answers any request with its first line. */
const httpEcho = () =>
  new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      const body = chunk.toString().split('\r\n')[0]!;
      this.push(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
      this.push(null);
      done();
    },
  });
