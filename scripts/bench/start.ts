// From the start of the process to an API that answers, and to a pod that answers another pod by its Service's name;
// then the memory of it all. With and without Node's compile cache, and again on the data of an earlier life.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ApiClient, createApiClient } from '../../src/kube/client/api-client.ts';
import { readKubeconfig } from '../../src/kube/client/kubeconfig.ts';
import type { Pod } from '../../src/kube/objects/core.ts';
import { type Bench, quantile, type Report } from './figure.ts';
import { childrenOf, cpuMs, untilDone } from './processes.ts';
import { scratch } from './sandbox.ts';
import type { Errand } from './start-asker.ts';

const program = join(dirname(dirname(import.meta.dirname)), 'src/main.ts');
const warmRuns = 5;
const pods = 30;
const namespacePath = '/api/v1/namespaces/default';

interface Cluster {
  process: ChildProcess;
  client: ApiClient;
  /** From the start of the process. */
  apiMs: number;
  /** Of the process until then: what a busy machine hardly changes. */
  apiCpuMs: number;
  startedAt: number;
}

async function startCluster(data: string, compileCache: string): Promise<Cluster> {
  const log = openSync(`${data}.log`, 'a');
  const env = { ...process.env, NODE_COMPILE_CACHE: compileCache };
  const startedAt = Date.now();
  const cluster = spawn(process.execPath, [program, 'up', '--data', data], { stdio: ['ignore', log, log], env });
  try {
    const client = await untilDone(() => answeringClient(join(data, 'default/kubeconfig')), 3, 10_000);
    return { process: cluster, client, apiMs: Date.now() - startedAt, apiCpuMs: cpuMs(cluster.pid!), startedAt };
  } catch (error) {
    console.error(readFileSync(`${data}.log`, 'utf8'));
    throw error;
  }
}

/** On old data the kubeconfig of the last life is there from the start; its server does not answer yet. */
async function answeringClient(kubeconfig: string): Promise<ApiClient> {
  const client = createApiClient(readKubeconfig(kubeconfig));
  await client.request<unknown>('GET', '/readyz').catch((error: unknown) => {
    // `ok` is no JSON, and as good an answer.
    if (!(error instanceof SyntaxError)) throw error;
  });
  return client;
}

async function end({ process, client }: Cluster): Promise<void> {
  client.close();
  const ended = once(process, 'exit');
  process.kill('SIGINT');
  await ended;
}

const labels = { app: 'web' };
const container = { name: 'main', image: 'any', ports: [{ containerPort: 8080 }] };
const deployment = (name: string, replicas: number) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [container] } } },
});
const web = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] } };
const asking = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'asking' }, spec: { containers: [{ name: 'main', image: 'any' }] } };

/** Milliseconds from the start of the process to the first answer. The asker must be up already: its start is not ours. */
async function appMs({ client, startedAt }: Cluster, asker: ChildProcess): Promise<number> {
  await Promise.all([
    client.request('POST', '/apis/apps/v1/namespaces/default/deployments', deployment('web', 1)),
    client.request('POST', `${namespacePath}/services`, web),
    // A pod is refused until its namespace has its service account, as in every cluster.
    untilDone(() => client.request('POST', `${namespacePath}/pods`, asking), 3, 1000),
  ]);
  const namespace = await untilDone(async () => podNamespace('asking'), 3, 5000);
  const dns = (await client.request<{ spec: { clusterIP: string } }>('GET', '/api/v1/namespaces/kube-system/services/kube-dns')).spec.clusterIP;
  const errand: Errand = { namespace, dns, host: 'web.default.svc.cluster.local' };
  asker.send(errand);
  const [answeredAt] = (await Promise.race([once(asker, 'message'), timeout(20_000, 'no pod answered by its Service’s name')])) as [number];
  return answeredAt - startedAt;
}

/** A pod's namespace carries its name. */
function podNamespace(name: string): string {
  const found = readdirSync('/run/netns').find((each) => each.includes(name));
  if (!found) throw new Error(`no namespace of pod ${name}`);
  return `/run/netns/${found}`;
}

async function timeout(ms: number, about: string): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, ms).unref());
  throw new Error(`${about} within ${ms / 1000} s`);
}

async function startAsker(): Promise<ChildProcess> {
  const asker = spawn(process.execPath, [join(import.meta.dirname, 'start-asker.ts')], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await once(asker, 'message');
  return asker;
}

/** Proportional set size of the process and all it has started: shared pages are counted once. */
function memoryMb(pid: number): number {
  const file = `/proc/${pid}/smaps_rollup`;
  const own = existsSync(file) ? Number(/^Pss:\s+(\d+)/m.exec(readFileSync(file, 'utf8'))?.[1] ?? 0) / 1000 : 0;
  return childrenOf(pid).reduce((sum, child) => sum + memoryMb(child), own);
}

async function allReady(client: ApiClient, wanted: number): Promise<void> {
  const isReady = ({ status }: Pod): boolean => status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;
  await untilDone(async () => {
    const { items } = await client.request<{ items: Pod[] }>('GET', `${namespacePath}/pods`);
    const ready = items.filter(isReady).length;
    if (ready < wanted) throw new Error(`${ready} of ${wanted} pods are ready`);
  }, 100, 300);
}

async function run({ figure, say }: Report): Promise<void> {
  const folder = scratch();
  const cache = join(folder, 'compile-cache');
  mkdirSync(cache);
  say('cold compile cache');
  const cold = await startCluster(join(folder, 'cold'), cache);
  await end(cold);
  say(`warm compile cache, ${warmRuns} times`);
  const api: number[] = [];
  const cpu: number[] = [];
  const app: number[] = [];
  for (let i = 0; i < warmRuns; i++) {
    const asker = await startAsker();
    const cluster = await startCluster(join(folder, `warm-${i}`), cache);
    api.push(cluster.apiMs);
    cpu.push(cluster.apiCpuMs);
    app.push(await appMs(cluster, asker));
    await end(cluster);
  }
  say(`${pods} pods`);
  // The second life of the last cluster: its certificates and objects are there.
  const cluster = await startCluster(join(folder, `warm-${warmRuns - 1}`), cache);
  await cluster.client.request('POST', '/apis/apps/v1/namespaces/default/deployments', deployment('more', pods - 2));
  await allReady(cluster.client, pods);
  const memory = memoryMb(cluster.process.pid!);
  await end(cluster);
  figure({ about: 'start to API answering, median', value: quantile(api, 0.5) / 1000, unit: 's', aim: { atMost: 0.6 }, note: 'empty data folder, warm compile cache' });
  figure({ about: 'CPU until the API answers, median', value: quantile(cpu, 0.5) / 1000, unit: 's', note: 'all threads of the process' });
  figure({ about: 'start to API answering, first run ever', value: cold.apiMs / 1000, unit: 's', note: 'cold compile cache' });
  figure({ about: 'start to API answering, second life', value: cluster.apiMs / 1000, unit: 's', note: 'certificates and objects are there' });
  figure({ about: 'start to pod answering pod by name, median', value: quantile(app, 0.5) / 1000, unit: 's', aim: { atMost: 2 }, note: 'Deployment, Service, DNS pods and all' });
  figure({ about: `memory, 3 nodes and ${pods} pods`, value: memory, unit: 'MB', aim: { atMost: 250 }, note: 'PSS of all processes' });
}

export const startBench: Bench = { name: 'start', about: 'from nothing to a cluster that answers, and its memory', run };
