// `fairlead up`: start a cluster and stay with it until Ctrl-C, or (--detach) leave it running.
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterDescription } from '../config/cluster-description.ts';
import { ConfigError, readConfig } from '../config/read-config.ts';
import type { Parts, RunningCluster } from './parts.ts';
import { type ClusterFolder, clusterFolder, clusterNames, forgetProcess, readDescription, recordProcess, runningProcess, writeDescription } from './cluster-folder.ts';
import { CommandError } from './command-error.ts';
import { createProgress } from './progress.ts';
import { stopSignal } from './stop-signal.ts';

export interface UpOptions {
  name?: string;
  nodes?: number;
  config?: string;
  kubeconfig?: string;
  data: string;
  detach?: boolean;
}

export async function up(options: UpOptions, parts: Parts): Promise<void> {
  const description = await describe(options, parts);
  const folder = clusterFolder(options.data, description.name);
  const running = runningProcess(folder);
  if (running) {
    throw new CommandError(
      `cluster ${folder.name} already runs (process ${running.pid}); use it with: fairlead kubectl --name ${folder.name} get nodes\nor end it first: fairlead down --name ${folder.name}`,
    );
  }
  await refuseObstacles(description, folder, parts);
  if (options.detach) return detach(folder, options);
  // From here on Ctrl-C means: take down what stands. Who presses it again ends the program at once; `down` sweeps then.
  const stop = stopSignal();
  writeDescription(folder, description);
  recordProcess(folder);
  const cluster = await start(description, folder, parts);
  if (options.kubeconfig) copyFileSync(folder.kubeconfig, options.kubeconfig);
  const summary = printSummary(description, folder, cluster);
  recordProcess(folder, { server: cluster.server, summary });
  console.log(summary);
  await stop;
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
async function describe(options: UpOptions, parts: Parts): Promise<ClusterDescription> {
  const overrides = { name: options.name, nodes: options.nodes };
  const name = options.name ?? 'default';
  const known = readDescription(clusterFolder(options.data, name));
  if (known && !options.config && (options.nodes === undefined || options.nodes === known.nodes.length)) return known;
  const source = options.config === undefined ? { file: '(defaults)', text: '' } : { file: options.config, text: readText(options.config) };
  try {
    const description = readConfig(source, overrides);
    // Where the file says where the nodes are, its word counts, and no range of ours need be free.
    const isDefault = description.nodeCIDRs[0] === defaultNodeRange(0);
    return isDefault ? readConfig(source, { ...overrides, subnet: await freeSubnet(options.data, name, parts) }) : description;
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

const defaultRange = '172.30.0.0/16';
const defaultNodeRange = (subnet: number) => `172.30.${subnet}.0/24`;

/** Of 172.30.N.0/24 the first N that neither another cluster nor any route of this machine uses. */
async function freeSubnet(data: string, name: string, parts: Parts): Promise<number> {
  const others = clusterNames(data).filter((each) => each !== name);
  const taken = others.flatMap((each) => readDescription(clusterFolder(data, each))?.nodeCIDRs ?? []);
  const range = await parts.freeNodeRange(defaultRange, 24, taken);
  if (range === undefined) throw new CommandError(`other clusters or routes of this machine use all of ${defaultRange}; give another range in a config file, ${example}`);
  return Number(range.split('.')[2]);
}

const example = 'e.g.\n  nodeCIDRs: [10.123.0.0/24, "fd00:10:123::/64"]\nand start with: fairlead up --config FILE';

/** Before anything is built: what the machine's own network would not survive, or what could never work. */
async function refuseObstacles(description: ClusterDescription, folder: ClusterFolder, parts: Parts): Promise<void> {
  const { mistakes, conflicts } = await parts.findObstacles(description);
  if (mistakes.length + conflicts.length === 0) return;
  const known = readDescription(folder);
  const isOld = known?.nodeCIDRs.join() === description.nodeCIDRs.join();
  const forget = isOld ? `; to let fairlead choose anew, forget the cluster first: fairlead down --name ${folder.name} --delete` : '';
  const since = isOld ? ', chosen at an earlier `up`,' : '';
  if (mistakes.length > 0) throw new CommandError(`cluster ${folder.name} cannot be built:\n  ${mistakes.join('\n  ')}\nchange the config file${forget}`);
  throw new CommandError(
    `the network of cluster ${folder.name}${since} collides with this machine's:\n  ${conflicts.join('\n  ')}\ngive other ranges (nodeCIDRs, loadBalancerCIDRs) in a config file, ${example}${forget}`,
  );
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
