// The control plane of a large cluster, simulated in this process: what one pod change and a rolling update of a thousand
// pods cost in CPU and in bytes sent to the nodes, beside what sending whole Endpoints objects would be. Nodes are counted,
// not run: each would watch slices, and gets every change of one.
import { createManualClock } from '../../src/base/run/clock.ts';
import { createControllers } from '../../src/control/controllers/controllers.ts';
import { startControllers } from '../../src/control/controllers/runner.ts';
import { defaultClusterConfig } from '../../src/kube/kinds/cluster-config.ts';
import { endpointSliceKind } from '../../src/kube/kinds/endpoint-slice.ts';
import { endpointsKind } from '../../src/kube/kinds/endpoints.ts';
import { createKindIndex } from '../../src/kube/kinds/kind-index.ts';
import type { Kind } from '../../src/kube/kinds/kind.ts';
import { createKinds } from '../../src/kube/kinds/kinds.ts';
import { podKind } from '../../src/kube/kinds/pod.ts';
import { replicaSetKind } from '../../src/kube/kinds/replica-set.ts';
import type { Pod } from '../../src/kube/objects/core.ts';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import { createEmbeddedStore, type EmbeddedStore } from '../../src/kube/store/embedded.ts';
import { type Bench, type Figure, quantile, type Report } from './figure.ts';
import { type ClusterSize, largeApp, largeCluster, pod } from './large-cluster.ts';

const changes = 40;
const wave = 25;
const namespace = 'bench';

/** Bytes of the objects of two kinds that watchers would be sent. */
interface Sent {
  slices: number;
  endpoints: number;
}

interface Costs {
  firstSeconds: number;
  changeMs: number;
  changeCpuMs: number;
  change: Sent;
  rolloutCpuSeconds: number;
  rollout: Sent;
}

async function startCluster(size: ClusterSize) {
  const kinds = createKinds(defaultClusterConfig);
  const objects = largeCluster(size);
  const journal = { load: () => ({ revision: objects.length + 100, objects }), commit() {}, close() {} };
  const clock = createManualClock();
  const store = createEmbeddedStore({ kindOf: createKindIndex(kinds), journal: journal as never, now: () => clock.now(), limits: { log: 1_000_000, queue: 1_000_000 } });
  const options = { podCIDRs: ['10.0.0.0/9'], serviceCIDRs: ['10.200.0.0/14'], loadBalancerCIDRs: [], nodeCIDRs: [], caCertificate: 'ca', apiServers: [] };
  const controllers = startControllers({ store, controllers: createControllers(options as never), clock });
  return { store, controllers, settle: () => settle(store, controllers) };
}

/** Until the controllers have nothing more to write. */
async function settle(store: EmbeddedStore, controllers: ReturnType<typeof startControllers>): Promise<void> {
  for (let before = -1; before !== store.snapshot().revision; ) {
    before = store.snapshot().revision;
    await controllers.settled(before);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Counts what is published of slices and Endpoints while the body runs. */
async function counted(store: EmbeddedStore, body: () => Promise<void>): Promise<{ sent: Sent; cpuMs: number; tookMs: number }> {
  const stop = new AbortController();
  const sent: Sent = { slices: 0, endpoints: 0 };
  const counting = (async () => {
    for await (const { kind, object } of store.watch([endpointSliceKind, endpointsKind] as unknown as Kind[], store.snapshot().revision, stop.signal)) {
      sent[kind.kind === 'Endpoints' ? 'endpoints' : 'slices'] += JSON.stringify(object).length;
    }
  })();
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  await body();
  const { user, system } = process.cpuUsage(cpu);
  const tookMs = performance.now() - start;
  await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  await counting;
  return { sent, cpuMs: (user + system) / 1000, tookMs };
}

const withReady = (object: Pod, status: 'True' | 'False'): KubeObject =>
  ({ ...object, status: { ...object.status, conditions: [{ type: 'Ready', status, lastTransitionTime: '2026-01-01T00:00:01Z' }] } }) as KubeObject;

async function measure(size: ClusterSize): Promise<Costs> {
  const began = performance.now();
  const { store, controllers, settle } = await startCluster(size);
  await settle();
  const firstSeconds = (performance.now() - began) / 1000;
  const pods = store.snapshot().list(podKind).filter(({ metadata }) => metadata.labels?.['app'] !== largeApp);
  const flip = async (index: number, status: 'True' | 'False') => {
    const { name } = pods[index]!.metadata;
    const seen = store.snapshot().get(podKind, name, namespace)!;
    await store.write({ verb: 'update', object: withReady(seen, status), subresource: 'status' });
    await settle();
  };
  await flip(1, 'False');
  const tookMs: number[] = [];
  const change = await counted(store, async () => {
    for (let i = 0; i < changes; i++) {
      const start = performance.now();
      await flip((i * 7919 + 17) % pods.length, 'False');
      tookMs.push(performance.now() - start);
    }
  });
  const rollout = await counted(store, () => roll(store, size, settle));
  await controllers.close();
  await store.close();
  const each = ({ slices, endpoints }: Sent): Sent => ({ slices: slices / changes, endpoints: endpoints / changes });
  return { firstSeconds, changeMs: quantile(tookMs, 0.5), changeCpuMs: change.cpuMs / changes, change: each(change.sent), rolloutCpuSeconds: rollout.cpuMs / 1000, rollout: rollout.sent };
}

/** Every pod of the large Service is replaced, some at a time, as a node's agents would report it. */
async function roll(store: EmbeddedStore, { nodes, services, podsPerService }: ClusterSize, settle: () => Promise<void>): Promise<void> {
  const old = store.snapshot().list(podKind).filter(({ metadata }) => metadata.labels?.['app'] === largeApp);
  const owner = store.snapshot().get(replicaSetKind, largeApp, namespace)!.metadata.uid!;
  let number = services * podsPerService + old.length;
  for (let at = 0; at < old.length; at += wave) {
    const fresh = old.slice(at, at + wave).map(() => pod(largeApp, owner, { number: ++number, node: number % nodes }));
    const leaving = old.slice(at, at + wave).map(({ metadata: { name, uid } }) => ({ apiVersion: 'v1', kind: 'Pod', name, namespace, ...(uid && { uid }) }));
    await Promise.all([
      ...fresh.map(async ({ metadata: { name, labels, ownerReferences }, ...rest }) => {
        const made = (await store.write({ verb: 'create', object: { ...rest, metadata: { name, namespace, labels, ownerReferences } } as KubeObject })) as Pod;
        await store.write({ verb: 'update', object: { ...made, status: rest.status } as KubeObject, subresource: 'status' });
      }),
      ...leaving.map((target) => store.write({ verb: 'delete', target, gracePeriodSeconds: 0 })),
    ]);
    await settle();
  }
}

const small: ClusterSize = { nodes: 500, services: 1000, podsPerService: 15, large: 1000 };
const whole: ClusterSize = { nodes: 5000, services: 10_000, podsPerService: 15, large: 1000 };

async function run({ figure, say }: Report): Promise<void> {
  for (const size of [small, whole]) {
    const { nodes, services, podsPerService } = size;
    say(`${nodes} nodes, ${services * podsPerService} pods, ${services} Services`);
    tell(figure, size, await measure(size));
    globalThis.gc?.();
  }
}

function tell(figure: (figure: Figure) => void, { nodes, services, podsPerService }: ClusterSize, costs: Costs): void {
  const about = `${(services * podsPerService).toLocaleString('en')} pods`;
  const name = 'Endpoints objects';
  const mb = (bytes: number) => (bytes * nodes) / 1e6;
  const to = `to ${nodes.toLocaleString('en')} watching nodes`;
  figure({ about: `${about}: first look, all slices written`, value: costs.firstSeconds, unit: 's' });
  figure({ about: `${about}: one pod change, until nothing is left to write`, value: costs.changeMs, unit: 'ms', note: 'median' });
  figure({ about: `${about}: CPU of one pod change`, value: costs.changeCpuMs, unit: 'ms', note: 'all controllers and the store' });
  figure({ about: `${about}: sent for one pod change`, value: mb(costs.change.slices), unit: 'MB', peer: { name, value: mb(costs.change.endpoints) }, note: to });
  figure({ about: `${about}: CPU of a rolling update of 1,000 pods`, value: costs.rolloutCpuSeconds, unit: 's' });
  figure({ about: `${about}: sent for that update`, value: mb(costs.rollout.slices), unit: 'MB', peer: { name, value: mb(costs.rollout.endpoints) }, note: to });
}

export const scaleBench: Bench = { name: 'scale', about: 'the control plane of 5,000 nodes: one pod change, a rolling update', run };
