// The Node object of the machine we run on: what `kubectl get nodes -o wide` and `describe node` show. Pure.
import type { Condition } from '../../kube/objects/meta.ts';
import type { NodeNote } from './connect-step.ts';
import type { Node, NodeAddress, Taint } from '../../kube/objects/core.ts';

export interface NodeSelf {
  name: string;
  /** The primary family's first. */
  addresses: readonly string[];
  /** Besides the well-known ones: roles, zone, whatever the configuration says. */
  labels?: Readonly<Record<string, string>>;
  zone?: string;
  taints?: readonly Taint[];
  machine: MachineFacts;
}

export interface MachineFacts {
  cpus: number;
  memoryKiB: number;
  kernelVersion: string;
  osImage: string;
  /** As Go names it: `amd64`, `arm64`. */
  architecture: string;
  bootId: string;
  machineId: string;
}

export interface NetworkHealth {
  isUp: boolean;
  message?: string;
  /** How optional parts of the data plane stand. */
  notes?: readonly NodeNote[];
}

/** kubectl warns when a node is more than one minor version away; the suffix says whose kubelet this is not. */
export const nodeVersion = 'v1.32.0-fairlead';

export function nodeLabels({ name, labels, zone, machine }: NodeSelf): Record<string, string> {
  return {
    'beta.kubernetes.io/arch': machine.architecture,
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': machine.architecture,
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': 'linux',
    ...(zone && { 'topology.kubernetes.io/zone': zone }),
    ...labels,
  };
}

export const newNode = (self: NodeSelf): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: self.name, labels: nodeLabels(self), annotations: { 'node.alpha.kubernetes.io/ttl': '0' } },
  spec: self.taints ? { taints: [...self.taints] } : {},
});

function claims({ isUp, message, notes = [] }: NetworkHealth): Omit<Condition, 'lastTransitionTime' | 'lastHeartbeatTime'>[] {
  const why = message ?? 'the data plane has not been set up yet';
  return [
    isUp
      ? { type: 'NetworkUnavailable', status: 'False', reason: 'DataPlaneReady', message: 'routes, services and policies are in force' }
      : { type: 'NetworkUnavailable', status: 'True', reason: 'DataPlaneNotReady', message: why },
    { type: 'MemoryPressure', status: 'False', reason: 'KubeletHasSufficientMemory', message: 'memory is not watched' },
    { type: 'DiskPressure', status: 'False', reason: 'KubeletHasNoDiskPressure', message: 'the disk is not watched' },
    { type: 'PIDPressure', status: 'False', reason: 'KubeletHasSufficientPID', message: 'processes are not counted' },
    isUp
      ? { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'the node agent is posting ready status' }
      : { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: why },
    ...notes,
  ];
}

function conditionsOf(health: NetworkHealth, before: readonly Condition[], time: string): Condition[] {
  const ours = claims(health).map((claim): Condition => {
    const old = before.find(({ type }) => type === claim.type);
    const lastTransitionTime = (old?.status === claim.status && old.lastTransitionTime) || time;
    return { ...claim, lastHeartbeatTime: time, lastTransitionTime };
  });
  return [...ours, ...before.filter(({ type }) => !ours.some((claim) => claim.type === type))];
}

function resourcesOf({ cpus, memoryKiB }: MachineFacts): Record<string, string> {
  return { cpu: String(cpus), memory: `${memoryKiB}Ki`, pods: '110', 'ephemeral-storage': '0', 'hugepages-1Gi': '0', 'hugepages-2Mi': '0' };
}

const infoOf = (machine: MachineFacts): Record<string, string> => ({
  architecture: machine.architecture,
  bootID: machine.bootId,
  containerRuntimeVersion: 'fairlead://0.1.0',
  kernelVersion: machine.kernelVersion,
  kubeProxyVersion: nodeVersion,
  kubeletVersion: nodeVersion,
  machineID: machine.machineId,
  operatingSystem: 'linux',
  osImage: machine.osImage,
  systemUUID: machine.machineId,
});

export function nodeStatus(self: NodeSelf, health: NetworkHealth, old: Node['status'], time: string): NonNullable<Node['status']> {
  const internal = self.addresses.map((address): NodeAddress => ({ type: 'InternalIP', address }));
  return {
    ...old,
    addresses: [...internal, { type: 'Hostname', address: self.name }],
    capacity: resourcesOf(self.machine),
    allocatable: resourcesOf(self.machine),
    conditions: conditionsOf(health, old?.conditions ?? [], time),
    nodeInfo: infoOf(self.machine),
  };
}
