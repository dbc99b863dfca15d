// The pods of one node on the real machine, put together: sandboxes, programs, probes, leases, events.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../base/run/clock.ts';
import { nodeKind } from '../../kube/kinds/node.ts';
import type { ObjectStore } from '../../kube/store/store.ts';
import { openLeases } from '../cni/leases.ts';
import { namespaceSockets } from '../netlink/namespace-sockets.ts';
import type { Netns } from '../netlink/namespaces.ts';
import { createLinuxSandboxes } from './linux-sandboxes.ts';
import { NodePods } from './node-pods.ts';
import { runInRoom } from './access/exec.ts';
import type { NodeAccess } from './access/pod-access.ts';
import { createEventRecorder } from './pod-events.ts';
import type { PodHost } from './pod-host.ts';
import type { PodState } from './pod-state.ts';
import { commandExists, type ImagePlace, Programs } from './programs/programs.ts';
import type { BuiltinPrograms, ProgramContext, StartProgram } from './programs/program.ts';
import { podNames } from './surroundings/hostname.ts';
import { parseResolvConf, podResolver, type ResolverSource } from './surroundings/resolv-conf.ts';
import type { ServiceAccountFiles } from './surroundings/volumes.ts';

export interface LinuxPodsOptions {
  store: ObjectStore;
  clock: Clock;
  node: { name: string; addresses: readonly string[]; namespace: Netns };
  /** Of this node alone; leases.json in it stays, everything else is the pods'. */
  folder: string;
  clusterDomain: string;
  clusterDns: readonly string[];
  /** The node's resolver file; absent: `/etc/resolv.conf`. */
  resolvConf?: string;
  mtu?: number;
  /** Control group that all processes of pods join. */
  cgroup?: string;
  startEcho: StartProgram;
  builtins: BuiltinPrograms;
  images?: ReadonlyMap<string, ImagePlace>;
  serviceAccount?(context: ProgramContext): Promise<ServiceAccountFiles | undefined>;
  /** The agent's `settled`. */
  networkReady(revision: number): Promise<void>;
}

function nodeResolver(path: string) {
  try {
    return parseResolvConf(readFileSync(path, 'utf8'));
  } catch {
    // A machine without the file resolves nothing; its pods are told so (RES-17).
    return undefined;
  }
}

/** `close` of the result's pods ends everything; the folder of pods is empty then. */
export function createLinuxPods(options: LinuxPodsOptions): NodeAccess {
  const { store, clock, node, folder } = options;
  const resolver: ResolverSource = {
    clusterDns: options.clusterDns,
    clusterDomain: options.clusterDomain,
    node: nodeResolver(options.resolvConf ?? '/etc/resolv.conf'),
  };
  const podsFolder = join(folder, 'pods');
  // Whatever is in it belongs to rooms and logs of an earlier life.
  rmSync(podsFolder, { recursive: true, force: true });
  mkdirSync(podsFolder, { recursive: true });
  const folderOf = ({ pod }: Pick<PodState, 'pod'>) =>
    join(podsFolder, [pod.metadata.namespace, pod.metadata.name.slice(0, 80), pod.metadata.uid].join('_'));
  const record = createEventRecorder(store, node.name, clock);
  const programs = new Programs({
    resolver,
    hostIPs: node.addresses,
    ...(options.cgroup !== undefined && { cgroup: options.cgroup }),
    snapshot: () => store.snapshot(),
    serviceAccount: options.serviceAccount ?? (async () => undefined),
    folderOf,
    startEcho: options.startEcho,
    builtins: options.builtins,
    images: options.images ?? new Map(),
  });

  const host: PodHost = {
    nodeName: node.name,
    hostIPs: node.addresses,
    podCIDRs: () => store.snapshot().get(nodeKind, node.name)?.spec?.podCIDRs ?? [],
    store,
    clock,
    leases: openLeases(join(folder, 'leases.json')),
    sandboxes: createLinuxSandboxes({ node: node.namespace, mtu: options.mtu }),
    nodeSockets: namespaceSockets(node.namespace),
    record,
    networkReady: options.networkReady,
    startProgram: programs.start,
    folderOf,
    checkPod({ pod }) {
      podNames(pod, options.clusterDomain, node.name);
      for (const { reason, message } of podResolver(pod, resolver).warnings) record({ about: pod, type: 'Warning', reason, message });
    },
    async runCommand({ pod }, { name }, command) {
      // A stand-in has none of its image's tools: it cannot fail a check that needs them.
      if (programs.isStandIn(pod, name) && !commandExists(command[0] ?? '')) return { code: 0, output: 'stand-in' };
      const { room, environment } = await programs.enter(pod, name);
      return runInRoom(room, environment, command);
    },
    async forget(state) {
      await programs.forget(state.pod);
      rmSync(folderOf(state), { recursive: true, force: true });
    },
  };
  return { pods: new NodePods(host), programs, now: () => clock.now() };
}
