// Many Services by the way a node takes: snapshot → model → ruleset → kernel, cold and for one change, while a stream
// of packets goes through the node and tells how long it was held up; and connections to one of them.
// The peer is the rule shape of kube-proxy, loaded with nft; at 1,000 Services, because 10,000 take it minutes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { endpointSliceKind } from '../../src/kube/kinds/endpoint-slice.ts';
import { serviceKind } from '../../src/kube/kinds/service.ts';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import type { Kind } from '../../src/kube/kinds/kind.ts';
import { snapshotOf, stateOf, withObject } from '../../src/kube/store/state.ts';
import { objectKey } from '../../src/kube/store/store.ts';
import { createCompiler } from '../../src/model/compile.ts';
import { createFlowRenderer } from '../../src/node/dataplane/render-flows.ts';
import { createRenderer, TABLE } from '../../src/node/dataplane/render.ts';
import { conntrackDriver } from '../../src/node/linux/conntrack-driver.ts';
import { createNetlinkRulesetDriver } from '../../src/node/linux/ruleset-netlink.ts';
import { homeNamespace } from '../../src/node/netlink/namespaces.ts';
import { type Bench, quantile, type Report } from './figure.ts';
import { peerChange, peerRules } from './kube-proxy-shape.ts';
import { clusterIp, manyServices, podIp, scope, service, slice } from './many-services.ts';
import { createNodePath } from './node-path.ts';

const changes = 200;
const wholes = 20;
const kind = endpointSliceKind as Kind;
/** Pod numbers that no slice of the start holds. */
const firstFree = 1_000_000;

interface Measured {
  coldMs: number;
  coldCpuMs: number;
  changesMs: readonly number[];
  /** A Service that comes, and one that goes, with its slice. */
  wholeMs: readonly number[];
  partsMs: Readonly<Record<string, number>>;
  kernelMb: number;
  processMb: number;
  loadPauseMs: number;
  changesPauseMs: number;
  connectsPerSecond: number;
}

interface Size {
  services: number;
  endpoints: number;
}

async function measure({ services, endpoints }: Size): Promise<Measured> {
  let state = stateOf(1, manyServices(services, endpoints));
  const path = await createNodePath(endpoints);
  collectGarbage();
  const kernelBefore = kernelMemoryMb();
  const processBefore = process.memoryUsage.rss();
  const turn = createTurn();
  const cpuBefore = process.cpuUsage();
  const load = await path.during(() => turn.take(snapshotOf(state)));
  const { user, system } = process.cpuUsage(cpuBefore);
  collectGarbage();
  const memory = { kernelMb: kernelMemoryMb() - kernelBefore, processMb: (process.memoryUsage.rss() - processBefore) / 1e6 };
  const put = (of: Kind, object: KubeObject, gone = false) =>
    (state = withObject(state, state.revision + 1, { kind: of, key: objectKey(object), ...(!gone && { object }) }));
  const timed = async (change: () => void): Promise<number> => {
    const start = performance.now();
    change();
    await turn.take(snapshotOf(state));
    return performance.now() - start;
  };
  const changed = await path.during(async () => {
    const tookMs: number[] = [];
    for (let change = 0; change < changes; change++) {
      // Not the first: its endpoints are asked later.
      const object = slice(1 + ((change * 7919) % (services - 1)), endpoints, firstFree + change);
      tookMs.push(await timed(() => put(kind, object)));
    }
    return tookMs;
  });
  const wholeMs: number[] = [];
  for (let extra = services; extra < services + wholes; extra++) {
    for (const gone of [false, true]) {
      wholeMs.push(await timed(() => {
        put(serviceKind as Kind, service(extra), gone);
        put(kind, slice(extra, endpoints), gone);
      }));
    }
  }
  const connectsPerSecond = await path.connectsPerSecond(clusterIp(256), 80);
  await turn.close();
  await path.close();
  return {
    coldMs: sum(Object.values(load.result)), coldCpuMs: (user + system) / 1000, changesMs: changed.result, wholeMs, partsMs: load.result, ...memory,
    loadPauseMs: load.pauses.longestMs, changesPauseMs: changed.pauses.longestMs, connectsPerSecond,
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** What the agent does at each turn, with the time of each part. */
function createTurn() {
  const compile = createCompiler(scope);
  const render = createRenderer();
  const renderFlows = createFlowRenderer();
  const driver = createNetlinkRulesetDriver(homeNamespace, TABLE);
  const connections = conntrackDriver(homeNamespace);
  return {
    async take(seen: ReturnType<typeof snapshotOf>): Promise<Record<string, number>> {
      const start = performance.now();
      const model = compile(seen);
      const compiled = performance.now();
      const ruleset = render(model);
      const rendered = performance.now();
      await driver.apply(ruleset);
      await connections.apply(renderFlows(model));
      return { compile: compiled - start, render: rendered - compiled, kernel: performance.now() - rendered };
    },
    async close(): Promise<void> {
      await driver.remove();
      driver.close();
    },
  };
}

function collectGarbage(): void {
  globalThis.gc?.();
}

/** Of the whole machine, hence blurred by others; nf_tables keeps its sets in slabs and vmalloc. */
function kernelMemoryMb(): number {
  const lines = new Map(readFileSync('/proc/meminfo', 'utf8').split('\n').map((line) => line.split(/:\s+/) as [string, string]));
  return sum(['Slab', 'VmallocUsed', 'Percpu'].map((name) => Number.parseInt(lines.get(name) ?? '0', 10))) / 1000;
}

async function loadText(script: string): Promise<number> {
  const start = performance.now();
  const nft = spawn('nft', ['-f', '-'], { stdio: ['pipe', 'inherit', 'inherit'] });
  nft.stdin.end(script);
  const [code] = await once(nft, 'close');
  if (code !== 0) throw new Error(`nft ended with ${code}`);
  return performance.now() - start;
}

interface PeerMeasured {
  coldMs: number;
  changesMs: readonly number[];
  connectsPerSecond: number;
}

async function measurePeer({ services, endpoints }: Size): Promise<PeerMeasured> {
  const path = await createNodePath(endpoints);
  const coldMs = await loadText(peerRules(services, endpoints));
  const connectsPerSecond = await path.connectsPerSecond(clusterIp(256), 80);
  const changesMs: number[] = [];
  for (let change = 0; change < (services < 100 ? 0 : 20); change++) changesMs.push(await loadText(peerChange((change * 79) % services, endpoints, firstFree + change)));
  await loadText('delete table inet peer\n');
  await path.close();
  return { coldMs, changesMs, connectsPerSecond };
}

/** Without any rules: what the machine itself needs, and how long it stops a stream when nothing is loaded. */
async function measureBare(): Promise<{ connectsPerSecond: number; pauseMs: number }> {
  const path = await createNodePath(10);
  const connectsPerSecond = await path.connectsPerSecond(podIp(1), 8080);
  const { pauses } = await path.during(() => new Promise((resolve) => setTimeout(resolve, 1500)));
  await path.close();
  return { connectsPerSecond, pauseMs: pauses.longestMs };
}

const peerName = 'kube-proxy’s shape';

/** The one the aims are about. */
const isAimed = ({ services, endpoints }: Size): boolean => services === 10_000 && endpoints === 10;

function tell(figure: Report['figure'], size: Size, measured: Measured, bare: { pauseMs: number }): void {
  const about = `${size.services.toLocaleString('en')} × ${size.endpoints}`;
  const aim = (atMost: number) => (isAimed(size) ? { aim: { atMost } } : {});
  const parts = Object.entries(measured.partsMs).map(([part, ms]) => `${part} ${Math.round(ms)}`);
  figure({ about: `${about}: load`, value: measured.coldMs / 1000, unit: 's', ...aim(0.5), note: `ms: ${parts.join(', ')}; CPU of all threads ${Math.round(measured.coldCpuMs)}` });
  figure({ about: `${about}: one change, median`, value: quantile(measured.changesMs, 0.5), unit: 'ms', ...aim(1) });
  figure({ about: `${about}: one change, p99`, value: quantile(measured.changesMs, 0.99), unit: 'ms', ...aim(5) });
  figure({ about: `${about}: a whole Service comes or goes, median`, value: quantile(measured.wholeMs, 0.5), unit: 'ms' });
  figure({ about: `${about}: longest forwarding stall, load`, value: measured.loadPauseMs, unit: 'ms', ...aim(5), note: `${bare.pauseMs.toPrecision(2)} ms when nothing is loaded` });
  figure({ about: `${about}: longest forwarding stall, changes`, value: measured.changesPauseMs, unit: 'ms', ...aim(5) });
  figure({ about: `${about}: memory of the process`, value: measured.processMb, unit: 'MB', note: 'model and ruleset' });
  figure({ about: `${about}: memory of the kernel`, value: measured.kernelMb, unit: 'MB', note: 'of the whole machine: blurred by others' });
}

const sizes: readonly Size[] = [
  { services: 1000, endpoints: 10 },
  { services: 10_000, endpoints: 10 },
  { services: 50_000, endpoints: 10 },
  { services: 5000, endpoints: 50 },
];

async function run({ figure, say }: Report): Promise<void> {
  say('without rules');
  const bare = await measureBare();
  const found = new Map<string, Measured>();
  for (const size of sizes) {
    say(`${size.services} Services × ${size.endpoints} endpoints`);
    const measured = await measure(size);
    found.set(`${size.services}`, measured);
    tell(figure, size, measured, bare);
  }
  say(`beside ${peerName}, 10 and 1,000 Services (10,000 take it minutes)`);
  const few = await measure({ services: 10, endpoints: 10 });
  const [fewPeer, manyPeer] = [await measurePeer({ services: 10, endpoints: 10 }), await measurePeer({ services: 1000, endpoints: 10 })];
  const thousand = found.get('1000')!;
  const note = 'kernel part of the peer only: its text is made beforehand';
  figure({ about: '1,000 × 10: load beside the peer', value: thousand.coldMs / 1000, unit: 's', peer: { name: peerName, value: manyPeer.coldMs / 1000 }, note });
  figure({ about: '1,000 × 10: one change beside the peer, median', value: quantile(thousand.changesMs, 0.5), unit: 'ms', peer: { name: peerName, value: quantile(manyPeer.changesMs, 0.5) }, note });
  figure({ about: 'connections, direct, no rules', value: bare.connectsPerSecond, unit: '/s' });
  figure({ about: 'connections to a cluster IP, 10 Services', value: few.connectsPerSecond, unit: '/s', peer: { name: peerName, value: fewPeer.connectsPerSecond } });
  figure({ about: 'connections to a cluster IP, 10,000 Services', value: found.get('10000')!.connectsPerSecond, unit: '/s', peer: { name: `${peerName}, 1,000`, value: manyPeer.connectsPerSecond } });
}

export const servicesBench: Bench = { name: 'services', about: 'Services in the kernel: load, one change, stalls, memory, connections', run };
