// Pod networks on the real kernel: one namespace and one routed veth a pod, about two milliseconds each.
//   namespace  fl-demo.node1_default_web-1_4f0c1d   (`_` occurs in no Kubernetes name, so one node's pods are found by prefix)
//   link       pod-4f0c1d9a2b in the node's namespace, eth0 in the pod's
import { createHash } from 'node:crypto';
import type { Pod } from '../../kube/objects/core.ts';
import { podSysctls } from '../linux/namespace-sysctls.ts';
import { attachPod, detachPod } from '../linux/pod-link.ts';
import { createNamespace, listNamespaces, namespaceOf, type Netns, removeNamespace } from '../netlink/namespaces.ts';
import { withRtnetlink } from '../netlink/rtnetlink.ts';
import { podId } from './pod-state.ts';
import type { Sandboxes } from './sandboxes.ts';

const linkPrefix = 'pod-';
/** A file name has 255 bytes; a pod name may have 253. */
const longestPart = 80;

const hashOf = (pod: Pod) => createHash('sha256').update(podId(pod)).digest('hex');
const linkOf = (pod: Pod) => `${linkPrefix}${hashOf(pod).slice(0, 10)}`;

export interface LinuxSandboxOptions {
  node: Netns;
  /** Absent: the node's namespace name. Must tell this node's pods from all others. */
  prefix?: string;
  mtu?: number;
}

export function createLinuxSandboxes({ node, prefix = node.name, mtu }: LinuxSandboxOptions): Sandboxes {
  const nameOf = (pod: Pod) =>
    [prefix, pod.metadata.namespace, pod.metadata.name.slice(0, longestPart), hashOf(pod).slice(0, 6)].join('_');

  return {
    node,
    open(pod, addresses) {
      const podNs = createNamespace(nameOf(pod), podSysctls);
      try {
        attachPod(node, { podNs, name: linkOf(pod), ips: addresses, mtu });
      } catch (error) {
        removeNamespace(podNs);
        throw error;
      }
      return podNs;
    },
    async close(pod) {
      await detachPod(node, linkOf(pod));
      removeNamespace(namespaceOf(nameOf(pod)));
    },
    async sweep() {
      for (const namespace of listNamespaces(`${prefix}_`)) removeNamespace(namespace);
      // Their links go with them, but only when the kernel gets round to it: a new pod may want the name now.
      const links = withRtnetlink(node, (rtnetlink) => rtnetlink.links());
      await Promise.all(links.filter(({ name }) => name.startsWith(linkPrefix)).map(({ name }) => detachPod(node, name)));
    },
  };
}
