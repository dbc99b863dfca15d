// `fairlead up`: start a cluster and stay with it until Ctrl-C, or (--detach) leave it running.
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { contains, prefixOf } from '../../base/net/prefix.ts';
import { addressOf } from '../../base/net/address.ts';
import type { ClusterDescription } from '../config/cluster-description.ts';
import { ConfigError, readConfig } from '../config/read-config.ts';
import type { Parts, RunningCluster } from './parts.ts';
import { type ClusterFolder, clusterFolder, clusterNames, forgetProcess, readDescription, recordProcess, runningProcess, writeDescription } from './cluster-folder.ts';
import { CommandError } from './command-error.ts';
import { createProgress } from './progress.ts';

export interface UpOptions {
  name?: string;
  nodes?: number;
  config?: string;
  kubeconfig?: string;
  data: string;
  detach?: boolean;
}

export async function up(options: UpOptions, parts: Parts): Promise<void> {
  const description = describe(options);
  const folder = clusterFolder(options.data, description.name);
  const running = runningProcess(folder);
  if (running) {
    throw new CommandError(
      `cluster ${folder.name} already runs (process ${running.pid}); use it with: fairlead kubectl --name ${folder.name} get nodes\nor end it first: fairlead down --name ${folder.name}`,
    );
  }
  if (options.detach) return detach(folder, options);
  writeDescription(folder, description);
  recordProcess(folder);
  const cluster = await start(description, folder, parts);
  if (options.kubeconfig) copyFileSync(folder.kubeconfig, options.kubeconfig);
  const summary = printSummary(description, folder, cluster);
  recordProcess(folder, { server: cluster.server, summary });
  console.log(summary);
  await stopSignal();
  console.error(`\nending cluster ${folder.name} …`);
  await cluster.close();
  forgetProcess(folder);
}

async function start(description: ClusterDescription, folder: ClusterFolder, parts: Parts): Promise<RunningCluster> {
  const progress = createProgress();
  try {
    const cluster = await parts.startCluster(description, folder, (about) => progress.step(about));
    progress.done(`cluster ${folder.name} is up`);
    return cluster;
  } catch (error) {
    progress.failed();
    forgetProcess(folder);
    throw error;
  }
}

/** A cluster that was there before keeps its description; config and flags make or change one. */
function describe(options: UpOptions): ClusterDescription {
  const overrides = { name: options.name, nodes: options.nodes };
  const known = readDescription(clusterFolder(options.data, options.name ?? 'default'));
  if (known && !options.config && (options.nodes === undefined || options.nodes === known.nodes.length)) return known;
  const source = options.config === undefined ? { file: '(defaults)', text: '' } : { file: options.config, text: readText(options.config) };
  try {
    return readConfig(source, { ...overrides, subnet: freeSubnet(options.data) });
  } catch (error) {
    if (error instanceof ConfigError) throw new CommandError(error.message);
    throw error;
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    // A wrong path is the commonest mistake of all: say it plainly.
    throw new CommandError(`cannot read the config file ${file}: ${(error as Error).message}`);
  }
}

/** The first 172.30.N.0/24 that neither another cluster nor an interface of this machine uses. */
function freeSubnet(data: string): number {
  const taken = clusterNames(data).flatMap((name) => readDescription(clusterFolder(data, name))?.nodeCIDRs ?? []);
  const own = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map((each) => each.address));
  for (let subnet = 0; subnet < 256; subnet++) {
    const cidr = `172.30.${subnet}.0/24`;
    const used = own.some((address) => !address.includes('%') && contains(prefixOf(cidr), addressOf(address)));
    if (!taken.includes(cidr) && !used) return subnet;
  }
  throw new CommandError('every 172.30.N.0/24 is in use; give nodeCIDRs in a config file');
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
}

/** Runs the same command in the background and waits until it answers, or says why it did not. */
async function detach(folder: ClusterFolder, options: UpOptions): Promise<void> {
  mkdirSync(folder.path, { recursive: true, mode: 0o700 });
  const log = openSync(folder.log, 'w', 0o600);
  const args = process.argv.slice(1).filter((arg) => arg !== '--detach' && arg !== '-d');
  const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', log, log] });
  const exited = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
  for (;;) {
    const code = await Promise.race([exited, sleep(20)]);
    if (typeof code === 'number') throw new CommandError(`the cluster did not start:\n${readFileSync(folder.log, 'utf8').trim()}`);
    const running = runningProcess(clusterFolder(options.data, folder.name));
    if (running?.summary) {
      console.log(running.summary);
      break;
    }
  }
  child.unref();
}

function printSummary(description: ClusterDescription, folder: ClusterFolder, cluster: RunningCluster): string {
  const named = folder.name === 'default' ? '' : ` --name ${folder.name}`;
  const nodes = description.nodes.map((node) => `${node.name} ${node.addresses.join(' ')}`);
  return [
    '',
    `API server     ${cluster.server}`,
    `nodes          ${nodes[0]}`,
    ...nodes.slice(1).map((line) => `               ${line}`),
    `pods           ${description.podCIDRs.join(' ')}`,
    `services       ${description.serviceCIDRs.join(' ')}, DNS ${cluster.dnsAddress} for ${description.domain}`,
    `load balancers ${description.loadBalancerCIDRs.join(' ') || 'no pool'}`,
    ...(description.ingress ? [`ingress        ports 80 and 443 of the workers, IngressClass fairlead`] : []),
    `kubeconfig     ${folder.kubeconfig}`,
    '',
    'Try:',
    `  fairlead kubectl${named} get pods -A`,
    `  export KUBECONFIG=${folder.kubeconfig}; kubectl create deployment web --image=any --replicas=3 --port=8080`,
    `  kubectl expose deployment web --port=80 --target-port=8080 --type=LoadBalancer; kubectl get service web`,
    `  fairlead down${named}        (or Ctrl-C here)`,
    '',
  ].join('\n');
}
