// What tests of changes under load share: clients of one Service from outside and from a pod, and how their counts are
// judged. `asker` is the pod they ask from, `client` the machine outside, `node1` the one whose node port they take.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { namespacePrefix } from '../../src/node/machine/names.ts';
import { namespaceOf, type Netns } from '../../src/node/netlink/namespaces.ts';
import { openStreams, type Outcome, type PacedLoad, startPacedLoad, type Streams } from './paced-load.ts';
import { eventually, type RunningCluster } from './running-cluster.ts';

const perSecond = 100;

/** What a failed test has left open would keep the process from ending. */
const open = new Set<() => unknown>();

export async function closeLoads(): Promise<void> {
  for (const close of open) await close();
  open.clear();
}

export const hostOf = ({ name }: RunningCluster, host: string): Netns => namespaceOf(namespacePrefix(name) + host);
const askerOf = ({ name }: RunningCluster): Netns => namespaceOf(readdirSync('/run/netns').find((each) => each.startsWith(`${namespacePrefix(name)}node3_default_asker_`))!);

interface Reached {
  clusterIP: string;
  balanced: string;
  node1: string;
  nodePort: number;
}

async function addressesOf(cluster: RunningCluster, service: string): Promise<Reached> {
  type View = { spec: { clusterIP: string; ports: { nodePort: number }[] }; status: { loadBalancer: { ingress?: { ip: string }[] } } };
  const seen = await eventually(`an address for ${service}`, () => cluster.get<View>(`service ${service}`), ({ status }) => status.loadBalancer.ingress !== undefined);
  const { status } = await cluster.get<{ status: { addresses: { address: string }[] } }>('node node1');
  return { node1: status.addresses[0]!.address, clusterIP: seen.spec.clusterIP, balanced: seen.status.loadBalancer.ingress![0]!.ip, nodePort: seen.spec.ports[0]!.nodePort };
}

/** A hundred a second from outside, a hundred from a pod. */
export async function startLoads(cluster: RunningCluster, service: string): Promise<PacedLoad> {
  const { clusterIP, balanced, node1, nodePort } = await addressesOf(cluster, service);
  const asker = askerOf(cluster);
  const client = hostOf(cluster, 'client');
  const everywhere = (from: Netns) => [{ from, address: node1, port: nodePort }, { from, address: balanced, port: 80 }];
  const inside = [{ from: asker, address: clusterIP, port: 80 }, ...everywhere(asker)];
  const load = startPacedLoad([...everywhere(client), ...everywhere(client), ...inside, inside[0]!], 2 * perSecond);
  open.add(() => load.stop());
  await asked(load, perSecond);
  return load;
}

/** Streams from the asker, at least one to each of so many pods. */
export async function streamsTo(cluster: RunningCluster, service: string, pods: number): Promise<Streams> {
  const { clusterIP } = await addressesOf(cluster, service);
  const streams = await openStreams({ from: askerOf(cluster), address: clusterIP, port: 80 }, pods);
  open.add(() => streams.close());
  return streams;
}

/** Nothing is lost by looking: what was taken before counts as well. */
const carried = new WeakMap<PacedLoad, Outcome>();

export function take(load: PacedLoad, more: Outcome = load.taken()): Outcome {
  const before = carried.get(load) ?? { requests: 0, failures: [], slowestMs: 0 };
  const outcome = { requests: before.requests + more.requests, failures: [...before.failures, ...more.failures], slowestMs: Math.max(before.slowestMs, more.slowestMs) };
  carried.set(load, outcome);
  return outcome;
}

/** Waits for so many more answers. */
export async function asked(load: PacedLoad, count: number): Promise<void> {
  const until = take(load).requests + count;
  await eventually(`${count} more requests`, async () => take(load).requests, (requests) => requests >= until);
}

export const say = (test: TestContext, { requests, failures, slowestMs }: Outcome, more = ''): void =>
  test.diagnostic(`${requests} requests, ${failures.length} failed, slowest ${Math.round(slowestMs)} ms${more}`);

export async function endWell(test: TestContext, load: PacedLoad): Promise<void> {
  const outcome = take(load, await load.stop());
  say(test, outcome);
  assert.deepEqual(outcome.failures.slice(0, 10), [], `${outcome.failures.length} of ${outcome.requests} requests failed`);
}

/** Streams live as long as their pods. */
export function allLive(test: TestContext, streams: Streams, isGone: (pod: string) => boolean = () => false): void {
  const seen = streams.seen();
  const kept = seen.filter(({ pod }) => !isGone(pod));
  assert.deepEqual(kept.filter(({ ended }) => ended !== undefined), []);
  test.diagnostic(`${kept.length} of ${seen.length} streams go on, longest pause ${Math.round(Math.max(0, ...kept.map(({ longestGapMs }) => longestGapMs)))} ms`);
}
