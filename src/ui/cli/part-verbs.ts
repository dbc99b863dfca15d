// The verbs that run one part of Fairlead by itself, against any cluster: proxy, dns, gateway.
import { hostname } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseAddress } from '../../base/net/address.ts';
import { parsePrefix } from '../../base/net/prefix.ts';
import type { SocketAddress } from '../../base/run/sockets.ts';
import { type KeptSources, primaryAddresses } from '../../model/network-model.ts';
import { type ProxyMode, proxyModes } from '../config/cluster-description.ts';
import { CommandError } from './command-error.ts';
import { type ConntrackFlags, conntrackOptions, conntrackSettings } from './conntrack-flags.ts';
import { parseDuration, parseDurationOrNone } from './duration-flag.ts';
import { examples, type Parts, type RunningPart } from './parts.ts';
import { stopSignal } from './stop-signal.ts';

export function addPartVerbs(program: Command, parts: Parts): void {
  addProxy(program, parts);
  addDns(program, parts);
  addGateway(program, parts);
}

function parsePrefixes(text: string): readonly string[] {
  const list = text.split(',').map((each) => each.trim()).filter((each) => each !== '');
  const wrong = list.find((each) => !parsePrefix(each));
  if (wrong !== undefined) throw new InvalidArgumentError(`${JSON.stringify(wrong)} is no address range such as 10.0.0.0/8.`);
  return list;
}

const parseNodePortAddresses = (text: string): readonly string[] => (text.trim() === primaryAddresses ? [primaryAddresses] : parsePrefixes(text));

/** `10.0.0.1:80`, `[::]:80`, `:80` (all addresses); '' = not served. */
function parseSocket(text: string): SocketAddress | undefined {
  if (text === '') return undefined;
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d+)$/.exec(text) ?? [];
  const address = bracketed ?? (plain || '0.0.0.0');
  if (port === undefined || Number(port) > 65_535 || !parseAddress(address)) throw new InvalidArgumentError('must be ADDRESS:PORT, [IPV6]:PORT or :PORT.');
  return { address, port: Number(port) };
}

const statusOption = (port: number) =>
  new Option('--status-bind-address <address>', 'where /healthz, /readyz and /metrics are served; empty: nowhere').argParser(parseSocket).default({ address: '0.0.0.0', port }, `0.0.0.0:${port}`);

const kubeconfigOption = () => new Option('--kubeconfig <file>', 'how to reach the API server').env('KUBECONFIG');

function required(kubeconfig: string | undefined): string {
  if (kubeconfig !== undefined) return kubeconfig;
  throw new CommandError('say how to reach the API server: --kubeconfig FILE, or KUBECONFIG in the environment', 2);
}

/** Another process has the port, or it is not ours to take: nothing that a stack would explain. */
function explainListening(error: NodeJS.ErrnoException): never {
  if (error.syscall !== 'listen' && error.syscall !== 'bind') throw error;
  throw new CommandError(`cannot listen: ${error.message}`);
}

/** Serves until a signal; what stands in the kernel stays. */
async function serve(start: Promise<RunningPart>): Promise<void> {
  const stop = stopSignal();
  const part = await start.catch(explainListening);
  const begun = part.begun.then(() => console.error(`serving ${part.about}`));
  await Promise.race([stop, begun.then(() => stop)]);
  await part.close();
}

interface ProxyFlags extends ConntrackFlags {
  kubeconfig?: string;
  cleanup?: boolean;
  node: string;
  proxyMode: ProxyMode;
  clusterCidr: readonly string[];
  serviceCidr: readonly string[];
  nodeportAddresses: readonly string[];
  healthzBindAddress?: SocketAddress;
  metricsBindAddress?: SocketAddress;
  syncPeriod: number;
  minSyncPeriod: number;
  detectLocalMode: 'NodeCIDR' | 'ClusterCIDR';
  masqueradeAll?: boolean;
  policies?: boolean;
  skipKernelCheck?: boolean;
}

const list = (flag: string, about: string) => new Option(`--${flag} <prefixes>`, about).argParser(parsePrefixes).default([], 'none');

function keptSources({ detectLocalMode, masqueradeAll }: ProxyFlags): KeptSources | undefined {
  if (masqueradeAll) return 'nobody';
  return detectLocalMode === 'ClusterCIDR' ? 'cluster pods' : undefined;
}

function addProxy(program: Command, parts: Parts): void {
  const proxy = program
    .command('proxy')
    .description('serve the Services of any cluster on this node, in the network namespace it is started in')
    .addOption(kubeconfigOption())
    .addOption(new Option('--node <name>', 'the Node object of this machine').default(hostname().toLowerCase(), 'its host name'))
    .addOption(new Option('--proxy-mode <mode>', 'the language of the rules; iptables is for tools that read them').choices(proxyModes).default('nftables'))
    .addOption(list('cluster-cidr', 'the pods’ ranges, where Node objects do not say them'))
    .addOption(list('service-cidr', 'the Services’ ranges, where the cluster has no ServiceCIDR objects'))
    .addOption(new Option('--nodeport-addresses <prefixes>', 'node ports answer on own addresses inside these only; primary: on those of the Node object').argParser(parseNodePortAddresses).default([], 'all'))
    .addOption(new Option('--metrics-bind-address <address>', 'where /metrics is served; empty: nowhere').argParser(parseSocket).default({ address: '127.0.0.1', port: 10_249 }, '127.0.0.1:10249'))
    .addOption(new Option('--healthz-bind-address <address>', 'where /healthz and /livez are served; empty: nowhere').argParser(parseSocket).default({ address: '0.0.0.0', port: 10_256 }, '0.0.0.0:10256'))
    .addOption(new Option('--sync-period <duration>', 'how often to look whether others have changed the rules').argParser(parseDuration).default(30_000, '30s'))
    .addOption(new Option('--min-sync-period <duration>', 'follow changes at most so often; two may come at once').argParser(parseDurationOrNone).default(0, '0s'))
    .addOption(new Option('--detect-local-mode <mode>', 'which clients of a cluster IP are pods that keep their address: those in the pod range of this node’s Node object, or in any pod range').choices(['NodeCIDR', 'ClusterCIDR']).default('NodeCIDR'))
    .option('--masquerade-all', 'endpoints see the node’s address for every client')
    .option('--policies', 'enforce NetworkPolicies, too')
    .option('--skip-kernel-check', 'start on a kernel older than 5.13 all the same')
    .option('--cleanup', 'take away what it has made in this network namespace, and end')
    .addHelpText('after', examples('fairlead proxy --kubeconfig /etc/kubernetes/proxy.conf --node worker1', 'fairlead proxy --kubeconfig proxy.conf --cluster-cidr 10.244.0.0/16 --sync-period 10s', 'fairlead proxy --cleanup'))
    .action(async (flags: ProxyFlags) => {
      if (flags.cleanup) return parts.cleanUpProxy();
      const { node, proxyMode: mode, clusterCidr, serviceCidr, nodeportAddresses, healthzBindAddress, metricsBindAddress, syncPeriod, policies = false } = flags;
      const keepsSourceOf = keptSources(flags);
      const at = { ...(healthzBindAddress && { healthAt: healthzBindAddress }), ...(metricsBindAddress && { metricsAt: metricsBindAddress }) };
      const ranges = { clusterCIDRs: clusterCidr, serviceCIDRs: serviceCidr, nodePortAddresses: nodeportAddresses };
      const { skipKernelCheck: skipsKernelCheck = false, minSyncPeriod: minSyncPeriodMs } = flags;
      if (minSyncPeriodMs > syncPeriod) throw new CommandError('--min-sync-period must not be longer than --sync-period', 2);
      await serve(parts.startProxy({ kubeconfig: required(flags.kubeconfig), node, mode, ...ranges, ...at, ...(keepsSourceOf && { keepsSourceOf }), syncPeriodMs: syncPeriod, minSyncPeriodMs, policies, skipsKernelCheck, conntrack: conntrackSettings(flags) }));
    });
  for (const option of conntrackOptions) proxy.addOption(option);
}

interface DnsFlags {
  kubeconfig?: string;
  domain: string;
  clusterCidr: readonly string[];
  serviceCidr: readonly string[];
  bindAddress: SocketAddress | undefined;
  statusBindAddress: SocketAddress | undefined;
}

function addDns(program: Command, parts: Parts): void {
  program
    .command('dns')
    .description('answer the names of any cluster, and forward all others to the resolvers of this machine')
    .addOption(kubeconfigOption())
    .option('--domain <domain>', 'the cluster’s DNS domain', 'cluster.local')
    .addOption(list('cluster-cidr', 'the pods’ ranges, for reverse names'))
    .addOption(list('service-cidr', 'the Services’ ranges, for reverse names'))
    .addOption(new Option('--bind-address <address>', 'where to answer, over UDP and TCP').argParser(parseSocket).default({ address: '0.0.0.0', port: 53 }, '0.0.0.0:53'))
    .addOption(statusOption(9153))
    .addHelpText('after', examples('fairlead dns --kubeconfig dns.conf', 'fairlead dns --kubeconfig dns.conf --bind-address 10.0.0.2:53 --domain example.internal'))
    .action(async ({ kubeconfig, domain, clusterCidr, serviceCidr, bindAddress, statusBindAddress: statusAt }: DnsFlags) => {
      const listenAt = bindAddress ? [bindAddress] : [];
      await serve(parts.startDns({ kubeconfig: required(kubeconfig), domain, clusterCIDRs: clusterCidr, serviceCIDRs: serviceCidr, listenAt, statusAt }));
    });
}

function addGateway(program: Command, parts: Parts): void {
  program
    .command('gateway')
    .description('serve the Ingresses of any cluster whose class names controller fairlead.dev/ingress')
    .addOption(kubeconfigOption())
    .addOption(statusOption(10_254))
    .addHelpText('after', examples('fairlead gateway --kubeconfig gateway.conf', 'KUBECONFIG=gateway.conf fairlead gateway'))
    .action(async ({ kubeconfig, statusBindAddress: statusAt }: Pick<DnsFlags, 'kubeconfig' | 'statusBindAddress'>) => serve(parts.startGateway({ kubeconfig: required(kubeconfig), statusAt })));
}
