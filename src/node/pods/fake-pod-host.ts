// A node without a machine, for tests: sandboxes are names, programs are promises that the test ends.
import type { ManualClock } from '../../base/run/clock.ts';
import { hostSockets } from '../../base/run/sockets.ts';
import { eventKind } from '../../kube/kinds/event.ts';
import { kinds } from '../../kube/kinds/kinds.ts';
import { podKind } from '../../kube/kinds/pod.ts';
import type { Pod, PodSpec } from '../../kube/objects/core.ts';
import { createMemoryStore } from '../../kube/store/embedded.ts';
import { objectKey } from '../../kube/store/store.ts';
import { openLeases } from '../cni/leases.ts';
import { namespaceOf } from '../netlink/namespaces.ts';
import { NodePods } from './node-pods.ts';
import { createEventRecorder } from './pod-events.ts';
import type { PodHost } from './pod-host.ts';
import type { CannotStart, ProgramContext, ProgramExit } from './programs/program.ts';

export interface FakeProgram extends ProgramContext {
  stopped: boolean;
  killed: boolean;
  end(exit: ProgramExit): void;
}

export interface FakeNode {
  host: PodHost;
  pods: NodePods;
  store: ReturnType<typeof createMemoryStore>;
  /** Every program ever started, in order. */
  programs: FakeProgram[];
  /** `open namespace/name address …`, `close namespace/name`. */
  calls: string[];
  /** Tells the node's pods what the store holds, then lets everything happen. */
  sync(afterMs?: number): Promise<void>;
  create(name: string, spec: Partial<PodSpec>, more?: Partial<Pod['metadata']>): Promise<void>;
  remove(name: string, gracePeriodSeconds?: number): Promise<void>;
  pod(name: string): Pod | undefined;
  /** `reason: message` of all events, oldest first. */
  events(): string[];
  /** Programs of images in here cannot be started. */
  broken: Map<string, CannotStart>;
}

export interface FakeNodeOptions {
  clock: ManualClock;
  folder: string;
  podCIDRs?: readonly string[];
  networkReady?: (revision: number) => Promise<void>;
  /** Images whose programs end with 0 as soon as they are asked to; others ignore SIGTERM. */
  obedient?: boolean;
}

type Recorded = Pick<FakeNode, 'programs' | 'calls' | 'broken'>;

function fakeSandboxes({ calls }: Recorded): PodHost['sandboxes'] {
  return {
    node: namespaceOf('fake-node1'),
    open(pod, addresses) {
      calls.push(`open ${objectKey(pod)} ${addresses.join(' ')}`);
      return namespaceOf(`fake-${pod.metadata.name}`);
    },
    close: async (pod) => void calls.push(`close ${objectKey(pod)}`),
    sweep: async () => void calls.push('sweep'),
  };
}

function fakePrograms({ programs, broken }: Recorded, obedient: boolean): PodHost['startProgram'] {
  return async (context) => {
    const fault = broken.get(context.container.image ?? '');
    if (fault) throw fault;
    const { promise: exited, resolve: end } = Promise.withResolvers<ProgramExit>();
    const program: FakeProgram = { ...context, stopped: false, killed: false, end };
    programs.push(program);
    const stop = () => {
      program.stopped = true;
      if (obedient) end({ code: 0 });
    };
    const kill = () => {
      program.killed = true;
      end({ code: 137, signal: 9 });
    };
    return { exited, stop, kill };
  };
}

type Wishes = Pick<FakeNode, 'sync' | 'create' | 'remove'>;

function fakeWishes(store: FakeNode['store'], clock: ManualClock, pods: NodePods): Wishes {
  const settle = async (work: Promise<unknown>) => {
    await clock.advance(0);
    await work;
  };
  const see = async () => {
    await pods.reconcile(store.snapshot());
    await clock.advance(0);
  };
  return {
    async sync(afterMs = 0) {
      await clock.advance(0);
      for (let round = 0; round < 3; round++) await see();
      if (afterMs > 0) await clock.advance(afterMs);
      if (afterMs > 0) await see();
    },
    create(name, spec, more = {}) {
      const metadata = { name, namespace: 'default', ...more };
      const object: Pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName: 'node1', containers: [{ name: 'main', image: 'web' }], ...spec } };
      return settle(store.write({ verb: 'create', object }));
    },
    remove: (name, gracePeriodSeconds) =>
      settle(store.write({ verb: 'delete', target: { apiVersion: 'v1', kind: 'Pod', name, namespace: 'default' }, gracePeriodSeconds })),
  };
}

export function createFakeNode(options: FakeNodeOptions): FakeNode {
  const { clock, folder, networkReady, obedient = true } = options;
  const store = createMemoryStore(kinds, () => clock.now());
  const recorded: Recorded = { programs: [], calls: [], broken: new Map() };
  const host: PodHost = {
    nodeName: 'node1',
    hostIPs: ['10.0.2.5', 'fd00:2::5'],
    podCIDRs: () => options.podCIDRs ?? ['10.244.1.0/24', 'fd00:10:244:1::/64'],
    store,
    clock,
    leases: openLeases(),
    nodeSockets: hostSockets,
    record: createEventRecorder(store, 'node1', clock),
    networkReady: networkReady ?? (() => Promise.resolve()),
    sandboxes: fakeSandboxes(recorded),
    startProgram: fakePrograms(recorded, obedient),
    checkPod: () => {},
    runCommand: async () => ({ code: 0, output: '' }),
    forget: async ({ pod }) => void recorded.calls.push(`forget ${objectKey(pod)}`),
    folderOf: ({ pod }) => `${folder}/${pod.metadata.uid}`,
  };
  const pods = new NodePods(host);
  const events = () => store.snapshot().list(eventKind).toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  return {
    ...recorded,
    ...fakeWishes(store, clock, pods),
    host,
    pods,
    store,
    pod: (name) => store.snapshot().get(podKind, name, 'default'),
    events: () => events().map(({ reason, message }) => `${reason}: ${message}`),
  };
}
