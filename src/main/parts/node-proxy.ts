// `fairlead proxy`: the service proxy of one node of any cluster, in the network namespace it is started in.
//
//   API server ─▶ mirror ─▶ compile ─▶ rules, connections, health ports
//                              └── from the first full look on, never before: half a cluster would refuse what works (KPX-26)
//
// Ending it leaves the rules in force; the next start finds and replaces them in one transaction.
import { realClock } from '../../base/run/clock.ts';
import { logFor } from '../../base/run/log.ts';
import { hostSockets } from '../../base/run/sockets.ts';
import { endpointSliceKind } from '../../kube/kinds/endpoint-slice.ts';
import type { Kind } from '../../kube/kinds/kind.ts';
import { namespaceKind } from '../../kube/kinds/namespace.ts';
import { networkPolicyKind } from '../../kube/kinds/network-policy.ts';
import { nodeKind } from '../../kube/kinds/node.ts';
import { podKind } from '../../kube/kinds/pod.ts';
import { serviceKind } from '../../kube/kinds/service.ts';
import { ApiError } from '../../kube/meaning/api-error.ts';
import { createCompiler } from '../../model/compile.ts';
import type { Scope } from '../../model/network-model.ts';
import { Agent } from '../../node/agent/agent.ts';
import { type AgentStep, step } from '../../node/agent/step.ts';
import { applyConntrackLimits } from '../../node/agent/conntrack-limits.ts';
import { readMachine, whyNoMode } from '../../node/agent/mode-support.ts';
import { removeRules, rulesStep } from '../../node/agent/rules-step.ts';
import { readMachineFacts } from '../../node/agent/machine-facts.ts';
import { createFlowRenderer } from '../../node/dataplane/render-flows.ts';
import { createNodeProxyMetrics, type NodeProxyMetrics } from '../../node/health/proxy-metrics.ts';
import { conntrackDriver } from '../../node/linux/conntrack-driver.ts';
import { homeNamespace } from '../../node/netlink/namespaces.ts';
import { CommandError } from '../../ui/cli/command-error.ts';
import type { ProxySettings, RunningPart } from '../../ui/cli/parts.ts';
import { createHealthParts } from '../health-parts.ts';
import { openMirror, type OpenMirror, orClose } from './open-mirror.ts';

/** Services and slices are what there is most of; pods are read only where policies must be enforced. */
const counted = [serviceKind, endpointSliceKind] as readonly Kind<never>[] as readonly Kind[];
const serviceKinds: readonly Kind[] = [nodeKind as Kind, ...counted];
const policyKinds = [podKind, namespaceKind, networkPolicyKind] as readonly Kind<never>[] as readonly Kind[];

const scopeOf = (settings: ProxySettings, serviceCIDRs: readonly string[]): Scope => ({
  node: settings.node,
  clusterDomain: 'cluster.local',
  podCIDRs: settings.clusterCIDRs,
  serviceCIDRs: settings.serviceCIDRs.length > 0 ? settings.serviceCIDRs : serviceCIDRs,
  nodePortAddresses: settings.nodePortAddresses,
  keepsPodSources: true,
  ...(settings.keepsSourceOf && { keepsSourceOf: settings.keepsSourceOf }),
});

const log = logFor('proxy');
const mostNamed = 5;

/** Not refused: a node may register after its proxy. */
function unknownNode(name: string, known: readonly string[]): string {
  const others = known.length === 0 ? 'there is none yet' : `there are ${known.slice(0, mostNamed).join(', ')}${known.length > mostNamed ? ' …' : ''}`;
  return `no Node is called ${JSON.stringify(name)} (${others}): until one is, no endpoint counts as being on this node; --node names it`;
}

/** Counts what comes from the API until the mirror is closed. */
async function followChanges({ store }: OpenMirror, metrics: NodeProxyMetrics, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    try {
      for await (const event of store.watch(counted, store.snapshot().revision, stop)) metrics.saw(event);
    } catch (error) {
      // Too slow for the flood (410): some changes stay uncounted, which a count can bear.
      if (!(error instanceof ApiError && error.code === 410)) throw error;
    }
  }
}

/** Throws CommandError where this machine cannot carry the mode. */
export async function startNodeProxy(settings: ProxySettings): Promise<RunningPart> {
  const refusal = await whyNoMode(settings.mode, readMachine(homeNamespace), settings);
  if (refusal !== undefined) throw new CommandError(refusal);
  const mirror = openMirror(settings.kubeconfig, settings.policies ? [...serviceKinds, ...policyKinds] : serviceKinds);
  const { store } = mirror;
  const { node, syncPeriodMs } = settings;
  const clock = realClock;
  const stop = new AbortController();
  const metrics = createNodeProxyMetrics(clock, settings.mode);
  const health = createHealthParts({ store, clock, node, sockets: hostSockets, syncPeriodMs, metrics, mode: settings.mode });
  const ports = await orClose(mirror, health.open(settings));
  let agent: Agent | undefined;

  async function begin(): Promise<void> {
    const ranges = await untilSynced(mirror);
    if (stop.signal.aborted) return;
    if (!store.snapshot().get(nodeKind, node)) log.warn(unknownNode(node, store.snapshot().list(nodeKind).map(({ metadata }) => metadata.name)));
    void followChanges(mirror, metrics, stop.signal);
    const steps: readonly AgentStep[] = [rulesStep(settings.mode, homeNamespace), step(createFlowRenderer(), conntrackDriver(homeNamespace)), health.step];
    agent = new Agent({
      store,
      clock,
      // Only its name counts: another kubelet speaks for the node.
      self: { name: node, addresses: [], machine: readMachineFacts() },
      registers: false,
      reads: settings.policies ? [...serviceKinds, ...policyKinds] : serviceKinds,
      compile: createCompiler(scopeOf(settings, ranges)),
      steps,
      checkEveryMs: syncPeriodMs,
      minSyncPeriodMs: settings.minSyncPeriodMs,
      observer: health.observer,
    });
    await agent.start();
    await agent.settled(store.snapshot().revision);
    applyConntrackLimits(settings.conntrack);
  }

  const begun = begin();
  return {
    about: `node ${node} of ${mirror.server}`,
    ports,
    begun,
    async close() {
      stop.abort();
      await agent?.close();
      await health.close();
      mirror.close();
      await begun.catch(() => {});
    },
  };
}

/** The Service ranges, once everything has been listed. */
async function untilSynced({ store, serviceRanges }: OpenMirror): Promise<readonly string[]> {
  await store.synced;
  return serviceRanges();
}

/** Takes away whatever `fairlead proxy` has made in this namespace. */
export const cleanUpNodeProxy = (): Promise<void> => removeRules(homeNamespace);
