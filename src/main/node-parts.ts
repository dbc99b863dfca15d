// One node of the stand-alone cluster: its agent with everything the agent needs, on the real machine.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../base/run/clock.ts';
import { endpointSliceKind } from '../kube/kinds/endpoint-slice.ts';
import type { Kind } from '../kube/kinds/kind.ts';
import { namespaceKind } from '../kube/kinds/namespace.ts';
import { networkPolicyKind } from '../kube/kinds/network-policy.ts';
import { nodeKind } from '../kube/kinds/node.ts';
import { podKind } from '../kube/kinds/pod.ts';
import { serviceKind } from '../kube/kinds/service.ts';
import type { ObjectStore } from '../kube/store/store.ts';
import { createCompiler } from '../model/compile.ts';
import type { NetworkModel, Scope } from '../model/network-model.ts';
import { Agent } from '../node/agent/agent.ts';
import { type AgentStep, step } from '../node/agent/step.ts';
import { type ProxyMode, rulesStep } from '../node/agent/rules-step.ts';
import { connectStep } from '../node/agent/connect-step.ts';
import { readMachineFacts } from '../node/agent/machine-facts.ts';
import { problemsStep } from '../node/agent/problems-step.ts';
import type { NodeSelf } from '../node/agent/node-object.ts';
import { nodeCgroup } from '../node/bpf/cgroups.ts';
import { createFlowRenderer } from '../node/dataplane/render-flows.ts';
import { createWiringRenderer } from '../node/dataplane/render-wiring.ts';
import { announceDriver } from '../node/linux/announce/announce-driver.ts';
import { conntrackDriver } from '../node/linux/conntrack-driver.ts';
import { linuxWiringDriver } from '../node/linux/wiring-linux.ts';
import { type Cable, openCable } from '../node/machine/cable.ts';
import { nodeNamespace } from '../node/machine/names.ts';
import { namespaceSockets } from '../node/netlink/namespace-sockets.ts';
import type { Netns } from '../node/netlink/namespaces.ts';
import type { NodeAccess } from '../node/pods/access/pod-access.ts';
import type { EchoHost } from '../node/pods/echo/echo-host.ts';
import { createLinuxPods, type LinuxPodsOptions } from '../node/pods/linux-pods.ts';
import { createEventRecorder } from '../node/pods/pod-events.ts';
import type { ImagePlace } from '../node/pods/programs/programs.ts';
import type { BuiltinPrograms } from '../node/pods/programs/program.ts';
import type { ClusterDescription, NodeDescription } from '../ui/config/cluster-description.ts';
import { createHealthParts, defaultSyncPeriodMs, type HealthParts, healthPort } from './health-parts.ts';
import { storeOverLink } from './store-over-link.ts';

/** What the model of a node is made from, and what its pods read: changes of these wake the agent. */
const reads = [nodeKind, podKind, namespaceKind, serviceKind, endpointSliceKind, networkPolicyKind] as readonly Kind<never>[] as readonly Kind[];

const controlPlaneRole = 'control-plane';

export interface NodeParts {
  store: ObjectStore;
  clock: Clock;
  scope: Scope;
  description: ClusterDescription;
  /** Where the node keeps leases and its pods' files. */
  folder: string;
  clusterDns: readonly string[];
  echo: EchoHost;
  builtins: BuiltinPrograms;
  serviceAccount: NonNullable<LinuxPodsOptions['serviceAccount']>;
}

interface ReachedStore {
  readonly store: ObjectStore;
  /** True once after each time that the node was cut off. */
  wasCut(): boolean;
  close(): void;
}

/**
 * The store as the node reaches it: over its own cable and that of the API server's node, which alone speaks to itself.
 * So `ip link set eth0 down` on a node is what it would be elsewhere: the node falls silent and is lost.
 */
function reachStore(node: NodeDescription, { store, clock, description }: NodeParts): ReachedStore {
  const server = controlPlaneOf(description).name;
  if (node.name === server) return { store, wasCut: () => false, close() {} };
  const cables: readonly Cable[] = [node.name, server].map((name) => openCable(nodeNamespace(description.name, name)));
  let cut = false;
  const isConnected = (): boolean => {
    const connected = cables.every((cable) => cable.isUp());
    cut ||= !connected;
    return connected;
  };
  return {
    store: storeOverLink({ store, isConnected, clock }),
    wasCut() {
      const isOver = cut && isConnected();
      if (isOver) cut = false;
      return isOver;
    },
    close: () => cables.forEach((cable) => cable.close()),
  };
}

export interface RunningNode {
  start(): Promise<void>;
  close(): Promise<void>;
  readonly access: NodeAccess;
}

/** The API server's node: the first where none is said to be. */
export const controlPlaneOf = ({ nodes }: ClusterDescription): NodeDescription => nodes.find((node) => node.roles.includes(controlPlaneRole)) ?? nodes[0]!;

/** The API server's node keeps ordinary pods away, unless it is the only one there is. */
function describeSelf(node: NodeDescription, { nodes }: ClusterDescription): NodeSelf {
  const roles = node.roles.map((role) => [`node-role.kubernetes.io/${role}`, ''] as const);
  const reserved = node.roles.includes(controlPlaneRole) && nodes.length > 1;
  return {
    name: node.name,
    addresses: node.addresses,
    labels: { ...Object.fromEntries(roles), ...node.labels },
    ...(node.zone !== undefined && { zone: node.zone }),
    ...(reserved && { taints: [{ key: `node-role.kubernetes.io/${controlPlaneRole}`, effect: 'NoSchedule' }] }),
    machine: readMachineFacts(),
  };
}

/**
 * What the node's kernel follows, in order: routes before rules, rules before the connections they make stale,
 * and neighbours hear of an address when it is served.
 */
function stepsOf(namespace: Netns, mode: ProxyMode, health: HealthParts): AgentStep[] {
  return [
    step(createWiringRenderer(), linuxWiringDriver(namespace)),
    rulesStep(mode, namespace),
    step(createFlowRenderer(), conntrackDriver(namespace)),
    step(({ self }: NetworkModel) => self.announces, announceDriver(namespace)),
    health.step,
  ];
}

/** Last: the rules stay complete underneath, and serve whoever the programs do not. */
function connectTimeOf({ name, connectTimeBalancing: mode }: ClusterDescription, node: string) {
  if (mode === 'off') return { steps: [] };
  const cgroup = nodeCgroup(name, node);
  const step = connectStep({ mode, cgroup });
  return { cgroup, steps: [step], notes: () => [step.note()].filter((note) => note !== undefined) };
}

/** A folder is the container's root, a file is its program. */
const placeOf = (path: string): ImagePlace => (statSync(path, { throwIfNoEntry: false })?.isDirectory() ? { root: path } : { command: [path] });

export function createNode(node: NodeDescription, parts: NodeParts): RunningNode {
  const { clock, scope, description, folder, echo } = parts;
  const reached = reachStore(node, parts);
  const { store } = reached;
  const namespace = nodeNamespace(description.name, node.name);
  const connectTime = connectTimeOf(description, node.name);
  const access = createLinuxPods({
    store,
    clock,
    node: { name: node.name, addresses: node.addresses, namespace },
    folder: join(folder, node.name),
    cgroup: connectTime.cgroup,
    clusterDomain: scope.clusterDomain,
    clusterDns: parts.clusterDns,
    startEcho: (context) => echo.start(context),
    builtins: parts.builtins,
    images: new Map(Object.entries(description.images).map(([image, path]) => [image, placeOf(path)])),
    serviceAccount: parts.serviceAccount,
    networkReady: (revision) => agent.settled(revision),
  });
  const health = createHealthParts({ store, clock, node: node.name, sockets: namespaceSockets(namespace) });
  const agent: Agent = new Agent({
    store,
    clock,
    self: describeSelf(node, description),
    reads,
    compile: createCompiler({ ...scope, node: node.name }),
    steps: [...stepsOf(namespace, description.proxyMode, health), problemsStep(store, createEventRecorder(store, node.name, clock)), ...connectTime.steps],
    notes: connectTime.notes,
    leaseSeconds: description.nodeHeartbeat.leaseSeconds,
    checkEveryMs: defaultSyncPeriodMs,
    // Routes leave with a link that goes down, and do not come back with it.
    disturbed: reached.wasCut,
    observer: health.observer,
    pods: access.pods,
  });
  return {
    access,
    async start() {
      await health.open({ healthAt: { address: '0.0.0.0', port: healthPort } });
      await agent.start();
    },
    async close() {
      await agent.close();
      await health.close();
      reached.close();
    },
  };
}
