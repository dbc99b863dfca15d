// A machine with one node and its pods on the real kernel, under an agent without data plane: what the pods tests stand on.
import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from '../../src/base/run/clock.ts';
import type { SocketAddress } from '../../src/base/run/sockets.ts';
import { kinds } from '../../src/kube/kinds/kinds.ts';
import { nodeKind } from '../../src/kube/kinds/node.ts';
import { podKind } from '../../src/kube/kinds/pod.ts';
import type { Node, Pod, PodSpec } from '../../src/kube/objects/core.ts';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import { createMemoryStore } from '../../src/kube/store/embedded.ts';
import type { NetworkModel } from '../../src/model/network-model.ts';
import { Agent } from '../../src/node/agent/agent.ts';
import { readMachineFacts } from '../../src/node/agent/machine-facts.ts';
import { createMachine, removeMachine } from '../../src/node/machine/machine.ts';
import { nodeNamespace } from '../../src/node/machine/names.ts';
import { namespaceSockets } from '../../src/node/netlink/namespace-sockets.ts';
import { createPodAccess } from '../../src/node/pods/access/pod-access.ts';
import { EchoHost } from '../../src/node/pods/echo/echo-host.ts';
import { createLinuxPods } from '../../src/node/pods/linux-pods.ts';
import type { BuiltinPrograms } from '../../src/node/pods/programs/program.ts';

export interface PodsWorldOptions {
  cluster: string;
  /** Third number of the node network's addresses: worlds that run at the same time share this machine's routes. */
  net?: number;
  builtins?: BuiltinPrograms;
  podCIDRs?: string[];
  /** That all processes of pods join. */
  cgroup?: string;
}

export async function createPodsWorld({ cluster, net = 2, builtins = new Map(), podCIDRs = ['10.244.1.0/24', 'fd00:244:1::/64'], cgroup }: PodsWorldOptions) {
  const addresses = [`10.0.${net}.5`, `fd00:${net}::5`];
  createMachine({ cluster, subnets: [`10.0.${net}.0/24`, `fd00:${net}::/64`], nodes: [{ name: 'node1', addresses }] });
  const folder = mkdtempSync(join(tmpdir(), 'pods-'));
  const store = createMemoryStore(kinds);
  const echo = new EchoHost({ clock: realClock, drainMs: 50 });
  const namespace = nodeNamespace(cluster, 'node1');
  const node = { name: 'node1', addresses, namespace };

  function start() {
    const pods = createLinuxPods({
      store,
      clock: realClock,
      node,
      folder,
      clusterDomain: 'cluster.local',
      clusterDns: ['10.96.0.10'],
      startEcho: (context) => echo.start(context),
      builtins,
      cgroup,
      serviceAccount: async () => ({ token: 'secret-token', ca: 'PEM' }),
      networkReady: (revision) => agent.settled(revision),
    });
    const agent: Agent = new Agent({
      store,
      self: { name: 'node1', addresses, machine: readMachineFacts() },
      reads: kinds,
      compile: (seen) => ({ revision: seen.revision }) as NetworkModel,
      steps: [],
      pods: pods.pods,
      clock: realClock,
    });
    return { agent, pods };
  }

  let running = start();
  await running.agent.start();
  const registered = store.snapshot().get(nodeKind, 'node1')!;
  const metadata = { ...registered.metadata, resourceVersion: undefined };
  await store.write({ verb: 'update', object: { ...registered, metadata, spec: { podCIDRs } } as Node });
  const access = createPodAccess(() => running.pods);

  /** Resolves with the pod (undefined: gone) as soon as the claim about it holds. */
  async function until(name: string, claim: (pod: Pod | undefined) => boolean): Promise<Pod | undefined> {
    const stop = new AbortController();
    const since = store.snapshot();
    const now = since.get(podKind, name, 'default');
    if (claim(now)) return now;
    for await (const event of store.watch([podKind], since.revision, stop.signal)) {
      if (event.object.metadata.name !== name) continue;
      const pod = event.type === 'DELETED' ? undefined : (event.object as Pod);
      if (claim(pod)) return pod;
    }
    throw new Error('the watch ended');
  }

  return {
    store,
    access,
    folder,
    namespace,
    until,
    get running() {
      return running;
    },
    write: (object: KubeObject) => store.write({ verb: 'create', object }),
    create: (name: string, spec: Partial<PodSpec>, labels = {}) =>
      store.write({
        verb: 'create',
        object: { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', labels }, spec: { nodeName: 'node1', containers: [{ name: 'main', image: 'web' }], ...spec } } as Pod,
      }),
    remove: (name: string, gracePeriodSeconds?: number) =>
      store.write({ verb: 'delete', target: { apiVersion: 'v1', kind: 'Pod', name, namespace: 'default' }, gracePeriodSeconds }),
    ready: async (name: string) => (await until(name, isReady))!,
    /** An HTTP answer, asked from the node. */
    fetch: (to: SocketAddress, path = '/', headers = {}) => fetchIn(namespace, to, { path, headers }),
    async run(pod: Pod, command: string[], { stdin = '', tty = false } = {}) {
      const session = await access.exec(pod, { command, stdin: stdin !== '', stdout: true, stderr: !tty, tty });
      const words: Buffer[] = [];
      for (const stream of [session.stdout, session.stderr]) stream?.on('data', (chunk: Buffer) => words.push(chunk));
      if (stdin !== '') session.stdin!.write(stdin);
      if (stdin !== '' && !tty) session.stdin!.end();
      return { code: await session.exitCode, output: Buffer.concat(words).toString(), session };
    },
    /** The program ends and starts again over the same store and folder. */
    async restart() {
      await running.agent.close();
      running = start();
      await running.agent.start();
    },
    async close() {
      await running.agent.close();
      await echo.close();
      await store.close();
      removeMachine(cluster);
      rmSync(folder, { recursive: true });
    },
  };
}

export const isReady = (pod: Pod | undefined): boolean => pod?.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';

function fetchIn(namespace: ReturnType<typeof nodeNamespace>, to: SocketAddress, { path, headers }: { path: string; headers: Record<string, string> }) {
  const sockets = namespaceSockets(namespace);
  return new Promise<{ status: number; body: string }>((resolve, reject) => {
    const request = get({ path, host: 'pod', headers, createConnection: () => sockets.connectTcp(to) }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    request.on('error', reject);
  });
}
