// What all pods of one node share: the node's names and addresses, and the hands that pods are made with.
import type { Clock } from '../../base/run/clock.ts';
import type { Sockets } from '../../base/run/sockets.ts';
import type { Container } from '../../kube/objects/core.ts';
import type { ObjectStore } from '../../kube/store/store.ts';
import type { Leases } from '../cni/leases.ts';
import type { RecordEvent } from './pod-events.ts';
import type { PodState } from './pod-state.ts';
import type { StartProgram } from './programs/program.ts';
import type { Sandboxes } from './sandboxes.ts';

export interface CommandResult {
  code: number;
  output: string;
}

export interface PodHost {
  readonly nodeName: string;
  /** The node's addresses, one per family, the primary family first. */
  readonly hostIPs: readonly string[];
  /** Of this node, in the order of its families; empty until the control plane has assigned them. */
  podCIDRs(): readonly string[];
  readonly store: Pick<ObjectStore, 'write' | 'snapshot'>;
  readonly clock: Clock;
  readonly leases: Leases;
  readonly sandboxes: Sandboxes;
  /** Of the node's own network: where probes come from. */
  readonly nodeSockets: Sockets;
  readonly record: RecordEvent;
  /** Resolves when the data plane has taken in everything up to this revision. */
  networkReady(revision: number): Promise<void>;
  startProgram: StartProgram;
  /** Throws Error with the words for the event when the pod can never start as it is (HN-08). */
  checkPod(state: PodState): void;
  /** A command inside a running container, to its end. */
  runCommand(state: PodState, container: Container, command: readonly string[]): Promise<CommandResult>;
  /** The pod is over: whatever was kept for it (rooms, volumes, logs) may go. */
  forget(state: PodState): Promise<void>;
  /** A folder of the pod's own, made when first used. */
  folderOf(state: PodState): string;
}
