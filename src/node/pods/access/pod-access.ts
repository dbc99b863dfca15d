// kubectl's way into a pod: logs, exec, attach, port-forward. Implements kube/meaning/pod-access.ts for all nodes of
// this process.
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import type { Sockets } from '../../../base/run/sockets.ts';
import { badRequest } from '../../../kube/meaning/api-error.ts';
import type { PodAccess } from '../../../kube/meaning/pod-access.ts';
import type { Pod } from '../../../kube/objects/core.ts';
import { namespaceSockets } from '../../netlink/namespace-sockets.ts';
import type { ContainerLife } from '../container-life.ts';
import type { ContainerLog } from '../container-log.ts';
import type { NodePods } from '../node-pods.ts';
import { allContainers } from '../pod-state.ts';
import type { Programs } from '../programs/programs.ts';
import { attachTo } from './attach.ts';
import { execOnPipes, execOnTerminal } from './exec.ts';
import { readLog } from './log-reader.ts';

/** What one node offers; by node name. */
export interface NodeAccess {
  pods: NodePods;
  programs: Programs;
  now(): Date;
}

/** The container that was meant. Refusals are in the API server's own words. */
export function containerOf(pod: Pod, asked: string | undefined): string {
  const names = allContainers(pod).map(({ name }) => name);
  if (asked) {
    if (names.includes(asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${pod.metadata.name}`);
  }
  const main = pod.spec.containers.map(({ name }) => name);
  const preferred = pod.metadata.annotations?.['kubectl.kubernetes.io/default-container'];
  if (preferred && names.includes(preferred)) return preferred;
  if (main.length === 1) return main[0]!;
  throw badRequest(`a container name must be specified for pod ${pod.metadata.name}, choose one of: [${main.join(' ')}]`);
}

function waitingFor(pod: Pod, container: string): Error {
  const statuses = [pod.status?.containerStatuses, pod.status?.initContainerStatuses].flatMap((list) => list ?? []);
  const reason = statuses.find(({ name }) => name === container)?.state?.waiting?.reason ?? 'ContainerCreating';
  return badRequest(`container "${container}" in pod "${pod.metadata.name}" is waiting to start: ${reason}`);
}

/** The container's latest run, over or not. */
function lifeOf({ pods }: NodeAccess, pod: Pod, container: string): ContainerLife {
  const life = pods.life(pod)?.life(container);
  if (!life) throw waitingFor(pod, container);
  return life;
}

function logOf(node: NodeAccess, pod: Pod, container: string, previous: boolean): ContainerLog {
  if (!previous) return lifeOf(node, pod, container).log;
  const log = node.pods.life(pod)?.previousLogs.get(container);
  if (!log) throw badRequest(`previous terminated container "${container}" in pod "${pod.metadata.name}" not found`);
  return log;
}

/** Commands and consoles need a container that runs. */
function runningLife(node: NodeAccess, pod: Pod, container: string): ContainerLife {
  const life = lifeOf(node, pod, container);
  const phase = node.pods.life(pod)?.state.containers.get(container)?.phase;
  if (phase === 'running' || phase === 'stopping') return life;
  throw badRequest(`cannot exec in a stopped container: ${container} of pod ${pod.metadata.name}`);
}

/** Servers in pods often listen on one family only. */
async function connectLocal(sockets: Sockets, port: number): Promise<Duplex> {
  const attempt = async (address: string) => {
    const socket = sockets.connectTcp({ address, port });
    await once(socket, 'connect');
    return socket;
  };
  try {
    return await attempt('127.0.0.1');
  } catch (error) {
    // Only IPv6 may listen; when that fails too, the first answer is the one people know.
    return attempt('::1').catch(() => Promise.reject(error));
  }
}

export function createPodAccess(nodeOf: (name: string) => NodeAccess | undefined): PodAccess {
  const node = (pod: Pod): NodeAccess => {
    const found = nodeOf(pod.spec.nodeName ?? '');
    if (!found) throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
    return found;
  };
  return {
    async logs(pod, options, stop) {
      const container = containerOf(pod, options.container);
      const log = logOf(node(pod), pod, container, options.previous === true);
      return readLog(log, options, node(pod).now(), stop);
    },
    async exec(pod, options) {
      const container = containerOf(pod, options.container);
      runningLife(node(pod), pod, container);
      const { room, environment } = await node(pod).programs.enter(pod, container);
      return options.tty ? execOnTerminal(room, environment, options.command) : execOnPipes(room, environment, options);
    },
    async attach(pod, options) {
      const container = containerOf(pod, options.container);
      return attachTo(runningLife(node(pod), pod, container), node(pod).programs.console(pod, container));
    },
    async connect(pod, port) {
      const sandbox = node(pod).pods.life(pod)?.state.sandbox;
      if (!sandbox) throw badRequest(`pod ${pod.metadata.name} is not running`);
      return connectLocal(namespaceSockets(sandbox.namespace), port);
    },
  };
}
