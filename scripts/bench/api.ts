// The API server as clients meet it: TLS and HTTP/2, durable writes, large lists in both encodings, a thousand watchers,
// and what an object costs in memory; on SQLite, and on etcd. The server is a process of its own; the clients are in this one.
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { startEtcd } from '../../test/e2e/running-etcd.ts';
import { ask, type Ground, maps, startGround } from './api-ask.ts';
import { measureFanOut } from './api-fan-out.ts';
import { type Bench, quantile, type Report } from './figure.ts';
import { scratch } from './sandbox.ts';
import { protobuf } from './watch-reader.ts';

const writers = 64;
const listedPods = 5000;
const pods = '/api/v1/namespaces/many/pods';

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

async function measureWrites(ground: Ground, { figure, say }: Report, store: string): Promise<void> {
  const session = ground.session();
  const write = (from: number) => (number: number) => ask(session, 'POST', maps, { body: map(`map-${from + number}`, number) });
  await perSecond(2000, (number) => ask(session, 'POST', maps, { body: map(`warm-${number}`, 0) }));
  say('writes');
  const start = await ground.usage('memory');
  const first = await perSecond(5000, write(0));
  const { cpuUs } = await ground.usage('cpu');
  figure({ about: 'CPU time of one create', value: (cpuUs - start.cpuUs) / 5000, unit: 'µs', note: 'of the server, whatever else the machine does' });
  figure({ about: 'durable creates, 64 writers', value: first, unit: '/s', aim: { atLeast: 3000 }, note: `${store}, HTTP/2 over TLS` });
  figure({ about: 'durable updates, 64 writers', value: await perSecond(5000, (number) => ask(session, 'PUT', `${maps}/map-${number}`, { body: map(`map-${number}`, -1) })), unit: '/s' });
  say('memory with 50,000 objects');
  await perSecond(40_000, write(5000));
  const last = await perSecond(5000, write(45_000));
  const end = await ground.usage('memory');
  figure({ about: 'memory, one small object', value: (end.bytes - start.bytes) / 50_000 / 1024, unit: 'KB', aim: { atMost: 4 }, note: '50,000 ConfigMaps, heap and buffers' });
  figure({ about: 'creates with 50,000 objects : with 5,000', value: first / last, unit: '×', note: 'cost of one as the number grows ×10' });
  session.destroy();
}

async function measureLists(ground: Ground, { figure }: Report): Promise<void> {
  const session = ground.session();
  await perSecond(listedPods, (number) => ask(session, 'POST', pods, { body: pod(`pod-${number}`) }));
  for (const [word, accept] of [['JSON', 'application/json'], ['protobuf', protobuf]] as const) {
    const { ms, bytes } = await medianMs(10, () => ask(session, 'GET', pods, { accept }));
    figure({ about: `list of 5,000 pods, ${word}, median`, value: ms, unit: 'ms', note: `${(bytes / 1e6).toFixed(1)} MB` });
  }
  session.destroy();
}

/** Everything on one store. */
async function measure(store: string, etcd: string | undefined, { figure, say }: Report): Promise<void> {
  const report: Report = { say: (text) => say(`${store}: ${text}`), figure: (one) => figure({ ...one, about: `${store}: ${one.about}` }) };
  const folder = mkdtempSync(join(scratch(), 'server-'));
  const ground = await startGround('api-server.ts', [folder, ...(etcd ? [etcd] : [])]);
  try {
    await measureWrites(ground, report, store);
    report.say('watchers');
    await measureFanOut(ground, folder, report);
    report.say('lists');
    await measureLists(ground, report);
  } finally {
    ground.stop();
  }
}

async function measureOnEtcd(report: Report): Promise<void> {
  const { stdout, status } = spawnSync('etcd', ['--version'], { encoding: 'utf8' });
  if (status !== 0) {
    report.figure({ about: 'etcd', value: Number.NaN, unit: '/s', note: 'not measured: no etcd is installed (apt-get install etcd-server)' });
    return;
  }
  const version = /etcd Version: (\S+)/.exec(stdout)?.[1] ?? '';
  const etcd = await startEtcd({ within: scratch() });
  try {
    await measure(`etcd ${version}`, etcd.endpoint, report);
  } finally {
    await etcd.close();
  }
}

async function run(report: Report): Promise<void> {
  await measure('SQLite', undefined, report);
  await measureOnEtcd(report);
}

export const apiBench: Bench = { name: 'api', about: 'the API server over HTTP/2: writes, lists, watchers, memory; on SQLite and on etcd', run };
