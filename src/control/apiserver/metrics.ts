// Counts of requests and open watches. Counted in plain maps, because the metrics library takes long to load;
// it is loaded when somebody asks for /metrics.
import type { Registry } from 'prom-client';
import { type ClusterIpCounts, createClusterIpCounts, type RangeUse } from './metrics/cluster-ips.ts';

export interface ApiMetrics {
  readonly clusterIps: ClusterIpCounts;
  countRequest(labels: { verb: string; resource: string; code: number }, tookMs: number): void;
  countWatches(change: 1 | -1): void;
  print(): Promise<string>;
}

interface Count {
  verb: string;
  resource: string;
  code: number;
  requests: number;
  tookMs: number;
}

export function createApiMetrics(rangesNow: () => readonly RangeUse[] = () => []): ApiMetrics {
  const counts = new Map<string, Count>();
  let watches = 0;
  const clusterIps = createClusterIpCounts();
  return {
    clusterIps,
    countRequest({ verb, resource, code }, tookMs) {
      const key = `${verb} ${resource} ${code}`;
      const count = counts.get(key) ?? { verb, resource, code, requests: 0, tookMs: 0 };
      count.requests += 1;
      count.tookMs += tookMs;
      counts.set(key, count);
    },
    countWatches: (change) => {
      watches += change;
    },
    print: () => printMetrics([...counts.values()], watches, { ranges: rangesNow(), clusterIps }),
  };
}

interface Addresses {
  ranges: readonly RangeUse[];
  clusterIps: ClusterIpCounts;
}

async function printMetrics(counts: readonly Count[], watches: number, addresses: Addresses): Promise<string> {
  const { Registry, Counter, Gauge } = (await import('prom-client')).default;
  const registry = new Registry();
  const registers = [registry];
  const labelNames = ['verb', 'resource', 'code'];
  const requests = new Counter({ name: 'apiserver_request_total', help: 'Requests answered.', labelNames, registers });
  const seconds = new Counter({ name: 'apiserver_request_duration_seconds_sum', help: 'Time spent answering.', labelNames, registers });
  for (const { verb, resource, code, ...count } of counts) {
    requests.inc({ verb, resource, code: String(code) }, count.requests);
    seconds.inc({ verb, resource, code: String(code) }, count.tookMs / 1000);
  }
  new Gauge({ name: 'apiserver_longrunning_requests', help: 'Open watches and streams.', registers }).set(watches);
  new Gauge({ name: 'process_resident_memory_bytes', help: 'Resident memory.', registers }).set(process.memoryUsage.rss());
  await addAddresses(registry, addresses);
  return registry.metrics();
}

async function addAddresses(registry: Registry, { ranges, clusterIps }: Addresses): Promise<void> {
  const { Counter, Gauge } = (await import('prom-client')).default;
  const registers = [registry];
  const prefix = 'kube_apiserver_clusterip_allocator';
  const allocated = new Gauge({ name: `${prefix}_allocated_ips`, help: 'Cluster IPs in use.', labelNames: ['cidr'], registers });
  const available = new Gauge({ name: `${prefix}_available_ips`, help: 'Cluster IPs that are free.', labelNames: ['cidr'], registers });
  for (const { cidr, ...use } of ranges) {
    allocated.set({ cidr }, use.allocated);
    available.set({ cidr }, use.available);
  }
  const labelNames = ['cidr', 'scope'];
  const total = new Counter({ name: `${prefix}_allocation_total`, help: 'Cluster IPs given: static were asked for, dynamic were handed out.', labelNames, registers });
  const errors = new Counter({ name: `${prefix}_allocation_errors_total`, help: 'Cluster IPs that could not be given.', labelNames, registers });
  for (const { cidr, scope, given, refused } of clusterIps.handed()) {
    total.inc({ cidr, scope }, given);
    errors.inc({ cidr, scope }, refused);
  }
}
