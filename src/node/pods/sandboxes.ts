// A pod's network: a namespace of its own with its addresses, joined to the node's. What pod-life.ts needs of the machine.
import type { Pod } from '../../kube/objects/core.ts';
import type { Netns } from '../netlink/namespaces.ts';

export interface Sandboxes {
  /** The node's own network: host-network pods live in it, probes start from it. */
  readonly node: Netns;
  /** Throws when the machine refuses; nothing is left then. */
  open(pod: Pod, addresses: readonly string[]): Netns;
  /** Also of a pod that has none, or only half of one. Takes the kernel its time, but not this thread's. */
  close(pod: Pod): Promise<void>;
  /** Removes what an earlier life of the program left behind. Before the first open. */
  sweep(): Promise<void>;
}
