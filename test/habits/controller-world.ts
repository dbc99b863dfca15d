// A world for controllers: a memory store, all controllers, and a tiny kubelet that runs what is bound to a node.
// rest() turns until nobody wants anything any more.
import assert from 'node:assert/strict';
import { deepFreeze } from '../../src/base/data/freeze.ts';
import type { Controller } from '../../src/control/controllers/controller.ts';
import { createControllers } from '../../src/control/controllers/controllers.ts';
import type { ControllerOptions } from '../../src/control/controllers/options.ts';
import { kinds } from '../../src/kube/kinds/kinds.ts';
import type { Kind } from '../../src/kube/kinds/kind.ts';
import { leaseKind } from '../../src/kube/kinds/lease.ts';
import { nodeKind } from '../../src/kube/kinds/node.ts';
import { podKind } from '../../src/kube/kinds/pod.ts';
import { ApiError } from '../../src/kube/meaning/api-error.ts';
import { timestamp } from '../../src/kube/meaning/conditions.ts';
import type { Node, Pod } from '../../src/kube/objects/core.ts';
import type { Lease } from '../../src/kube/objects/networking.ts';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import { createMemoryStore, type EmbeddedStore } from '../../src/kube/store/embedded.ts';
import type { Snapshot, Write } from '../../src/kube/store/store.ts';

export const testOptions: ControllerOptions = {
  podCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'],
  serviceCIDRs: ['10.96.0.0/16', 'fd00:10:96::/112'],
  loadBalancerCIDRs: ['172.30.0.240/29', 'fd00:172:30::f0/125'],
  caCertificate: 'CERTIFICATE',
  apiServers: [{ address: '172.30.0.10', port: 6443 }],
};

export interface World {
  readonly store: EmbeddedStore;
  readonly controllers: readonly Controller[];
  now: Date;
  add(...objects: KubeObject[]): Promise<void>;
  seen(): Snapshot;
  /** Everybody decides on one snapshot; the writes that are no mere race must succeed. True when anything was wished. */
  turn(): Promise<boolean>;
  rest(): Promise<Snapshot>;
  /** Lets time go by in steps of ten seconds, each to its rest. */
  pass(seconds: number): Promise<void>;
  list<T extends KubeObject>(kind: Kind<T>): readonly T[];
  /** What the kubelet does with a pod on a node; a test may make pods fail. */
  ready(pod: Pod): boolean;
  /** Nodes whose kubelet is dead. */
  readonly silent: Set<string>;
}

const raced = new Set(['Conflict', 'AlreadyExists', 'NotFound']);

export function createWorld(controllers = createControllers(testOptions)): World {
  const world: World = {
    controllers,
    now: new Date('2024-05-01T12:00:00Z'),
    store: createMemoryStore(kinds, () => world.now),
    async add(...objects) {
      for (const object of objects) await world.store.write({ verb: 'create', object: deepFreeze(structuredClone(object)) });
    },
    seen: () => world.store.snapshot(),
    list: (kind) => world.store.snapshot().list(kind),
    ready: () => true,
    silent: new Set(),
    async turn() {
      const seen = world.store.snapshot();
      const writes = [...controllers.flatMap((controller) => controller.decide(seen, world.now)), ...runNodes(world, seen), ...runPods(world, seen)];
      for (const write of writes) await tryWrite(world, write);
      return writes.length > 0;
    },
    async pass(seconds) {
      for (let left = seconds; left > 0; left -= 10) {
        world.now = new Date(world.now.getTime() + Math.min(left, 10) * 1000);
        await world.rest();
      }
    },
    async rest() {
      for (let turns = 0; turns < 200; turns++) if (!(await world.turn())) return world.store.snapshot();
      assert.fail(`no rest: ${restless(world)}`);
    },
  };
  return world;
}

async function tryWrite(world: World, write: Write): Promise<void> {
  try {
    await world.store.write(write);
  } catch (error) {
    // Races are part of life; anything else is a controller's mistake.
    if (!(error instanceof ApiError && raced.has(error.reason))) throw error;
  }
}

const restless = ({ controllers, store, now }: World): string =>
  controllers.map((each) => ({ name: each.name, writes: each.decide(store.snapshot(), now) })).filter(({ writes }) => writes.length > 0).map((each) => JSON.stringify(each)).join('\n').slice(0, 4000);

/** Heartbeats: a lease as old as the clock, and a word that all is well. */
function runNodes(world: World, seen: Snapshot): Write[] {
  const renewTime = world.now.toISOString();
  return seen.list(nodeKind).filter(({ metadata }) => !world.silent.has(metadata.name)).flatMap((node): Write[] => {
    const lease = seen.get(leaseKind, node.metadata.name, 'kube-node-lease');
    const isFresh = lease?.spec?.renewTime === renewTime;
    const metadata = lease?.metadata ?? { name: node.metadata.name, namespace: 'kube-node-lease' };
    const object: Lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec: { renewTime } };
    const isLost = node.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'Unknown';
    const conditions = [{ type: 'Ready', status: 'True' as const, lastTransitionTime: timestamp(world.now) }];
    return [
      ...(isFresh ? [] : [{ verb: lease ? ('update' as const) : ('create' as const), object }]),
      ...(isLost ? [{ verb: 'update' as const, subresource: 'status' as const, object: { ...node, status: { ...node.status, conditions } } as Node }] : []),
    ];
  });
}

/** Runs what is bound, ends what is deleted. */
function runPods(world: World, seen: Snapshot): Write[] {
  return seen.list(podKind).flatMap((pod): Write[] => {
    const node = seen.get(nodeKind, pod.spec.nodeName ?? '');
    if (!node || world.silent.has(node.metadata.name)) return [];
    if (pod.metadata.deletionTimestamp) return [endOf(pod)];
    if (isFinished(pod)) return [];
    const isReady = world.ready(pod);
    const shown = pod.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
    if (pod.status?.phase === 'Running' && shown === isReady) return [];
    return [{ verb: 'update', object: running(pod, node, { isReady, now: world.now, number: seen.revision }), subresource: 'status' }];
  });
}

const isFinished = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

const endOf = ({ metadata: { name, namespace, uid } }: Pod): Write => ({
  verb: 'delete',
  target: { apiVersion: 'v1', kind: 'Pod', name, namespace: namespace!, uid: uid! },
  gracePeriodSeconds: 0,
});

function running(pod: Pod, node: Node, { isReady, now, number }: { isReady: boolean; now: Date; number: number }): Pod {
  const host = node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '172.30.0.1';
  const podIP = pod.status?.podIP ?? (pod.spec.hostNetwork ? host : `10.244.${number % 250}.${(pod.metadata.name.charCodeAt(pod.metadata.name.length - 1) + pod.metadata.name.charCodeAt(pod.metadata.name.length - 2) * 7) % 250}`);
  const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'Ready');
  const conditions = [...others, { type: 'Ready', status: isReady ? ('True' as const) : ('False' as const), lastTransitionTime: timestamp(now) }];
  return { ...pod, status: { ...pod.status, phase: 'Running', hostIP: host, podIP, podIPs: [{ ip: podIP }], conditions } };
}

export const namespace = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

export function node(name: string, { labels = {}, address = '172.30.0.1', ready = true, ...spec }: { labels?: Record<string, string>; address?: string; ready?: boolean } & NonNullable<Node['spec']> = {}): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec,
    status: { addresses: [{ type: 'InternalIP', address }], conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: '2024-05-01T12:00:00Z' }] },
  };
}

const template = (app: string, more: object = {}) => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: 'web', image: 'echo:1', ports: [{ name: 'http', containerPort: 8080 }] }], ...more },
});

interface Workload {
  apiVersion?: string;
  namespace?: string;
  pod?: object;
  [field: string]: unknown;
}

/** A Deployment, DaemonSet, ReplicaSet or StatefulSet that selects `app: name`. */
export const workload = (kind: string, name: string, { apiVersion = 'apps/v1', namespace = 'default', pod, ...spec }: Workload = {}): KubeObject =>
  ({ apiVersion, kind, metadata: { name, namespace }, spec: { selector: { matchLabels: { app: name } }, template: template(name, pod), ...spec } }) as KubeObject;

export const service = (name: string, spec: object = {}, meta: object = {}): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', ...meta },
    spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 'http' }], ...spec },
  }) as KubeObject;
