// What a TCP connection to a Service costs its client: straight to the pod, by nftables, and balanced when it connects;
// beside 10 and 10,000 Services. Client and server are pods of one node, under the rules that a node has.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { snapshotOf, stateOf } from '../../src/kube/store/state.ts';
import { createCompiler } from '../../src/model/compile.ts';
import type { NetworkModel, ServicePort } from '../../src/model/network-model.ts';
import { connectDriver } from '../../src/node/bpf/connect-driver.ts';
import { membersFile, nodeCgroup, removeCgroups } from '../../src/node/bpf/cgroups.ts';
import { createConnectRenderer } from '../../src/node/bpf/render-connect.ts';
import { createRenderer, TABLE } from '../../src/node/dataplane/render.ts';
import { podSysctls } from '../../src/node/linux/namespace-sysctls.ts';
import { attachPod } from '../../src/node/linux/pod-link.ts';
import { createNetlinkRulesetDriver } from '../../src/node/linux/ruleset-netlink.ts';
import { createMachine, removeMachine } from '../../src/node/machine/machine.ts';
import { nodeNamespace } from '../../src/node/machine/names.ts';
import { createNamespace, type Netns, removeNamespace } from '../../src/node/netlink/namespaces.ts';
import { type Bench, bestInTurn, type Figure, type Report } from './figure.ts';
import { manyServices, scope } from './many-services.ts';

/** What connect-loop.ts prints. */
interface Loop {
  microseconds: number;
  cpuMicroseconds: number;
}

const cluster = 'bench-connect';
const rounds = 8;
const port = 8080;
const pods = { client: '10.1.200.1', server: '10.1.200.2' } as const;
const front = { address: '10.97.255.1', port: 80 };

const benched: ServicePort = {
  key: 'bench/server:80/tcp/4',
  family: 4,
  protocol: 'TCP',
  virtual: [{ type: 'clusterIP', ...front, localOnly: false }],
  endpoints: [{ address: pods.server, port, node: 'a', local: true, origin: { kind: 'EndpointSlice', name: 'server' } }],
  origin: { kind: 'Service', namespace: 'bench', name: 'server' },
};

function modelOf(services: number): NetworkModel {
  const model = createCompiler(scope)(snapshotOf(stateOf(1, manyServices(services, 10))));
  return { ...model, services: new Map([...model.services, [benched.key, benched]]) };
}

interface Town {
  readonly node: Netns;
  readonly client: Netns;
  readonly server: Netns;
}

function build(): Town {
  createMachine({ cluster, subnets: ['172.30.0.0/24'], nodes: [{ name: 'a', addresses: ['172.30.0.1'] }] });
  const node = nodeNamespace(cluster, 'a');
  const pod = (name: keyof typeof pods): Netns => {
    const podNs = createNamespace(`${cluster}-${name}`, podSysctls);
    attachPod(node, { podNs, name, ips: [pods[name]] });
    return podNs;
  };
  return { node, client: pod('client'), server: pod('server') };
}

/** The shell that joins the group becomes the loop. */
function startLoop(namespace: Netns, words: readonly string[], cgroup?: string) {
  const join = cgroup === undefined ? '' : `echo 0 > ${membersFile(cgroup)} && `;
  const loop = ['nsenter', `--net=${namespace.path}`, process.execPath, `${import.meta.dirname}/connect-loop.ts`, ...words];
  return spawn('sh', ['-c', `${join}exec "$@"`, 'sh', ...loop], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function askLoop(...wish: Parameters<typeof startLoop>): Promise<Loop> {
  const child = startLoop(...wish);
  const [printed, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  if (code !== 0) throw new Error(`the client ended with ${code ?? 'a signal'}`);
  return JSON.parse(printed) as Loop;
}

const better = (a: Loop, b: Loop): Loop => ({ microseconds: Math.min(a.microseconds, b.microseconds), cpuMicroseconds: Math.min(a.cpuMicroseconds, b.cpuMicroseconds) });

async function measure(services: number, { node, client }: Town, { figure, say }: Report): Promise<void> {
  const model = modelOf(services);
  const rules = createNetlinkRulesetDriver(node, TABLE);
  await rules.apply(createRenderer()(model));
  const cgroup = nodeCgroup(cluster, 'a') ?? '';
  const balancing = connectDriver(cgroup);
  const { tookMs } = await balancing.apply(createConnectRenderer()(model));
  const to = (address: string, number: number, group?: string) => () => askLoop(client, ['connect', address, String(number)], group);
  say(`${services.toLocaleString('en')} Services: ${rounds} rounds of each way in turn`);
  const [direct, translated, balanced] = (await bestInTurn(rounds, [to(pods.server, port), to(front.address, front.port), to(front.address, front.port, cgroup)], better)) as [Loop, Loop, Loop];
  await balancing.remove();
  await rules.remove();
  rules.close();
  for (const each of figures(services, direct, { nftables: translated, 'connect-time': balanced })) figure(each);
  figure({ about: `${services.toLocaleString('en')} Services × 10: programs and maps loaded`, value: tookMs, unit: 'ms' });
}

const within = 1.03;

function* figures(services: number, direct: Loop, ways: Readonly<Record<string, Loop>>): Iterable<Figure> {
  const size = `${services.toLocaleString('en')} Services`;
  for (const [way, { microseconds, cpuMicroseconds }] of Object.entries(ways)) {
    const aim = way === 'connect-time' ? { aim: { atMost: direct.microseconds * within } } : {};
    const note = `CPU ${cpuMicroseconds.toFixed(1)} µs, direct ${direct.cpuMicroseconds.toFixed(1)} µs`;
    yield { about: `${size}: connect by ${way}`, value: microseconds, unit: 'µs', peer: { name: 'direct', value: direct.microseconds }, note, ...aim };
  }
}

async function run(report: Report): Promise<void> {
  const town = build();
  const server = startLoop(town.server, ['accept', pods.server, String(port)]);
  await once(server.stdout, 'data');
  try {
    for (const services of [10, 10_000]) await measure(services, town, report);
  } finally {
    server.kill('SIGKILL');
    removeMachine(cluster);
    for (const namespace of [town.client, town.server]) removeNamespace(namespace);
    removeCgroups(cluster);
  }
}

export const connectBench: Bench = { name: 'connect', about: 'one TCP connection to a Service: direct, by nftables, balanced when it connects', run };
