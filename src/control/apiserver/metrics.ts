// Counts of requests and open watches. Counted in plain maps, because the metrics library takes long to load;
// it is loaded when somebody asks for /metrics.
export interface ApiMetrics {
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

export function createApiMetrics(): ApiMetrics {
  const counts = new Map<string, Count>();
  let watches = 0;
  return {
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
    print: () => printMetrics([...counts.values()], watches),
  };
}

async function printMetrics(counts: readonly Count[], watches: number): Promise<string> {
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
  return registry.metrics();
}
