import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createManualClock } from '../../base/run/clock.ts';
import { kinds } from '../../kube/kinds/kinds.ts';
import { leaseKind } from '../../kube/kinds/lease.ts';
import { nodeKind } from '../../kube/kinds/node.ts';
import { serviceKind } from '../../kube/kinds/service.ts';
import type { KubeObject } from '../../kube/objects/meta.ts';
import { createMemoryStore } from '../../kube/store/embedded.ts';
import type { NetworkModel } from '../../model/network-model.ts';
import { Agent, type AgentOptions } from './agent.ts';
import type { NodeSelf } from './node-object.ts';
import { step } from './step.ts';

const machine = { cpus: 2, memoryKiB: 4096, kernelVersion: '6.1', osImage: 'Test', architecture: 'amd64', bootId: 'b', machineId: 'm' };
const self: NodeSelf = { name: 'node1', addresses: ['10.0.2.5', 'fd00:2::5'], zone: 'a', labels: { role: 'worker' }, machine };
const service = (name: string) =>
  ({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default' }, spec: { ports: [{ port: 80 }] } }) as KubeObject;

/** An agent whose only driver is a list; `refuses` makes the machine refuse. */
function world(more: Partial<AgentOptions> = {}) {
  const clock = createManualClock();
  const store = createMemoryStore(kinds, () => clock.now());
  const driver = { applied: [] as string[], refuses: undefined as string | undefined, removed: false, checks: 0 };
  const drawn = step((model: NetworkModel) => model.revision, {
    name: 'list',
    async apply(revision) {
      if (driver.refuses) throw new Error(driver.refuses);
      const names = store.snapshot().list(serviceKind).map(({ metadata }) => metadata.name);
      driver.applied.push(names.join(' '));
      return { changes: revision, tookMs: 0 };
    },
    async check() {
      driver.checks++;
      return true;
    },
    async remove() {
      driver.removed = true;
    },
  });
  const compile = (seen: { revision: number }) => ({ revision: seen.revision }) as NetworkModel;
  const agent = new Agent({ store, self, reads: [serviceKind], compile, steps: [drawn], clock, random: () => 1, ...more });
  const settle = async <T>(work: Promise<T>) => {
    await clock.advance(0);
    return work;
  };
  const condition = (type: string) => store.snapshot().get(nodeKind, 'node1')?.status?.conditions?.find((found) => found.type === type);
  return { agent, clock, store, driver, settle, condition };
}

test('an agent registers its node with addresses, labels and a version that kubectl takes, and is ready after its first turn', async () => {
  const { agent, store, settle, condition, clock } = world();
  await settle(agent.start());
  await clock.advance(0);
  const { metadata, status } = store.snapshot().get(nodeKind, 'node1')!;
  assert.equal(metadata.labels!['kubernetes.io/hostname'], 'node1');
  assert.equal(metadata.labels!['topology.kubernetes.io/zone'], 'a');
  assert.deepEqual(status!.addresses!.map(({ type, address }) => `${type} ${address}`), ['InternalIP 10.0.2.5', 'InternalIP fd00:2::5', 'Hostname node1']);
  assert.match(status!.nodeInfo!['kubeletVersion']!, /^v1\.32\.\d+-fairlead$/);
  assert.equal(condition('Ready')?.status, 'True');
  assert.equal(condition('NetworkUnavailable')?.status, 'False');
  await settle(agent.close());
});

test('the lease is renewed every ten seconds', async () => {
  const { agent, store, settle, clock } = world();
  await settle(agent.start());
  await clock.advance(0);
  const renewed = () => store.snapshot().get(leaseKind, 'node1', 'kube-node-lease')?.spec?.renewTime;
  assert.equal(renewed(), '2024-01-01T00:00:00.000000Z');
  await clock.advance(10_000);
  assert.equal(renewed(), '2024-01-01T00:00:10.000000Z');
  await settle(agent.close());
  assert.equal(clock.pending(), 0);
});

test('a node that was given up says at its next turn that it is ready', async () => {
  const { agent, store, settle, condition, clock } = world();
  await settle(agent.start());
  await clock.advance(0);
  const node = store.snapshot().get(nodeKind, 'node1')!;
  const conditions = node.status!.conditions!.map((each) => ({ ...each, status: 'Unknown' as const }));
  await settle(store.write({ verb: 'update', object: { ...node, status: { ...node.status, conditions } } as KubeObject, subresource: 'status' }));
  assert.equal(condition('Ready')?.status, 'Unknown');
  await clock.advance(10_000);
  assert.equal(condition('Ready')?.status, 'True');
  await settle(agent.close());
});

test('a node that was given up and cannot catch up does not say that it is ready', async () => {
  const { agent, store, settle, driver, condition, clock } = world();
  await settle(agent.start());
  await clock.advance(0);
  const node = store.snapshot().get(nodeKind, 'node1')!;
  const conditions = node.status!.conditions!.map((each) => ({ ...each, status: 'Unknown' as const }));
  await settle(store.write({ verb: 'update', object: { ...node, status: { ...node.status, conditions } } as KubeObject, subresource: 'status' }));
  driver.refuses = 'the link is gone';
  const said: (string | undefined)[] = [];
  for (let second = 0; second < 15; second++) {
    await clock.advance(1000);
    said.push(condition('Ready')?.status);
  }
  assert.deepEqual([...new Set(said)], ['Unknown', 'False']);
  driver.refuses = undefined;
  await clock.advance(10_000);
  assert.equal(condition('Ready')?.status, 'True');
  await settle(agent.close());
});

test('KPX-11: a change is in the machine within a second, whatever came before', async () => {
  const { agent, store, clock, settle, driver } = world();
  await settle(agent.start());
  await clock.advance(0);
  for (const name of ['first', 'second', 'third']) {
    await store.write({ verb: 'create', object: service(name) });
    await clock.advance(1000);
    assert.ok(driver.applied.at(-1)?.includes(name), `${driver.applied.at(-1)} lacks ${name}`);
  }
  await agent.close();
});

test('changes that come together are applied together, and settled tells when they are in the machine', async () => {
  const { agent, store, settle, driver } = world();
  await settle(agent.start());
  await settle(agent.settled(0));
  const before = driver.applied.length;
  const written = await settle(Promise.all(['a', 'b', 'c'].map((name) => store.write({ verb: 'create', object: service(name) }))));
  await settle(agent.settled(Number(written.at(-1)!.metadata.resourceVersion)));
  assert.equal(driver.applied.length - before <= 2, true);
  assert.equal(driver.applied.at(-1), 'a b c');
  await settle(agent.close({ remove: true }));
  assert.equal(driver.removed, true);
});

test('a machine that keeps refusing makes the node not ready with the reason; when it yields, the node is ready again', async () => {
  const { agent, settle, driver, condition, clock } = world();
  driver.refuses = 'nft: no such table';
  await settle(agent.start());
  await clock.advance(10_000);
  assert.equal(condition('Ready')?.status, 'False');
  assert.equal(condition('NetworkUnavailable')?.message, 'nft: no such table');
  driver.refuses = undefined;
  await clock.advance(10_000);
  assert.equal(condition('Ready')?.status, 'True');
  await settle(agent.close());
});

test('KPX-25: what is in the kernel is looked after once in each period, however often the cluster changes', async () => {
  const { agent, store, settle, driver, clock } = world({ checkEveryMs: 30_000 });
  await settle(agent.start());
  for (const name of ['a', 'b', 'c']) await settle(store.write({ verb: 'create', object: service(name) }));
  assert.equal(driver.checks, 0);
  await clock.advance(30_000);
  assert.equal(driver.checks, 1);
  await clock.advance(60_000);
  assert.equal(driver.checks, 3);
  await settle(agent.close());
  assert.equal(clock.pending(), 0);
});

test('beside another kubelet the agent writes neither node nor lease, and its observer hears of every turn', async () => {
  const heard: string[] = [];
  const observer = { woken: () => heard.push('woken'), turned: () => heard.push('turned'), failed: (error: Error) => heard.push(error.message) };
  const { agent, store, settle, driver, clock } = world({ registers: false, observer });
  driver.refuses = 'no';
  await settle(agent.start());
  await clock.advance(10_000);
  driver.refuses = undefined;
  await clock.advance(10_000);
  assert.deepEqual([...new Set(heard)], ['woken', 'no', 'turned']);
  assert.deepEqual([...store.snapshot().list(nodeKind), ...store.snapshot().list(leaseKind)], []);
  await settle(agent.close());
});
