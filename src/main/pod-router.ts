// Sends the API server's wishes about a pod (logs, exec, connections) to the node that runs it.
import { ApiError, badRequest } from '../kube/meaning/api-error.ts';
import type { PodAccess } from '../kube/meaning/pod-access.ts';
import type { Pod } from '../kube/objects/core.ts';

export function createPodRouter(nodes: ReadonlyMap<string, PodAccess>): PodAccess {
  const nodeOf = (pod: Pod): PodAccess => {
    const { nodeName } = pod.spec;
    if (!nodeName) throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
    const access = nodes.get(nodeName);
    if (!access) throw new ApiError(502, 'BadGateway', `node ${nodeName} of pod ${pod.metadata.name} is not run by this program`);
    return access;
  };
  return {
    logs: async (pod, options, stop) => nodeOf(pod).logs(pod, options, stop),
    exec: async (pod, options) => nodeOf(pod).exec(pod, options),
    attach: async (pod, options) => nodeOf(pod).attach(pod, options),
    connect: async (pod, port) => nodeOf(pod).connect(pod, port),
  };
}
