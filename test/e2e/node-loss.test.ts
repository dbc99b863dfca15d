// A node goes away while 200 clients a second ask: its cable is pulled out of the nodes' link. Kubernetes promises
// nothing to those who are sent there until the node is given up; they are counted, with the first and the last of them.
// It promises all to everyone else, and to everyone once the node's endpoints are gone.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { TABLE } from '../../src/node/dataplane/render.ts';
import { deleteFlows } from '../../src/node/netlink/conntrack.ts';
import { allLive, asked, closeLoads, endWell, hostOf, say, startLoads, streamsTo, take } from './load-on-cluster.ts';
import type { Failure } from './paced-load.ts';
import { eventually, forget, manifest, startCluster, type RunningCluster } from './running-cluster.ts';
import { isReady, type PodView, podsOf, readyPods, systemReady } from './workloads.ts';

const lost = 'node4';
const others = ['node1', 'node2', 'node3'];
const pods = 6;
/** Who was being answered as the cable went may wait for the rest. */
const patienceMs = 5_000;

let cluster: RunningCluster;

before(async () => {
  cluster = await startCluster('loss', { config: manifest('under-load/node-loss-cluster.yaml') });
  await systemReady(cluster);
  await cluster.ok(`apply -f ${manifest('under-load/node-loss.yaml')}`);
  await cluster.ok('wait --for=condition=Ready pod --all --timeout=30s');
});
afterEach(closeLoads);
after(async () => {
  await cluster.stop();
  forget(cluster);
});

type NodeState = { status: { conditions: { type: string; status: string }[] } };
const readiness = async () => (await cluster.get<NodeState>(`node ${lost}`)).status.conditions.find(({ type }) => type === 'Ready')?.status;
const onLost = (pod: PodView) => pod.spec.nodeName === lost;

/** In how many of the other nodes' kernels one of these addresses is an endpoint. */
async function kernelsWith(addresses: readonly string[]): Promise<number> {
  const rulesets = await Promise.all(others.map(async (node) => (await cluster.inside(node, `nft list table inet ${TABLE}`)).stdout));
  return rulesets.filter((rules) => addresses.some((address) => rules.includes(`${address} . `))).length;
}

/**
 * The kernel remembers for two minutes whom it sent a connection to that nobody has answered, and sends there who comes
 * from the same port again: one in some thousands. Here it is made to forget, so that what comes later is what the rules
 * do; those who still wait are sent elsewhere, which in a cluster nobody does for them.
 */
function forgetUnanswered(addresses: readonly string[]): void {
  for (const node of others) deleteFlows(hostOf(cluster, node), new Set([4]), ({ reply }) => addresses.includes(reply.source));
}

/** The far end of its cable. */
const cable = async (way: 'up' | 'down') => assert.equal((await cluster.inside('UNDERLAY', `ip link set to-${lost} ${way}`)).code, 0);

const reasons = (failures: readonly Failure[]): string =>
  [...Map.groupBy(failures, ({ why }) => why)].map(([why, all]) => `${all.length} ${why}`).join(', ');

test('a node is cut off: only who is sent to its pods fails, until it is given up; streams to others go on; its pods move', async (t) => {
  const before = await podsOf(cluster, '-l app=spread');
  const gone = before.filter(onLost);
  assert.ok(gone.length > 0 && gone.length < pods, 'its pods are some of all');
  const names = new Set(gone.map(({ metadata }) => `default/${metadata.name}`));
  const [load, streams] = [await startLoads(cluster, 'spread'), await streamsTo(cluster, 'spread', pods)];
  assert.deepEqual(take(load).failures, [], 'while all were there');

  const cutMs = load.nowMs();
  await cable('down');
  await eventually('the node is given up', readiness, (status) => status === 'Unknown', 60_000);
  const givenUpMs = load.nowMs();
  const addresses = gone.map(({ status }) => status.podIP!);
  await eventually('no kernel sends anybody there', () => kernelsWith(addresses), (count) => count === 0);
  forgetUnanswered(addresses);
  const forgottenMs = load.nowMs();
  await asked(load, 200);
  allLive(t, streams, (pod) => names.has(pod));
  const living = (list: PodView[]) => list.filter((pod) => !pod.metadata.deletionTimestamp);
  await eventually('its pods have moved', () => podsOf(cluster, '-l app=spread'), (list) => living(list).length === pods && living(list).every((pod) => !onLost(pod) && isReady(pod)), 60_000);
  await asked(load, 200);
  allLive(t, streams, (pod) => names.has(pod));
  streams.close();

  const outcome = take(load, await load.stop());
  const since = (ms: number) => Math.round(ms - cutMs);
  const begun = outcome.failures.map(({ atMs }) => atMs);
  say(t, outcome, `: ${reasons(outcome.failures)}; begun from ${since(Math.min(...begun))} to ${since(Math.max(...begun))} ms after the cut`);
  t.diagnostic(`${gone.length} of ${pods} pods were there; given up by ${since(givenUpMs)} ms, out of every kernel by ${since(forgottenMs)} ms`);
  assert.ok(outcome.failures.length > 0, 'nobody answers from there');
  assert.deepEqual(outcome.failures.filter(({ atMs }) => atMs < cutMs - patienceMs || atMs > forgottenMs), [], 'none before, none once it is forgotten, none while its pods move');
  assert.deepEqual(outcome.failures.filter(({ why }) => why === 'ECONNREFUSED'), [], 'a node that is gone refuses nobody');
});

test('the node comes back: its old pods leave at last, it takes new ones, and no request fails', async (t) => {
  const load = await startLoads(cluster, 'spread');
  const leaving = (await podsOf(cluster, '-l app=spread')).filter(onLost);
  assert.ok(leaving.length > 0 && leaving.every(({ metadata }) => metadata.deletionTimestamp), 'nobody has said yet that they are gone');
  // As if it had been started again: its routes left with the link, and only its agent knows them.
  for (const way of ['down', 'up']) assert.equal((await cluster.inside(lost, `ip link set eth0 ${way}`)).code, 0);
  await cable('up');
  await eventually('the node is ready', readiness, (status) => status === 'True', 60_000);
  await readyPods(cluster, '-l app=spread', pods);
  await cluster.ok('scale deployment/spread --replicas=9');
  const all = await readyPods(cluster, '-l app=spread', 9);
  assert.ok(all.some(onLost), 'the scheduler trusts it again');
  const streams = await streamsTo(cluster, 'spread', 9);
  await asked(load, 200);
  allLive(t, streams);
  streams.close();
  await endWell(t, load);
});
