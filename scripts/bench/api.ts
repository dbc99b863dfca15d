// The API server as clients meet it: TLS and HTTP/2, durable writes, large lists in both encodings, a thousand watchers,
// and what an object costs in memory. The server is a process of its own; the clients are in this one.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { join } from 'node:path';
import { type Bench, quantile, type Report } from './figure.ts';
import { scratch } from './sandbox.ts';

const writers = 64;
const watchers = 1000;
const listedPods = 5000;
const maps = '/api/v1/namespaces/default/configmaps';
const pods = '/api/v1/namespaces/many/pods';

interface Server {
  port: number;
  ca: string;
  cert: string;
  key: string;
}

interface Usage {
  cpuUs: number;
  bytes: number;
}

interface Ground {
  session(): ClientHttp2Session;
  usage(): Promise<Usage>;
}

async function ask(session: ClientHttp2Session, method: string, path: string, about: { body?: object; accept?: string } = {}): Promise<number> {
  const { body, accept = 'application/json' } = about;
  const stream = session.request({ ':method': method, ':path': path, accept, ...(body && { 'content-type': 'application/json' }) });
  stream.end(body && JSON.stringify(body));
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
  let bytes = 0;
  for await (const chunk of stream) bytes += (chunk as Buffer).length;
  if (Number(headers[':status']) >= 300) throw new Error(`${method} ${path}: ${String(headers[':status'])}`);
  return bytes;
}

const map = (name: string, value: number) => ({ metadata: { name }, data: { value: String(value) } });
const pod = (name: string) => ({
  metadata: { name, labels: { app: 'web', tier: 'front' } },
  spec: { containers: [{ name: 'web', image: 'example/web:1.2.3', ports: [{ name: 'http', containerPort: 8080 }], env: [{ name: 'MODE', value: 'bench' }] }] },
});

/** So many writers, each waiting for its last write. */
async function perSecond(count: number, write: (number: number) => Promise<unknown>): Promise<number> {
  let next = 0;
  const start = performance.now();
  const work = async () => {
    while (next < count) await write(next++);
  };
  await Promise.all(Array.from({ length: writers }, work));
  return (count * 1000) / (performance.now() - start);
}

async function medianMs(times: number, act: () => Promise<number>): Promise<{ ms: number; bytes: number }> {
  const tookMs: number[] = [];
  let bytes = 0;
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    bytes = await act();
    tookMs.push(performance.now() - start);
  }
  return { ms: quantile(tookMs, 0.5), bytes };
}

/** The server's CPU time for one event to one watcher, over some updates of one object. */
async function fanOutUs({ session, usage }: Ground, accept: string, updates: number): Promise<number> {
  const sessions = Array.from({ length: 10 }, session);
  const end = Buffer.from('the-last-one');
  const open = Array.from({ length: watchers }, async (_, i) => {
    const stream = sessions[i % sessions.length]!.request({ ':path': `${maps}?watch=true&fieldSelector=metadata.name%3Dshared`, accept });
    await once(stream, 'response');
    const ended = new Promise<void>((resolve) => stream.on('data', (chunk: Buffer) => chunk.includes(end) && resolve()));
    return { ended };
  });
  const streams = await Promise.all(open);
  const own = session();
  const before = await usage();
  for (let i = 0; i < updates; i++) await ask(own, 'PUT', `${maps}/shared`, { body: { metadata: { name: 'shared' }, data: { value: String(i), ...(i === updates - 1 && { end: 'the-last-one' }) } } });
  await Promise.all(streams.map(({ ended }) => ended));
  const after = await usage();
  for (const one of [...sessions, own]) one.destroy();
  return (after.cpuUs - before.cpuUs) / (updates * watchers);
}

async function measure(ground: Ground, { figure, say }: Report): Promise<void> {
  const session = ground.session();
  const write = (from: number) => (number: number) => ask(session, 'POST', maps, { body: map(`map-${from + number}`, number) });
  await perSecond(2000, (number) => ask(session, 'POST', maps, { body: map(`warm-${number}`, 0) }));
  say('writes');
  const start = await ground.usage();
  const first = await perSecond(5000, write(0));
  const { cpuUs } = await ground.usage();
  figure({ about: 'CPU time of one create', value: (cpuUs - start.cpuUs) / 5000, unit: 'µs', note: 'of the server, whatever else the machine does' });
  figure({ about: 'durable creates, 64 writers', value: first, unit: '/s', aim: { atLeast: 3000 }, note: 'SQLite, HTTP/2 over TLS' });
  figure({ about: 'durable updates, 64 writers', value: await perSecond(5000, (number) => ask(session, 'PUT', `${maps}/map-${number}`, { body: map(`map-${number}`, -1) })), unit: '/s' });
  say('memory with 50,000 objects');
  await perSecond(40_000, write(5000));
  const last = await perSecond(5000, write(45_000));
  const end = await ground.usage();
  figure({ about: 'memory, one small object', value: (end.bytes - start.bytes) / 50_000 / 1024, unit: 'KB', aim: { atMost: 4 }, note: '50,000 ConfigMaps, heap and buffers' });
  figure({ about: 'creates with 50,000 objects : with 5,000', value: first / last, unit: '×', note: 'cost of one as the number grows ×10' });
  say('watchers');
  await ask(session, 'POST', maps, { body: map('shared', 0) });
  for (const [word, accept] of [['JSON', 'application/json'], ['protobuf', 'application/vnd.kubernetes.protobuf']] as const) {
    figure({ about: `one event to one of 1,000 watchers, ${word}`, value: await fanOutUs(ground, accept, 100), unit: 'µs', aim: { atMost: 5 }, note: 'CPU time of the server, TLS and HTTP/2 included' });
  }
  say('lists');
  await perSecond(listedPods, (number) => ask(session, 'POST', pods, { body: pod(`pod-${number}`) }));
  for (const [word, accept] of [['JSON', 'application/json'], ['protobuf', 'application/vnd.kubernetes.protobuf']] as const) {
    const { ms, bytes } = await medianMs(10, () => ask(session, 'GET', pods, { accept }));
    figure({ about: `list of 5,000 pods, ${word}, median`, value: ms, unit: 'ms', note: `${(bytes / 1e6).toFixed(1)} MB` });
  }
  session.destroy();
}

async function run(report: Report): Promise<void> {
  const child = fork(join(import.meta.dirname, 'api-server.ts'), [scratch()], { execArgv: ['--expose-gc'] });
  const [{ port, ...keys }] = (await once(child, 'message')) as [Server];
  const usage = async () => {
    child.send('memory');
    return ((await once(child, 'message')) as [Usage])[0];
  };
  try {
    await measure({ session: () => connect(`https://127.0.0.1:${port}`, { ...keys, peerMaxConcurrentStreams: 1000 }), usage }, report);
  } finally {
    child.kill();
  }
}

export const apiBench: Bench = { name: 'api', about: 'the API server over HTTP/2: writes, lists, watchers, memory', run };
