// 10,000 Services × 10 endpoints by the way a node takes: snapshot → model → ruleset → kernel, cold and for one change.
// The peer is the rule shape of kube-proxy, loaded with nft; at 1,000 Services, because 10,000 take it minutes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { endpointSliceKind } from '../../src/kube/kinds/endpoint-slice.ts';
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
import { manyServices, scope, slice } from './many-services.ts';

const endpoints = 10;
const changes = 200;
const kind = endpointSliceKind as Kind;
/** Pod numbers that no slice of the start holds. */
const firstFree = 1_000_000;

interface Measured {
  coldMs: number;
  coldCpuMs: number;
  changesMs: readonly number[];
  partsMs: Readonly<Record<string, number>>;
  kernelMb: number;
  processMb: number;
}

async function measure(services: number): Promise<Measured> {
  let state = stateOf(1, manyServices(services, endpoints));
  collectGarbage();
  const kernelBefore = kernelMemoryMb();
  const processBefore = process.memoryUsage.rss();
  const turn = createTurn();
  const cpuBefore = process.cpuUsage();
  const partsMs = await turn.take(snapshotOf(state));
  const { user, system } = process.cpuUsage(cpuBefore);
  collectGarbage();
  const memory = { kernelMb: kernelMemoryMb() - kernelBefore, processMb: (process.memoryUsage.rss() - processBefore) / 1e6 };
  const changesMs: number[] = [];
  for (let change = 0; change < changes; change++) {
    const index = (change * 7919) % services;
    const object = slice(index, endpoints, firstFree + change);
    const start = performance.now();
    state = withObject(state, state.revision + 1, { kind, key: objectKey(object), object });
    await turn.take(snapshotOf(state));
    changesMs.push(performance.now() - start);
  }
  await turn.close();
  return { coldMs: sum(Object.values(partsMs)), coldCpuMs: (user + system) / 1000, changesMs, partsMs, ...memory };
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

async function measurePeer(services: number): Promise<Pick<Measured, 'coldMs' | 'changesMs'>> {
  const coldMs = await loadText(peerRules(services, endpoints));
  const changesMs: number[] = [];
  for (let change = 0; change < 20; change++) changesMs.push(await loadText(peerChange((change * 79) % services, endpoints, firstFree + change)));
  await loadText('delete table inet peer\n');
  return { coldMs, changesMs };
}

async function run({ figure, say }: Report): Promise<void> {
  say('10,000 Services × 10 endpoints: load and 200 changes');
  const large = await measure(10_000);
  const parts = Object.entries(large.partsMs).map(([part, ms]) => `${part} ${Math.round(ms)}`);
  figure({ about: 'load 10,000 × 10', value: large.coldMs / 1000, unit: 's', aim: { atMost: 1 }, note: `ms: ${parts.join(', ')}` });
  figure({ about: 'CPU of that load', value: large.coldCpuMs / 1000, unit: 's', note: 'all threads, the kernel’s work for them included' });
  figure({ about: 'one change of 10,000 × 10, median', value: quantile(large.changesMs, 0.5), unit: 'ms', aim: { atMost: 5 } });
  figure({ about: 'one change of 10,000 × 10, p99', value: quantile(large.changesMs, 0.99), unit: 'ms' });
  figure({ about: 'memory of the process, model and ruleset', value: large.processMb, unit: 'MB' });
  figure({ about: 'memory of the kernel', value: large.kernelMb, unit: 'MB' });
  say('1,000 Services × 10 endpoints beside kube-proxy’s rule shape (10,000 would take it minutes)');
  const small = await measure(1000);
  const peer = await measurePeer(1000);
  const name = 'kube-proxy’s shape, nft -f';
  const note = 'kernel part of the peer only: its text is made beforehand';
  figure({ about: 'load 1,000 × 10', value: small.coldMs / 1000, unit: 's', peer: { name, value: peer.coldMs / 1000 }, note });
  figure({ about: 'one change of 1,000 × 10, median', value: quantile(small.changesMs, 0.5), unit: 'ms', peer: { name, value: quantile(peer.changesMs, 0.5) }, note });
}

export const servicesBench: Bench = { name: 'services', about: 'Services in the kernel: load, one change, memory', run };
