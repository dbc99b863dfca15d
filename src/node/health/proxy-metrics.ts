// What a node's service proxy counts, under the names that dashboards for kube-proxy know (KPX-27, PROXY-77, ITP-11).
// Told by the agent's observer and by the changes of Services and slices; printed when somebody asks.
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Clock } from '../../base/run/clock.ts';
import { endpointSliceKind } from '../../kube/kinds/endpoint-slice.ts';
import type { KubeObject } from '../../kube/objects/meta.ts';
import type { WatchEvent } from '../../kube/store/store.ts';
import type { NetworkModel, ServicePort } from '../../model/network-model.ts';
import type { AgentObserver } from '../agent/agent.ts';

export interface NodeProxyMetrics extends Required<AgentObserver> {
  /** A change of a Service or an EndpointSlice has come from the API. */
  saw(event: WatchEvent): void;
  probed(path: 'healthz' | 'livez', code: number): void;
  print(): Promise<string>;
}

const triggerNote = 'endpoints.kubernetes.io/last-change-trigger-time';
const millisecondsUp = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => (first * 2 ** i) / 1000);
/** A pod's way into the rules is measured in parts of a second at best and minutes at worst. */
const programming = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300];

/** Changes that have come and are not in the machine yet, by what they are about. */
interface Pending {
  readonly about: 'endpoint' | 'service';
  readonly revision: number;
  /** When the change began, as its maker noted. */
  readonly triggerMs?: number;
}

const triggerOf = ({ metadata }: KubeObject): string | undefined => metadata.annotations?.[triggerNote];

const isBound = ({ virtual, endpoints, localEndpoints = [] }: ServicePort, policy: 'internal' | 'external'): boolean =>
  endpoints.length > 0 && localEndpoints.length === 0 && virtual.some(({ type, localOnly }) => localOnly && (type === 'clusterIP') === (policy === 'internal'));

/** Services that have endpoints, none of them here, and a policy Local (the union of their ports). */
const withoutLocal = (model: NetworkModel | undefined, policy: 'internal' | 'external'): number =>
  new Set([...(model?.services.values() ?? [])].filter((port) => isBound(port, policy)).map(({ key }) => key.slice(0, key.indexOf(':')))).size;

/** What the kernel was given and what it refused. */
function countWrites(registry: Registry, mode: 'nftables' | 'iptables'): Pick<NodeProxyMetrics, 'applied' | 'failed'> {
  const registers = [registry];
  const rules = (name: string, help: string) => new Gauge({ name: `kubeproxy_sync_proxy_rules_iptables_${name}`, help, labelNames: ['table'], registers });
  const refused = (name: string, help: string) => new Counter({ name: `kubeproxy_sync_proxy_rules_${name}_failures_total`, help, registers });
  const failures = {
    nftables: refused('nftables_sync', 'Turns that the kernel refused.'),
    iptables: refused('iptables_restore', 'The same, in mode iptables.'),
  };
  const [total, last] = [rules('total', 'Rules of ours, in mode iptables.'), rules('last', 'Rules that the last change wrote, in mode iptables.')];
  const written = new Counter({ name: 'fairlead_node_kernel_changes_total', help: 'Kernel objects added, changed or removed.', labelNames: ['step'], registers });
  return {
    applied(step, { changes, rules: tables = {} }) {
      written.inc({ step }, changes);
      for (const [table, counts] of Object.entries(tables)) {
        total.set({ table }, counts.total);
        last.set({ table }, counts.written);
      }
    },
    failed: () => failures[mode].inc(),
  };
}

/** `mode` decides whose failures are counted. */
export function createNodeProxyMetrics(clock: Clock, mode: 'nftables' | 'iptables' = 'nftables'): NodeProxyMetrics {
  const registry = new Registry();
  const registers = [registry];
  const nowSeconds = () => clock.now().getTime() / 1000;
  const startMs = clock.now().getTime();
  const counter = (name: string, help: string, labelNames: string[] = []) => new Counter({ name, help, labelNames, registers });
  const gauge = (name: string, help: string, labelNames: string[] = []) => new Gauge({ name, help, labelNames, registers });
  const durations = new Histogram({ name: 'kubeproxy_sync_proxy_rules_duration_seconds', help: 'From looking at the cluster to rules in force.', buckets: millisecondsUp(1, 15), registers });
  const latencies = new Histogram({ name: 'kubeproxy_network_programming_duration_seconds', help: 'From the change of a pod or Service to rules in force.', buckets: programming, registers });
  const queuedAt = gauge('kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds', 'When a change was last noticed.');
  const syncedAt = gauge('kubeproxy_sync_proxy_rules_last_timestamp_seconds', 'When rules were last brought up to date.');
  const totals = {
    endpoint: counter('kubeproxy_sync_proxy_rules_endpoint_changes_total', 'Changes of EndpointSlices.'),
    service: counter('kubeproxy_sync_proxy_rules_service_changes_total', 'Changes of Services.'),
  };
  const waiting = {
    endpoint: gauge('kubeproxy_sync_proxy_rules_endpoint_changes_pending', 'Changes of EndpointSlices that rules do not show yet.'),
    service: gauge('kubeproxy_sync_proxy_rules_service_changes_pending', 'Changes of Services that rules do not show yet.'),
  };
  const local = gauge('kubeproxy_sync_proxy_rules_no_local_endpoints_total', 'Services with a policy Local and no endpoint on this node.', ['traffic_policy']);
  const ports = gauge('fairlead_node_service_ports', 'Ports of Services that this node serves.');
  const probes = {
    healthz: counter('kubeproxy_proxy_healthz_total', 'Answers of /healthz.', ['code']),
    livez: counter('kubeproxy_proxy_livez_total', 'Answers of /livez.', ['code']),
  };
  const memory = gauge('process_resident_memory_bytes', 'Resident memory.');
  let model: NetworkModel | undefined;
  let pending: Pending[] = [];

  return {
    woken: () => queuedAt.set(nowSeconds()),
    ...countWrites(registry, mode),
    turned(reached, tookMs) {
      model = reached;
      durations.observe(tookMs / 1000);
      syncedAt.set(nowSeconds());
      const done = pending.filter(({ revision }) => revision <= reached.revision);
      pending = pending.filter(({ revision }) => revision > reached.revision);
      for (const { triggerMs } of done) if (triggerMs !== undefined) latencies.observe(nowSeconds() - triggerMs / 1000);
    },
    saw({ kind, object, old, revision }) {
      const about = kind.kind === endpointSliceKind.kind ? 'endpoint' : 'service';
      totals[about].inc();
      const trigger = triggerOf(object);
      const triggerMs = trigger !== undefined && trigger !== (old && triggerOf(old)) ? Date.parse(trigger) : NaN;
      // What changed before we began says nothing about us.
      pending.push({ about, revision, ...(triggerMs >= startMs && { triggerMs }) });
    },
    probed: (path, code) => probes[path].inc({ code: String(code) }),
    print() {
      for (const about of ['endpoint', 'service'] as const) waiting[about].set(pending.filter((each) => each.about === about).length);
      for (const policy of ['internal', 'external'] as const) local.set({ traffic_policy: policy }, withoutLocal(model, policy));
      ports.set(model?.services.size ?? 0);
      memory.set(process.memoryUsage.rss());
      return registry.metrics();
    },
  };
}
